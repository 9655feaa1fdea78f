package ngram

import "golang.org/x/sys/cpu"

// addAVX2 sums n rows of 64 bytes, that of a feature at its hash shifted right, as addPlain does.
//
//go:noescape
func addAVX2(rows *uint64, features *uint32, n, shift int, even, odd *[wide]uint64)

// addWide is addPlain for the longest rows; false: this machine cannot.
func addWide(rows []uint64, features []uint32, shift int, even, odd *[wide]uint64) bool {
	if !cpu.X86.HasAVX2 || len(features) == 0 {
		return false
	}
	addAVX2(&rows[0], &features[0], len(features), shift, even, odd)
	return true
}
