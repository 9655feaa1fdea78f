package eval

import (
	"cmp"
	"math"
	"slices"

	"prediag"
)

// The functions of this file give measures as a function of how often each item counts, for the bootstrap: items are
// sorted and binned once, not in each resample. With every weight 1 they equal the plain measures.

// weightedMeans gives the mean of each list; all have the same length.
func weightedMeans(lists ...[]float64) statistic {
	return statistic{len(lists), func(weights []int, out []float64) {
		for l, values := range lists {
			var sum float64
			for i, w := range weights {
				sum += float64(w) * values[i]
			}
			out[l] = sum / float64(len(values))
		}
	}}
}

// weightedRatio is the sum of one list over the sum of another.
func weightedRatio(part, whole []float64) statistic {
	return statistic{1, func(weights []int, out []float64) {
		var a, b float64
		for i, w := range weights {
			a += float64(w) * part[i]
			b += float64(w) * whole[i]
		}
		out[0] = a / b
	}}
}

// labelCounts are a confusion matrix's margins and diagonal.
type labelCounts struct {
	right, truth, told []int
	total              int
	oos                int // index of the label "oos"; -1: no item has it
}

// weightedLabels gives macro F1 (without "oos"), weighted F1, balanced accuracy and MCC.
func weightedLabels(items []ClassifyItem) statistic {
	index := map[string]int{}
	number := func(label string) int {
		if _, ok := index[label]; !ok {
			index[label] = len(index)
		}
		return index[label]
	}
	truth, told := make([]int, len(items)), make([]int, len(items))
	for i, it := range items {
		truth[i], told[i] = number(it.Truth), number(it.Label)
	}
	oos, hasOOS := index[prediag.LabelOutOfScope]
	if !hasOOS {
		oos = -1
	}
	labels := len(index)
	return statistic{4, func(weights []int, out []float64) {
		c := labelCounts{right: make([]int, labels), truth: make([]int, labels), told: make([]int, labels), oos: oos}
		for i, w := range weights {
			c.truth[truth[i]] += w
			c.told[told[i]] += w
			c.total += w
			if truth[i] == told[i] {
				c.right[truth[i]] += w
			}
		}
		out[0], out[1], out[2] = c.means()
		out[3] = c.mcc()
	}}
}

func (c labelCounts) means() (macroF1, weightedF1, balanced float64) {
	scored, present := 0, 0
	for l, right := range c.right {
		both := c.truth[l] + c.told[l]
		if both == 0 {
			continue
		}
		f1 := 2 * float64(right) / float64(both)
		weightedF1 += f1 * float64(c.truth[l])
		if l != c.oos {
			macroF1 += f1
			scored++
		}
		if c.truth[l] > 0 {
			balanced += float64(right) / float64(c.truth[l])
			present++
		}
	}
	return macroF1 / float64(scored), weightedF1 / float64(c.total), balanced / float64(present)
}

func (c labelCounts) mcc() float64 {
	var right, cross, truthSquare, toldSquare float64
	for l := range c.right {
		t, p := float64(c.truth[l]), float64(c.told[l])
		right += float64(c.right[l])
		cross += t * p
		truthSquare += t * t
		toldSquare += p * p
	}
	total := float64(c.total)
	return mcc(total, right, cross, truthSquare, toldSquare)
}

// weightedBins gives ECE and MCE over bins of equal width.
func weightedBins(items []Scored, bins int) statistic {
	bin := make([]int, len(items))
	for i, it := range items {
		bin[i] = binOf(it.Confidence, bins)
	}
	return statistic{2, func(weights []int, out []float64) {
		gap, n := make([]float64, bins), make([]int, bins) // gap of a bin: sum of confidence minus number of right ones
		total := 0
		for i, w := range weights {
			gap[bin[i]] += float64(w) * (items[i].Confidence - indicator(items[i].Right))
			n[bin[i]] += w
			total += w
		}
		sum, worst := 0.0, math.NaN()
		for b, g := range gap {
			sum += math.Abs(g)
			if mean := math.Abs(g) / float64(n[b]); n[b] > 0 && !(mean <= worst) {
				worst = mean
			}
		}
		out[0], out[1] = sum/float64(total), worst
	}}
}

// weightedMass is the ECE over bins of equal size.
func weightedMass(items []Scored, bins int) statistic {
	order := confidenceOrder(items)
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(items[a].Confidence, items[b].Confidence) })
	return statistic{1, func(weights []int, out []float64) {
		total := 0
		for _, w := range weights {
			total += w
		}
		var sum, gap float64
		at, bin := 0, 0
		for _, i := range order {
			for range weights[i] {
				gap += items[i].Confidence - indicator(items[i].Right)
				at++
				for bin < bins && (bin+1)*total/bins <= at {
					sum += math.Abs(gap)
					gap = 0
					bin++
				}
			}
		}
		out[0] = sum / float64(total)
	}}
}

// weightedSelective gives AURC, AUGRC, and the coverage at each of the precisions.
func weightedSelective(items []Scored, precisions ...float64) statistic {
	order := confidenceOrder(items)
	wrongs, last := make([]int, len(order)), make([]bool, len(order)) // in order: 1 for a wrong one; whether a threshold fits after it
	for at, i := range order {
		wrongs[at] = count(!items[i].Right)
		last[at] = at+1 == len(order) || items[order[at+1]].Confidence != items[i].Confidence
	}
	return statistic{2 + len(precisions), func(weights []int, out []float64) {
		best := out[2:]
		clear(best)
		wrong, seen := 0, 0
		var risk, area float64
		for at, i := range order {
			for range weights[i] {
				seen++
				wrong += wrongs[at]
				risk += float64(wrong) / float64(seen)
				area += float64(wrong)
			}
			if !last[at] {
				continue
			}
			right, n := float64(seen-wrong), float64(seen)
			for p, precision := range precisions {
				if right >= (precision-1e-9)*n { // as reaches does
					best[p] = n
				}
			}
		}
		n := float64(seen)
		out[0], out[1] = risk/n, area/(n*n)
		for p := range best {
			best[p] /= n
		}
	}}
}
