package classifier

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// The kernels of the processor and the plain ones must agree to the bit: models may not depend on the machine.
func TestKernelsAgreeToTheBit(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	numbers := func(n int) []float32 {
		out := make([]float32, n)
		for i := range out {
			out[i] = float32(random.NormFloat64())
		}
		return out
	}
	for _, n := range []int{8, 16, 24, 32, 40, 128, 200, 1000} {
		x, y := numbers(n), numbers(n)
		want := append([]float32(nil), y...)
		axpyPlain(0.37, x, want)
		axpyWide(0.37, x, y)
		require.Equal(t, want, y, "%d", n)
		if n%16 == 0 {
			var a, b [16]float32
			dotPlain(x, y, &a)
			dotWide(x, y, &b)
			require.Equal(t, a, b, "%d", n)
		}
	}
}

// Sums of bytes are exact: the kernels must agree with plain sums for any number of units.
func TestByteKernelsAreExact(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for _, units := range []int{8, 16, 24, 64, 80, 128, 136, 200, 1032} {
		const rows = 50
		e := &embedding{hidden: units, weights: make([]byte, rows*units)}
		for i := range e.weights {
			e.weights[i] = byte(max(random.IntN(300)-22, 0))
		}
		var u whole
		var numbers []int
		for range units {
			numbers = append(numbers, random.IntN(fine*2-1)-fine+1)
			u.add(numbers[len(numbers)-1])
		}
		var ids []int32
		var coefs []uint16
		for range rows {
			ids, coefs = append(ids, random.Int32N(rows)), append(coefs, uint16(random.Uint32N(coarse)))
		}
		want, got := make([]float32, units), make([]float32, units)
		for _, id := range ids {
			sum := 0
			for j, w := range e.weights[int(id)*units : int(id+1)*units] {
				sum += int(w) * numbers[j]
			}
			require.Equal(t, sum, u.dot(e.weights[int(id)*units:int(id+1)*units]), "%d", units)
		}
		for at := 0; at < units; at += 8 {
			e.block(ids, coefs, at, want[at:at+8], 0.25, 1000)
		}
		e.rows(ids, coefs, got, 0.25, 1000)
		require.Equal(t, want, got, "%d", units)
	}
}

// Sums over rows, and steps of rows, give the bits of the plain loops over numbers, for any number of rows and units.
func TestRowKernelsAgreeToTheBit(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	const rows = 30
	for _, units := range []int{8, 16, 24, 64, 80, 128, 200} {
		for _, n := range []int{0, 1, 2, 3, 9, 20} {
			w, x, h := make([]float32, rows*units), make([]float32, units), make([]float32, units)
			for _, list := range [][]float32{w, x, h} {
				for i := range list {
					list[i] = float32(random.NormFloat64())
				}
			}
			var v vector
			for _, id := range random.Perm(rows)[:n] {
				v.ids, v.vals = append(v.ids, int32(id)), append(v.vals, float32(random.NormFloat64()))
			}
			wantH, wantW := append([]float32(nil), h...), append([]float32(nil), w...)
			wantDots, dots := make([]float32, rows), make([]float32, rows)
			for i, id := range v.ids {
				axpyPlain(v.vals[i], w[int(id)*units:int(id+1)*units], wantH)
				axpyPlain(v.vals[i], x, wantW[int(id)*units:int(id+1)*units])
			}
			for i := range wantDots {
				wantDots[i] = dot(w[i*units:(i+1)*units], x)
			}
			sumRows(w, v, h)
			require.Equal(t, wantH, h, "%d units, %d rows", units, n)
			dotRows(w, x, dots)
			require.Equal(t, wantDots, dots, "%d units", units)
			addToRows(w, v, x)
			require.Equal(t, wantW, w, "%d units, %d rows", units, n)
		}
	}
}

// The kernels read these by their size.
func TestSizesOfKernelTypes(t *testing.T) {
	require.Equal(t, uintptr(16), unsafe.Sizeof(slot{}))
	require.Equal(t, uintptr(16), unsafe.Sizeof(occurrence{}))
	require.Zero(t, unsafe.Offsetof(occurrence{}.hash))
}

func TestVectorSumsOfAnyLength(t *testing.T) {
	for n := range 50 {
		x, y := make([]float32, n), make([]float32, n)
		var want float32
		for i := range x {
			x[i], y[i] = float32(i+1), float32(i%3)
			want += x[i] * y[i] // whole numbers: exact in any order
		}
		require.Equal(t, want, dot(x, y), "%d", n)
		axpy(2, x, y)
		for i := range y {
			require.Equal(t, float32(2*(i+1)+i%3), y[i])
		}
	}
}

func BenchmarkAxpy(b *testing.B) {
	x, y := make([]float32, 128), make([]float32, 128)
	for b.Loop() {
		axpy(0.5, x, y)
	}
}

func BenchmarkDot(b *testing.B) {
	x, y := make([]float32, 128), make([]float32, 128)
	for b.Loop() {
		dot(x, y)
	}
}
