package eval

import (
	"cmp"
	"slices"
)

// CoveragePoint is one point of the risk-coverage curve: the items most confident first, cut at a confidence.
type CoveragePoint struct {
	Coverage  float64 // share of the items that are answered
	Risk      float64 // share of wrong ones among the answered
	Threshold float64 // confidence of the least confident item that is answered
}

// RiskCoverage gives the curve's points, one for each item, most confident first; equal confidences by ID.
//
// Definition: El-Yaniv and Wiener, On the foundations of noise-free selective classification, 2010.
func RiskCoverage(items []Scored) []CoveragePoint {
	curve := make([]CoveragePoint, len(items))
	wrong := 0
	for i, it := range mostConfidentFirst(items) {
		if !it.Right {
			wrong++
		}
		curve[i] = CoveragePoint{
			Coverage: float64(i+1) / float64(len(items)), Risk: float64(wrong) / float64(i+1), Threshold: it.Confidence,
		}
	}
	return curve
}

// AURC is the area under the risk-coverage curve: the mean risk over all coverages 1/n, 2/n ... 1; NaN without items.
//
// Definition: Geifman, Uziel and El-Yaniv, Bias-reduced uncertainty estimation for deep neural classifiers, 2019.
func AURC(items []Scored) float64 {
	var sum float64
	for _, p := range RiskCoverage(items) {
		sum += p.Risk
	}
	return sum / float64(len(items)) // 0/0 is NaN
}

// AUGRC is the area under the generalised risk-coverage curve: the mean over all coverages of the share of all items
// that are answered and wrong. It weighs every error by its rank alone; NaN without items.
//
// Definition: Traub et al., Overcoming common flaws in the evaluation of selective classification systems, 2024.
func AUGRC(items []Scored) float64 {
	var sum float64
	for _, p := range RiskCoverage(items) {
		sum += p.Risk * p.Coverage
	}
	return sum / float64(len(items)) // 0/0 is NaN
}

// CoverageAt is the largest share of the items that a threshold on the confidence can answer with at least the given
// precision, 0 when there is none; NaN without items. Items of equal confidence are answered together or not at all,
// because no threshold can part them.
func CoverageAt(items []Scored, precision float64) float64 {
	sorted := mostConfidentFirst(items)
	right, best := 0, 0
	for i, it := range sorted {
		if it.Right {
			right++
		}
		last := i+1 == len(sorted) || sorted[i+1].Confidence != it.Confidence
		if last && reaches(right, i+1, precision) {
			best = i + 1
		}
	}
	return ratio(best, len(items))
}

// reaches tells right/n >= precision, also where precision·n is a whole number that float64 does not hold exactly.
func reaches(right, n int, precision float64) bool {
	return float64(right) >= precision*float64(n)-1e-9*float64(n)
}

func mostConfidentFirst(items []Scored) []Scored {
	sorted := make([]Scored, len(items))
	for at, i := range confidenceOrder(items) {
		sorted[at] = items[i]
	}
	return sorted
}

// confidenceOrder gives the items' indices, most confident first, ties by ID.
func confidenceOrder(items []Scored) []int {
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(items[b].Confidence, items[a].Confidence), cmp.Compare(items[a].ID, items[b].ID))
	})
	return order
}
