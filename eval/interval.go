package eval

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
)

// z95 is the standard normal distribution's 97.5 % quantile.
const z95 = 1.959963984540054

// DefaultResamples is the number of bootstrap resamples of a published interval.
const DefaultResamples = 10_000

// Wilson is the 95 % score interval of a proportion: successes out of n. Without trials both ends are NaN.
//
// Definition: Wilson, Probable inference, the law of succession, and statistical inference, 1927.
func Wilson(successes, n int) (low, high float64) {
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	p, m := float64(successes)/float64(n), float64(n)
	centre := p + z95*z95/(2*m)
	half := z95 * math.Sqrt(p*(1-p)/m+z95*z95/(4*m*m))
	scale := 1 + z95*z95/m
	low, high = max((centre-half)/scale, 0), min((centre+half)/scale, 1)
	if successes == 0 {
		low = 0 // exactly: the formula leaves a rounding error
	}
	if successes == n {
		high = 1
	}
	return low, high
}

// Bootstrap is the 95 % percentile interval of the mean of values over resamples drawn with replacement; the same seed
// gives the same interval. Without values both ends are NaN.
//
// Definition: Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 13.
func Bootstrap(values []float64, resamples int, seed uint64) (low, high float64) {
	iv := bootstrap(len(values), resamples, seed, weightedMean(values))
	return float64(iv[0].Low), float64(iv[0].High)
}

// interval is a 95 % interval.
type interval struct {
	Low  Number
	High Number
}

// bootstrapBlock is the number of resamples that one random stream serves: blocks run in parallel, and the result does
// not depend on how many of them at a time.
const bootstrapBlock = 250

// bootstrap resamples n items and gives each statistic's percentile interval. A statistic gets the number of times that
// each item was drawn, keeps nothing of it, and may be called from several goroutines; one draw serves all statistics.
// Values that are not finite are left out.
func bootstrap(n, resamples int, seed uint64, statistics ...func(weights []int) float64) []interval {
	blocks := make([][][]float64, (resamples+bootstrapBlock-1)/bootstrapBlock)
	if n == 0 {
		blocks = nil
	}
	parallel(len(blocks), runtime.GOMAXPROCS(0), func(b int) {
		size := min(bootstrapBlock, resamples-b*bootstrapBlock)
		blocks[b] = resampleBlock(n, size, rand.New(rand.NewPCG(seed, uint64(b))), statistics)
	})
	intervals := make([]interval, len(statistics))
	for s := range statistics {
		var values []float64
		for _, block := range blocks {
			values = append(values, block[s]...)
		}
		slices.Sort(values)
		intervals[s] = interval{Number(quantile(values, 0.025)), Number(quantile(values, 0.975))}
	}
	return intervals
}

func resampleBlock(n, resamples int, rng *rand.Rand, statistics []func(weights []int) float64) [][]float64 {
	values := make([][]float64, len(statistics))
	weights := make([]int, n)
	for range resamples {
		clear(weights)
		for range n {
			weights[rng.IntN(n)]++
		}
		for s, statistic := range statistics {
			if v := statistic(weights); !math.IsNaN(v) && !math.IsInf(v, 0) {
				values[s] = append(values[s], v)
			}
		}
	}
	return values
}

// quantile is the q-quantile of sorted values, linear between neighbours (Hyndman and Fan's type 7, the default of R
// and NumPy); NaN without values.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
