//go:build !amd64

package vector

func dotRows(rows []byte, q []int16, out []int32) { dotRowsPlain(rows, q, out) }
