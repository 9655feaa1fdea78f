package eval

import (
	"cmp"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
)

// McNemar tests whether two classifiers that were measured on the same items are right equally often, from the number
// of items that only the one and only the other got right. It returns the two-sided exact p-value, and the mid-p value,
// which is less conservative and stays close to the nominal level.
//
// Definition: McNemar 1947; Fagerland, Lydersen and Laake, The McNemar test for binary matched-pairs data, 2013.
func McNemar(onlyA, onlyB int) (exact, mid float64) {
	n := onlyA + onlyB
	var tail, last float64
	for k := range min(onlyA, onlyB) + 1 {
		last = binomialHalf(n, k)
		tail += last
	}
	return min(2*tail, 1), min(2*tail-last, 1)
}

// binomialHalf is the probability of k heads among n throws of a fair coin.
func binomialHalf(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return math.Exp(a - b - c - float64(n)*math.Ln2)
}

// PairedRandomization tests whether the differences, one for each query, have the mean 0: the two-sided p-value is the
// share of random sign patterns whose mean is as far from 0, the observed one included. The same seed gives the same
// value. Without differences it is 1.
//
// Definition: Fisher 1935; Smucker, Allan and Carterette, A comparison of statistical significance tests for
// information retrieval evaluation, 2007.
func PairedRandomization(differences []float64, rounds int, seed uint64) float64 {
	moved := slices.DeleteFunc(slices.Clone(differences), func(d float64) bool { return d == 0 })
	var observed, scale float64
	for _, d := range moved {
		observed += d
		scale += math.Abs(d)
	}
	limit := math.Abs(observed) - 1e-12*scale // sums that differ by rounding only are equal
	extreme := make([]int, (rounds+bootstrapBlock-1)/bootstrapBlock)
	parallel(len(extreme), runtime.GOMAXPROCS(0), func(b int) {
		rng := rand.New(rand.NewPCG(seed, uint64(b)))
		for range min(bootstrapBlock, rounds-b*bootstrapBlock) {
			if math.Abs(signedSum(moved, rng)) >= limit {
				extreme[b]++
			}
		}
	})
	count := 1
	for _, e := range extreme {
		count += e
	}
	return float64(count) / float64(rounds+1)
}

func signedSum(values []float64, rng *rand.Rand) float64 {
	var sum float64
	var bits uint64
	for i, v := range values {
		if i%64 == 0 {
			bits = rng.Uint64()
		}
		if bits&1 == 0 {
			v = -v
		}
		bits >>= 1
		sum += v
	}
	return sum
}

// Holm adjusts p-values of several tests so that the chance of any false alarm stays at the level of one.
//
// Definition: Holm, A simple sequentially rejective multiple test procedure, 1979.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	adjusted := make([]float64, len(p))
	var highest float64
	for rank, i := range order {
		highest = max(highest, min(p[i]*float64(len(p)-rank), 1))
		adjusted[i] = highest
	}
	return adjusted
}

// detectable is the smallest true difference of means that a two-sided test at 5 % would find with a power of 80 %,
// given differences of this spread. With fewer than two items it is NaN.
func detectable(differences []float64) float64 {
	n := float64(len(differences))
	if n < 2 {
		return math.NaN()
	}
	var sum, squares float64
	for _, d := range differences {
		sum += d
		squares += d * d
	}
	variance := (squares - sum*sum/n) / (n - 1)
	// no difference at all was seen: one more item may still have one
	variance = max(variance, 1/n)
	return (z95 + z80) * math.Sqrt(variance/n)
}

// z80 is the standard normal distribution's 80 % quantile.
const z80 = 0.8416212335729143
