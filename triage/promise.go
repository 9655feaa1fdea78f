package triage

import (
	"math"

	"prediag/internal/stats"
)

// promise is what is said about the tickets that an action takes: that at least the target share of them is treated
// rightly.
//
// With a horizon it is a prediction: of the next tickets, as many as the horizon says, those that are taken keep the target
// in fact. Whatever comes from one source in random order may be split anywhere, so the errors of both parts together are
// shared out like marked cards: the chance that the calibration part got as few and the rest as many as it would take to
// break the promise is hypergeometric, whatever the true precision is (the conditional test of Fisher 1935; as a
// prediction bound: Hahn and Meeker, Statistical Intervals, 1991, section 6). Without a horizon it is about the true precision, the
// share in an endless stream, and the bound is the binomial one of Clopper and Pearson (1934).
type promise struct {
	target  float64
	tickets int // to calibrate on, whether taken or not
	horizon int // future tickets that the promise is about; 0: all that will ever come
}

// reserve is the share of the level that tests of a prediction use. The rest is kept for what is not exact in it: how many
// tickets will be taken is only estimated, and thresholds that part many tickets at once may stop short of the last one.
const reserve = 0.85

// pValue is the chance of so few errors among n accepted tickets where the promise does not hold.
func (p promise) pValue(n, wrong int) float64 {
	if p.horizon == 0 {
		return stats.BinomialCDF(wrong, n, 1-p.target)
	}
	var sum float64
	later := p.accepted(n)
	for _, m := range later {
		breaking := int((1-p.target)*float64(m)+1e-9) + 1 // the fewest errors that break the promise
		sum += stats.HypergeometricTail(breaking, m, wrong+breaking, n+m)
	}
	return sum / float64(len(later))
}

// accepted are equally likely numbers of tickets that will be taken within the horizon when n of the calibration tickets
// were: the midpoints of nine parts of equal mass of a normal distribution with the mean and variance of the beta-binomial.
func (p promise) accepted(n int) [9]int {
	midpoints := [9]float64{-1.5932, -0.9674, -0.5895, -0.2822, 0, 0.2822, 0.5895, 0.9674, 1.5932}
	m, all := float64(p.horizon), float64(p.tickets+1)
	share := (float64(n) + 0.5) / all
	sd := math.Sqrt(m * share * (1 - share) * (1 + m/all))
	var out [9]int
	for i, z := range midpoints {
		out[i] = min(max(int(math.Round(m*share+z*sd)), 0), p.horizon)
	}
	return out
}

// holds reports whether n accepted tickets with so many errors show the promise at a level of error.
func (p promise) holds(n, wrong int, level float64) bool {
	if p.horizon > 0 {
		level *= reserve
	}
	return p.pValue(n, wrong) <= level
}

// allowed is the most errors among n accepted tickets that show the promise; -1 when none do.
func (p promise) allowed(n int, level float64) int {
	return leastFrom(0, n+1, func(wrong int) bool { return !p.holds(n, wrong, level) }) - 1
}

// fewest is the number of accepted tickets that show the promise with so many errors; over p.tickets when there are too few.
func (p promise) fewest(wrong int, level float64) int {
	return leastFrom(1, p.tickets+1, func(n int) bool { return p.holds(n, wrong, level) })
}

// bound is the highest target that n accepted tickets with so many errors show at a level.
func (p promise) bound(n, wrong int, level float64) float64 {
	low, high := 0.0, 1.0
	for range 30 {
		p.target = (low + high) / 2
		if p.holds(n, wrong, level) {
			low = p.target
		} else {
			high = p.target
		}
	}
	return low
}

// leastFrom is the least number from low to high-1 for which a property holds that stays once it holds; high without one.
func leastFrom(low, high int, holds func(int) bool) int {
	for low < high {
		mid := (low + high) / 2
		if holds(mid) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// A search that began where not a single error is allowed would mostly end at once, so it begins where robustErrors are, as
// long as that is within robustShare of the tickets.
const (
	maxStarts    = 2 // depths at which a search may begin
	robustErrors = 2
	robustShare  = 0.65
)

// starts are the numbers of accepted tickets at which a search begins with its share of the level, and that share. The
// second start lies near the end. They depend on the number of tickets alone, never on errors, which keeps the search
// honest. None: there are too few tickets.
func (p promise) starts(level float64, fewest, tickets int) ([]int, float64) {
	for wrong := robustErrors; wrong >= 0; wrong-- {
		for k := maxStarts; k >= 1; k-- {
			share := level / float64(k)
			first := max(p.fewest(wrong, share), fewest)
			if first > tickets || wrong > 0 && float64(first) > robustShare*float64(tickets) {
				continue
			}
			ratio := math.Pow(float64(tickets)/float64(first), 1/(float64(k)-0.2))
			if k > 1 && ratio < 1.5 {
				continue
			}
			at := make([]int, k)
			for i := range at {
				at[i] = int(float64(first) * math.Pow(ratio, float64(i)))
			}
			return at, share
		}
	}
	return nil, level
}
