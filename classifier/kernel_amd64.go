package classifier

import "golang.org/x/sys/cpu"

// axpyAVX adds a·x to y for n numbers, a multiple of 8. Products are rounded before they are added, as in axpyPlain: both
// give the same bits.
//
//go:noescape
func axpyAVX(a float32, x, y *float32, n int)

// dotAVX writes the sums of the products of every sixteenth of n numbers, a multiple of 16, as dotPlain does.
//
//go:noescape
func dotAVX(x, y *float32, n int, sums *[16]float32)

// axpyWide adds a·x to y; the lengths are equal and a multiple of 8.
func axpyWide(a float32, x, y []float32) {
	if cpu.X86.HasAVX {
		axpyAVX(a, &x[0], &y[0], len(x))
		return
	}
	axpyPlain(a, x, y)
}

// dotWide is dotPlain.
func dotWide(x, y []float32, sums *[16]float32) {
	if cpu.X86.HasAVX {
		dotAVX(&x[0], &y[0], len(x), sums)
		return
	}
	dotPlain(x, y, sums)
}

// addRowsAVX2 sets the 64 sums to those of the first 64 bytes of the n rows times their coefficients.
//
//go:noescape
func addRowsAVX2(weights *byte, stride int, ids *int32, coefs *uint32, n int, sums *[64]uint32)

// dotBytesAVX2 returns the scalar products of n bytes, a multiple of 16 up to maxDotBytes, with two lists of numbers.
//
//go:noescape
func dotBytesAVX2(x *byte, low, high *int16, n int) (a, b int32)

// addRowsWide is addRowsPlain for 64 units; false: this machine cannot.
func addRowsWide(weights []byte, stride int, ids []int32, coefs []uint32, sums *[64]uint32) bool {
	if !cpu.X86.HasAVX2 || len(ids) == 0 {
		return false
	}
	addRowsAVX2(&weights[0], stride, &ids[0], &coefs[0], len(ids), sums)
	return true
}

// dotBytesWide is dotBytesPlain for a multiple of 16 bytes, up to maxDotBytes.
func dotBytesWide(x []byte, low, high []int16) (a, b int32) {
	if cpu.X86.HasAVX2 {
		return dotBytesAVX2(&x[0], &low[0], &high[0], len(x))
	}
	return dotBytesPlain(x, low, high)
}
