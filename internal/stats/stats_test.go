package stats

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The first four are those of Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I.
func TestClopperPearsonTables(t *testing.T) {
	for _, c := range []struct {
		x, n       int
		confidence float64
		low, high  float64
	}{
		{81, 263, 0.95, 0.2527, 0.3676},
		{15, 148, 0.95, 0.0578, 0.1617},
		{0, 20, 0.95, 0, 0.1684},
		{1, 29, 0.95, 0.0009, 0.1776},
		{5, 10, 0.95, 0.1871, 0.8129},
		{7, 10, 0.95, 0.3475, 0.9333},
		{10, 10, 0.95, 0.6915, 1},
		{682, 925, 0.95, 0.7077, 0.7654},
	} {
		low, high := ClopperPearson(c.x, c.n, c.confidence)
		require.InDelta(t, c.low, low, 6e-5, "%d of %d", c.x, c.n)
		require.InDelta(t, c.high, high, 6e-5, "%d of %d", c.x, c.n)
	}
}

// 59 tickets without an error are the fewest that prove 95 % at a confidence of 95 %; with one error it takes 93, with two
// 124 (Hahn and Meeker, Statistical Intervals, 1991, the demonstration tests of chapter 9).
func TestLowerBoundDemonstrationTests(t *testing.T) {
	for errors, n := range map[int]int{0: 59, 1: 93, 2: 124, 3: 153, 4: 181, 5: 208} {
		require.GreaterOrEqual(t, LowerBound(n-errors, n, 0.95), 0.95, "%d errors", errors)
		require.Less(t, LowerBound(n-1-errors, n-1, 0.95), 0.95, "%d errors", errors)
	}
	require.InDelta(t, math.Pow(0.05, 1.0/59), LowerBound(59, 59, 0.95), 1e-12)
	require.Zero(t, LowerBound(0, 7, 0.95))
	require.Zero(t, LowerBound(0, 0, 0.95))
}

func TestHypergeometricTailAgainstSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.IntRange(1, 60).Draw(t, "total")
		marked := rapid.IntRange(0, total).Draw(t, "marked")
		draws := rapid.IntRange(0, total).Draw(t, "draws")
		k := rapid.IntRange(-1, total+1).Draw(t, "k")
		var want float64
		for i := max(k, 0); i <= min(draws, marked); i++ {
			want += math.Exp(logHypergeometric(i, draws, marked, total))
		}
		require.InDelta(t, want, HypergeometricTail(k, draws, marked, total), 1e-9)
	})
}

// Fisher's tea: of 8 cups with 4 of each kind, all 4 right by chance is 1 in 70, 3 or more 17 in 70.
func TestHypergeometricTailTea(t *testing.T) {
	require.InDelta(t, 1.0/70, HypergeometricTail(4, 4, 4, 8), 1e-12)
	require.InDelta(t, 17.0/70, HypergeometricTail(3, 4, 4, 8), 1e-12)
}

func TestBinomialCDFAgainstSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 80).Draw(t, "n")
		k := rapid.IntRange(-1, n+1).Draw(t, "k")
		p := rapid.Float64Range(0.001, 0.999).Draw(t, "p")
		var want float64
		for i := 0; i <= min(k, n); i++ {
			want += math.Exp(LogChoose(n, i) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
		}
		require.InDelta(t, want, BinomialCDF(k, n, p), 1e-9)
	})
}

func TestIncompleteBetaIsSymmetricAndLarge(t *testing.T) {
	require.InDelta(t, 0.5, IncompleteBeta(50_000, 50_000, 0.5), 1e-9)
	require.InDelta(t, 0.5248, IncompleteBeta(0.5, 0.5, 0.539), 2e-4) // (2/pi) asin(sqrt(0.539))
	require.InDelta(t, math.Pow(0.3, 7), IncompleteBeta(7, 1, 0.3), 1e-15)
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64Range(0.1, 5000).Draw(t, "a"), rapid.Float64Range(0.1, 5000).Draw(t, "b")
		x := rapid.Float64Range(1e-3, 0.999).Draw(t, "x") // nearer to 0, 1-x is no longer exact
		require.InDelta(t, 1, IncompleteBeta(a, b, x)+IncompleteBeta(b, a, 1-x), 1e-9)
	})
}

func BenchmarkLowerBound(b *testing.B) {
	for b.Loop() {
		LowerBound(95_000, 100_000, 0.95)
	}
}
