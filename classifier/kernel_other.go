//go:build !amd64

package classifier

func axpyWide(a float32, x, y []float32) { axpyPlain(a, x, y) }

func dotWide(x, y []float32, sums *[16]float32) { dotPlain(x, y, sums) }
