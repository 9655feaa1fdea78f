//go:build !amd64

package classifier

func axpyWide(a float32, x, y []float32) { axpyPlain(a, x, y) }

func dotWide(x, y []float32, sums *[16]float32) { dotPlain(x, y, sums) }

func addRowsWide([]byte, int, []int32, []uint16, *[64]uint32) bool { return false }

func dotBytesWide(x []byte, low, high []int16) (a, b int32) { return dotBytesPlain(x, low, high) }

func sumRowsWide([]float32, int, []int32, []float32, []float32) bool { return false }

func addToRowsWide([]float32, int, []int32, []float32, []float32) bool { return false }

func dotRowsWide([]float32, []float32, []float32) bool { return false }

func (v *vocabulary) prefetch([]occurrence) {}
