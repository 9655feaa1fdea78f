// Package stats holds the exact distributions behind promises about proportions: binomial, hypergeometric, and the
// regularised incomplete beta function that both rest on.
//
// It is useful where a bound must hold for small numbers, for which normal approximations are wrong.
package stats

import "math"

// LogChoose is the natural logarithm of n over k; negative infinity when there is no such choice.
func LogChoose(n, k int) float64 {
	if k < 0 || k > n {
		return math.Inf(-1)
	}
	return logGamma(n+1) - logGamma(k+1) - logGamma(n-k+1)
}

func logGamma(n int) float64 {
	v, _ := math.Lgamma(float64(n)) // n is 1 or more: the sign is +
	return v
}

// BinomialCDF is the probability of at most k successes in n trials that each succeed with probability p.
func BinomialCDF(k, n int, p float64) float64 {
	switch {
	case k < 0:
		return 0
	case k >= n:
		return 1
	}
	return IncompleteBeta(float64(n-k), float64(k+1), 1-p)
}

// HypergeometricTail is the probability that a random sample of size draws, taken without replacement from total things
// of which marked are marked, holds at least k marked ones.
func HypergeometricTail(k, draws, marked, total int) float64 {
	least, most := max(0, draws+marked-total), min(draws, marked)
	switch {
	case k <= least:
		return 1
	case k > most:
		return 0
	}
	// The terms fall from the mode on, each by a ratio that shrinks: what is left after a tiny one is tiny. From below the
	// mode the other tail is the shorter sum.
	if mode := (draws + 1) * (marked + 1) / (total + 2); k <= mode {
		return max(0, 1-sumDown(k-1, draws, marked, total))
	}
	term := math.Exp(logHypergeometric(k, draws, marked, total))
	sum := term
	for i := k; i < most && term > sum*1e-17; i++ {
		term *= float64(marked-i) / float64(i+1) * float64(draws-i) / float64(total-marked-draws+i+1)
		sum += term
	}
	return min(1, sum)
}

// sumDown is the probability of at most k marked things.
func sumDown(k, draws, marked, total int) float64 {
	term := math.Exp(logHypergeometric(k, draws, marked, total))
	sum := term
	for i := k; i > 0 && term > sum*1e-17; i-- {
		term *= float64(i) / float64(marked-i+1) * float64(total-marked-draws+i) / float64(draws-i+1)
		sum += term
	}
	return sum
}

func logHypergeometric(k, draws, marked, total int) float64 {
	return LogChoose(marked, k) + LogChoose(total-marked, draws-k) - LogChoose(total, draws)
}

// ClopperPearson is the exact central interval of a proportion, successes out of n, at a confidence such as 0.95.
// Without trials it is 0 to 1.
//
// Definition: Clopper and Pearson, The use of confidence or fiducial limits illustrated in the case of the binomial, 1934.
func ClopperPearson(successes, n int, confidence float64) (low, high float64) {
	alpha := (1 - confidence) / 2
	return LowerBound(successes, n, 1-alpha), 1 - LowerBound(n-successes, n, 1-alpha)
}

// LowerBound is the exact one-sided lower bound of a proportion: the largest p such that successes or more out of n are
// no likelier than 1-confidence (Clopper and Pearson 1934). It is 0 without successes.
func LowerBound(successes, n int, confidence float64) float64 {
	if successes <= 0 {
		return 0
	}
	return inverseBeta(1-confidence, float64(successes), float64(n-successes+1))
}

// inverseBeta is the x at which IncompleteBeta(a, b, x) is q, by bisection.
func inverseBeta(q, a, b float64) float64 {
	low, high := 0.0, 1.0
	for range 60 { // 2^-60 is under what float64 holds near 1
		mid := (low + high) / 2
		if IncompleteBeta(a, b, mid) < q {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}

// IncompleteBeta is the regularised incomplete beta function I_x(a, b) for a, b > 0 and x from 0 to 1.
//
// Method: the continued fraction of DLMF 8.17.22, evaluated by Lentz's algorithm, on the side where it converges fast.
func IncompleteBeta(a, b, x float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	}
	if x > (a+1)/(a+b+2) {
		return 1 - IncompleteBeta(b, a, 1-x)
	}
	return math.Exp(a*math.Log(x)+b*math.Log1p(-x)-LogBeta(a, b)) / a * betaFraction(a, b, x)
}

// LogBeta is the logarithm of the beta function B(a, b) for a, b > 0.
func LogBeta(a, b float64) float64 {
	ga, _ := math.Lgamma(a)
	gb, _ := math.Lgamma(b)
	gab, _ := math.Lgamma(a + b)
	return ga + gb - gab
}

// betaFraction is 1/(1+ d1/(1+ d2/(1+ ...))) with the coefficients of DLMF 8.17.23.
func betaFraction(a, b, x float64) float64 {
	const tiny = 1e-300
	guard := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/guard(1-(a+b)*x/(a+1))
	f := d
	for m := 1.0; m < 100_000; m++ { // about the root of max(a, b) steps are needed
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/guard(1+even*d), guard(1+even/c)
		f *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/guard(1+odd*d), guard(1+odd/c)
		f *= d * c
		if math.Abs(d*c-1) < 1e-15 {
			break
		}
	}
	return f
}
