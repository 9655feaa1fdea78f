//go:build !amd64

package classifier

func axpyWide(a float32, x, y []float32) { axpyPlain(a, x, y) }

func dotWide(x, y []float32, sums *[16]float32) { dotPlain(x, y, sums) }

func addRowsWide([]byte, int, []int32, []uint32, *[64]uint32) bool { return false }

func dotBytesWide(x []byte, low, high []int16) (a, b int32) { return dotBytesPlain(x, low, high) }
