package eval

import "slices"

// Accuracy is the share of items whose prediction is the truth, two slices of equal length; NaN without items.
func Accuracy(truth, predicted []string) float64 {
	right := 0
	for i, t := range truth {
		if t == predicted[i] {
			right++
		}
	}
	return ratio(right, len(truth))
}

// TopK is the share of items whose truth is among the first k of the ranked labels (best first), as scikit-learn's
// top_k_accuracy_score; NaN without items.
func TopK(truth []string, ranked [][]string, k int) float64 {
	right := 0
	for i, t := range truth {
		if slices.Contains(ranked[i][:min(k, len(ranked[i]))], t) {
			right++
		}
	}
	return ratio(right, len(truth))
}
