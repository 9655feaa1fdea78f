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

// addRowsAVX2 sets the 64 sums to those of the first 64 bytes of the n rows times their coefficients, below 2^15 each.
//
//go:noescape
func addRowsAVX2(weights *byte, stride int, ids *int32, coefs *uint16, n int, sums *[64]uint32)

// sumRowsAVX adds the first 64 numbers of the n rows times vals to h, row by row.
//
//go:noescape
func sumRowsAVX(rows *float32, stride int, ids *int32, vals *float32, n int, h *float32)

// addToRowsAVX adds the 64 numbers x times rates to the first ones of each of the n rows.
//
//go:noescape
func addToRowsAVX(rows *float32, stride int, ids *int32, rates *float32, n int, x *float32)

// dotRowsAVX writes the scalar products of count rows of n numbers, a multiple of 16 over 0, with x, as dot gives them.
//
//go:noescape
func dotRowsAVX(rows, x *float32, n, count int, out *float32)

// prefetchSlots fetches the slots of n features, their hashes shifted right; slots and occurrences take 16 bytes each.
//
//go:noescape
func prefetchSlots(table *slot, shift int, list *occurrence, n int)

// dotBytesAVX2 returns the scalar products of n bytes, a multiple of 16 up to maxDotBytes, with two lists of numbers.
//
//go:noescape
func dotBytesAVX2(x *byte, low, high *int16, n int) (a, b int32)

// addRowsWide sets the 64 sums to those of the first 64 bytes of the rows times their coefficients; false: this machine
// cannot.
func addRowsWide(weights []byte, stride int, ids []int32, coefs []uint16, sums *[64]uint32) bool {
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

// sumRowsWide adds the first 64 numbers of the rows times vals to h; false: this machine cannot.
func sumRowsWide(rows []float32, stride int, ids []int32, vals, h []float32) bool {
	if !cpu.X86.HasAVX || len(ids) == 0 {
		return false
	}
	sumRowsAVX(&rows[0], stride, &ids[0], &vals[0], len(ids), &h[0])
	return true
}

// addToRowsWide adds the 64 numbers x times rates to the first ones of each of the rows; false: this machine cannot.
func addToRowsWide(rows []float32, stride int, ids []int32, rates, x []float32) bool {
	if !cpu.X86.HasAVX || len(ids) == 0 {
		return false
	}
	addToRowsAVX(&rows[0], stride, &ids[0], &rates[0], len(ids), &x[0])
	return true
}

// dotRowsWide writes the scalar products of the rows with x; false: this machine or this length of x cannot.
func dotRowsWide(rows, x, out []float32) bool {
	if !cpu.X86.HasAVX || len(out) == 0 || len(x) == 0 || len(x)%16 != 0 || len(rows) < len(x)*len(out) {
		return false
	}
	dotRowsAVX(&rows[0], &x[0], len(x), len(out), &out[0])
	return true
}

// prefetch fetches the places where the features of a list begin to be looked for.
func (v *vocabulary) prefetch(list []occurrence) {
	if len(list) > 0 {
		prefetchSlots(&v.table[0], int(v.shift), &list[0], len(list))
	}
}
