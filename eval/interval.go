package eval

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
)

// z95 is the standard normal distribution's 97.5 % quantile.
const z95 = 1.959963984540054

// DefaultResamples is the number of bootstrap resamples of a published interval. Of many items fewer are drawn, so that
// the draws stay about drawBudget, but never under minResamples: the chance of the draws is small beside the interval.
const DefaultResamples = 10_000

const (
	drawBudget   = 20_000_000
	minResamples = 1000
)

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
// gives the same interval. With fewer than two values both ends are NaN.
//
// Definition: Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 13.
func Bootstrap(values []float64, resamples int, seed uint64) (low, high float64) {
	iv := bootstrap(len(values), resamples, seed, weightedMeans(values))
	return float64(iv[0].Low), float64(iv[0].High)
}

// interval is a 95 % interval.
type interval struct {
	Low  Number
	High Number
}

// around gives the value with its interval, widened to hold it where resampling is biased (a calibration error over
// resamples is larger than that of the items).
func (iv interval) around(value float64) (v, low, high Number) {
	v = Number(value)
	if !v.Defined() || !iv.Low.Defined() {
		return v, Undefined(), Undefined()
	}
	return v, min(iv.Low, v), max(iv.High, v)
}

// statistic is one or more values as a function of how often each item counts. It keeps nothing of the weights and may
// be called from several goroutines.
type statistic struct {
	width int // values that it writes
	of    func(weights []int, out []float64)
}

// bootstrapBlock is the number of resamples that one random stream serves: blocks run in parallel, and the result does
// not depend on how many of them at a time.
const bootstrapBlock = 250

// bootstrap resamples n items and gives the percentile interval of each statistic's values, in order; one draw serves all
// statistics. Values that are not finite are left out. Of fewer than two items nothing can be said: both ends are NaN.
func bootstrap(n, resamples int, seed uint64, statistics ...statistic) []interval {
	resamples = min(resamples, max(minResamples, drawBudget/max(n, 1)))
	blocks := make([][][]float64, (resamples+bootstrapBlock-1)/bootstrapBlock)
	if n < 2 {
		blocks = nil
	}
	parallel(len(blocks), runtime.GOMAXPROCS(0), func(b int) {
		size := min(bootstrapBlock, resamples-b*bootstrapBlock)
		blocks[b] = resampleBlock(n, size, rand.New(rand.NewPCG(seed, uint64(b))), statistics)
	})
	intervals := make([]interval, widthOf(statistics))
	for s := range intervals {
		var values []float64
		for _, block := range blocks {
			values = append(values, block[s]...)
		}
		slices.Sort(values)
		intervals[s] = interval{Number(quantile(values, 0.025)), Number(quantile(values, 0.975))}
	}
	return intervals
}

func widthOf(statistics []statistic) int {
	width := 0
	for _, s := range statistics {
		width += s.width
	}
	return width
}

func resampleBlock(n, resamples int, rng *rand.Rand, statistics []statistic) [][]float64 {
	width := widthOf(statistics)
	values, out := make([][]float64, width), make([]float64, width)
	weights := make([]int, n)
	for range resamples {
		clear(weights)
		for range n {
			weights[rng.IntN(n)]++
		}
		at := 0
		for _, s := range statistics {
			s.of(weights, out[at:at+s.width])
			at += s.width
		}
		for i, v := range out {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				values[i] = append(values[i], v)
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
