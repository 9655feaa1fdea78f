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
