package vector

import "golang.org/x/sys/cpu"

// dotRowsAVX2 is dotRowsPlain for n rows of a multiple of 32 bytes.
//
//go:noescape
func dotRowsAVX2(rows *byte, stride int, q *int16, n int, out *int32)

// dotRows sets out[i] to the scalar product of q with the i-th of the rows, whose length is that of q, a multiple of 32.
func dotRows(rows []byte, q []int16, out []int32) {
	if !cpu.X86.HasAVX2 || len(out) == 0 || len(q) == 0 {
		dotRowsPlain(rows, q, out)
		return
	}
	_ = rows[len(q)*len(out)-1]
	dotRowsAVX2(&rows[0], len(q), &q[0], len(out), &out[0])
}
