//go:build !amd64

package ngram

func addWide([]uint64, []uint32, int, *[wide]uint64, *[wide]uint64) bool { return false }
