package eval

import (
	"math"

	"prediag"
)

// The functions of this file give a measure as a function of how often each item counts, for the bootstrap: items are
// sorted and binned once, not in each resample. With every weight 1 they equal the plain measures.

func weightedMean(values []float64) func(weights []int) float64 {
	return func(weights []int) float64 {
		var sum float64
		for i, w := range weights {
			sum += float64(w) * values[i]
		}
		return sum / float64(len(values))
	}
}

func weightedMacroF1(items []ClassifyItem) func(weights []int) float64 {
	index := map[string]int{}
	number := func(label string) int {
		if _, ok := index[label]; !ok {
			index[label] = len(index)
		}
		return index[label]
	}
	truth, predicted := make([]int, len(items)), make([]int, len(items))
	for i, it := range items {
		truth[i], predicted[i] = number(it.Truth), number(it.Label)
	}
	oos, hasOOS := index[prediag.LabelOutOfScope]
	labels := len(index)
	return func(weights []int) float64 {
		right, both := make([]int, labels), make([]int, labels)
		for i, w := range weights {
			both[truth[i]] += w
			both[predicted[i]] += w
			if truth[i] == predicted[i] {
				right[truth[i]] += w
			}
		}
		var sum float64
		n := 0
		for l := range labels {
			if both[l] > 0 && !(hasOOS && l == oos) {
				sum += 2 * float64(right[l]) / float64(both[l])
				n++
			}
		}
		return sum / float64(n)
	}
}

func weightedECE(items []Scored, bins int) func(weights []int) float64 {
	bin := make([]int, len(items))
	for i, it := range items {
		bin[i] = binOf(it.Confidence, bins)
	}
	return func(weights []int) float64 {
		gap := make([]float64, bins) // of a bin: sum of confidence minus number of right ones
		total := 0
		for i, w := range weights {
			gap[bin[i]] += float64(w) * items[i].Confidence
			if items[i].Right {
				gap[bin[i]] -= float64(w)
			}
			total += w
		}
		var sum float64
		for _, g := range gap {
			sum += math.Abs(g)
		}
		return sum / float64(total)
	}
}

func weightedAURC(items []Scored) func(weights []int) float64 {
	order := confidenceOrder(items)
	return func(weights []int) float64 {
		var sum float64
		wrong, seen := 0, 0
		for _, i := range order {
			for range weights[i] {
				seen++
				if !items[i].Right {
					wrong++
				}
				sum += float64(wrong) / float64(seen)
			}
		}
		return sum / float64(seen)
	}
}

func weightedCoverage(items []Scored, precision float64) func(weights []int) float64 {
	order := confidenceOrder(items)
	return func(weights []int) float64 {
		right, seen, best := 0, 0, 0
		for at, i := range order {
			seen += weights[i]
			if items[i].Right {
				right += weights[i]
			}
			last := at+1 == len(order) || items[order[at+1]].Confidence != items[i].Confidence
			if last && reaches(right, seen, precision) {
				best = seen
			}
		}
		return ratio(best, seen)
	}
}
