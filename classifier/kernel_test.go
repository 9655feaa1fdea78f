package classifier

import (
	"math/rand/v2"
	"testing"

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
