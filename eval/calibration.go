package eval

import (
	"cmp"
	"math"
	"slices"
)

// Scored is one decision with the confidence in it.
type Scored struct {
	ID         string  // breaks ties, so that every order of the items gives the same result
	Confidence float64 // 0 to 1
	Right      bool
}

// Bin is a group of decisions of like confidence.
type Bin struct {
	Low        Number `json:"low"` // confidences of the bin: over Low, up to High
	High       Number `json:"high"`
	N          int    `json:"n"`
	Confidence Number `json:"confidence"` // mean; null when the bin is empty
	Accuracy   Number `json:"accuracy"`

	AccuracyLow  Number `json:"accuracy_low"` // Wilson, 95 %
	AccuracyHigh Number `json:"accuracy_high"`
}

// DefaultBins is the number of bins that calibration errors are cited with.
const DefaultBins = 15

// EqualWidthBins sorts the decisions into bins of equal width, each open below and closed above; a confidence of 0
// belongs to the first.
func EqualWidthBins(items []Scored, bins int) []Bin {
	groups := make([][]Scored, bins)
	for _, it := range items {
		i := binOf(it.Confidence, bins)
		groups[i] = append(groups[i], it)
	}
	out := make([]Bin, bins)
	for i, g := range groups {
		out[i] = newBin(float64(i)/float64(bins), float64(i+1)/float64(bins), g)
	}
	return out
}

func binOf(confidence float64, bins int) int {
	return min(max(int(math.Ceil(confidence*float64(bins)))-1, 0), bins-1)
}

// EqualMassBins sorts the decisions by confidence (ties by ID) and cuts them into bins whose sizes differ by one at
// most. Bins that would be empty are left out.
func EqualMassBins(items []Scored, bins int) []Bin {
	sorted := slices.Clone(items)
	slices.SortStableFunc(sorted, func(a, b Scored) int {
		return cmp.Or(cmp.Compare(a.Confidence, b.Confidence), cmp.Compare(a.ID, b.ID))
	})
	var out []Bin
	for i := range bins {
		g := sorted[i*len(sorted)/bins : (i+1)*len(sorted)/bins]
		if len(g) > 0 {
			out = append(out, newBin(g[0].Confidence, g[len(g)-1].Confidence, g))
		}
	}
	return out
}

func newBin(low, high float64, items []Scored) Bin {
	var sum float64
	right := 0
	for _, it := range items {
		sum += it.Confidence
		if it.Right {
			right++
		}
	}
	b := Bin{Low: Number(low), High: Number(high), N: len(items), Confidence: Number(sum / float64(len(items)))}
	b.Accuracy, b.AccuracyLow, b.AccuracyHigh = proportion(right, len(items))
	return b
}

// ECE is the expected calibration error over bins of equal width: the mean distance between confidence and accuracy,
// weighted by the bins' sizes; NaN without items.
//
// Definition: Naeini, Cooper and Hauskrecht 2015; Guo et al., On calibration of modern neural networks, 2017 (15 bins).
func ECE(items []Scored, bins int) float64 {
	return expectedGap(EqualWidthBins(items, bins), len(items))
}

// ECEEqualMass is the ECE over bins of equal size, which does not depend on a few crowded bins.
//
// Definition: Nixon et al., Measuring calibration in deep learning, 2019.
func ECEEqualMass(items []Scored, bins int) float64 {
	return expectedGap(EqualMassBins(items, bins), len(items))
}

// MCE is the largest distance between confidence and accuracy in any bin of equal width; NaN without items.
//
// Definition: Naeini, Cooper and Hauskrecht 2015.
func MCE(items []Scored, bins int) float64 {
	worst := math.NaN()
	for _, b := range EqualWidthBins(items, bins) {
		if b.N > 0 && !(b.gap() <= worst) {
			worst = b.gap()
		}
	}
	return worst
}

func (b Bin) gap() float64 { return math.Abs(float64(b.Confidence - b.Accuracy)) }

func expectedGap(bins []Bin, n int) float64 {
	var sum float64
	for _, b := range bins {
		if b.N > 0 {
			sum += float64(b.N) * b.gap()
		}
	}
	return sum / float64(n) // 0/0 is NaN
}
