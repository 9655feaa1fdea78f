package eval

import (
	"math"
	"slices"
)

// wilsonF1 is the 95 % interval of an F1 = 2·both/(2·both+only): the share both/(both+only) of the items that truth or
// prediction names is a proportion with Wilson's interval, and F1 = 2s/(1+s) grows with that share s.
func wilsonF1(both, only int) (low, high Number) {
	l, h := Wilson(both, both+only)
	f1 := func(s float64) Number { return Number(2 * s / (1 + s)) }
	return f1(l), f1(h)
}

// proportion is a share with Wilson's interval.
func proportion(successes, n int) (share, low, high Number) {
	l, h := Wilson(successes, n)
	return Number(ratio(successes, n)), Number(l), Number(h)
}

// meanInterval gives the mean of values between 0 and 1 with the interval that bootstrap gave, but where every value is 0
// or 1, with Wilson's: the mean is a share then, and resampling values that are all alike would say that it is certain.
func meanInterval(values []float64, iv interval) (v, low, high Number) {
	ones := 0
	for _, x := range values {
		if x != 0 && x != 1 {
			return iv.around(meanOf(values))
		}
		ones += int(x)
	}
	return proportion(ones, len(values))
}

// DeLong is the 95 % interval of AUROC(positive, negative), on the logit scale so that it stays within 0 and 1. Where
// one side wins every pair the variance is 0, and Wilson's interval over the smaller side stands in. With fewer than two
// items on either side both ends are NaN.
//
// Definition: DeLong, DeLong and Clarke-Pearson, Comparing the areas under two or more correlated receiver operating
// characteristic curves, 1988; the logit scale: Pepe, The statistical evaluation of medical tests, 2003, section 5.2.
func DeLong(positive, negative []float64) (low, high float64) {
	if len(positive) < 2 || len(negative) < 2 {
		return math.NaN(), math.NaN()
	}
	area := AUROC(positive, negative)
	variance := placementVariance(positive, negative)/float64(len(positive)) + placementVariance(negative, positive)/float64(len(negative))
	if area <= 0 || area >= 1 || variance == 0 {
		n := min(len(positive), len(negative))
		return Wilson(int(math.Round(area*float64(n))), n)
	}
	logit := math.Log(area / (1 - area))
	half := z95 * math.Sqrt(variance) / (area * (1 - area))
	back := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	return back(logit - half), back(logit + half)
}

// placementVariance is the sample variance of the share of the others' scores below each score, ties counted half.
func placementVariance(scores, others []float64) float64 {
	sorted := slices.Sorted(slices.Values(others))
	var sum, squares float64
	for _, s := range scores {
		below, _ := slices.BinarySearch(sorted, s)
		upTo, _ := slices.BinarySearchFunc(sorted, s, func(v, target float64) int {
			if v > target {
				return 1
			}
			return -1
		})
		place := float64(below+upTo) / 2 / float64(len(others))
		sum += place
		squares += place * place
	}
	n := float64(len(scores))
	return max(squares-sum*sum/n, 0) / (n - 1)
}

// quantileInterval is the distribution-free 95 % interval of the q-quantile of sorted values, from the order statistics
// that a binomial count of values below it allows. An end that this few values cannot bound is NaN.
//
// Definition: David and Nagaraja, Order statistics, 2003, section 7.1.
func quantileInterval(sorted []float64, q float64) (low, high float64) {
	n := len(sorted)
	low, high = math.NaN(), math.NaN()
	below := 0.0 // P(fewer than r values lie below the quantile), r = 1, 2 ...
	for r := 1; r <= n; r++ {
		below += binomial(n, r-1, q)
		if below <= 0.025 {
			low = sorted[r-1]
		}
		if below >= 0.975 {
			return low, sorted[r-1]
		}
	}
	return low, high
}

// binomial is the probability of k successes among n of chance p, 0 < p < 1.
func binomial(n, k int, p float64) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return math.Exp(a - b - c + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}
