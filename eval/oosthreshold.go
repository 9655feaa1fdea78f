package eval

import (
	"cmp"
	"slices"

	"prediag"
)

// ChooseOOSThreshold gives the in-scope probability below which a ticket should be refused: the one that makes most
// decisions on these items right, where an in-scope item is right when it is not refused and has the right label, and an
// out-of-scope one when it is refused. Among equals it is the lowest; -1 when refusing nothing is best. Choose it on
// validation items, not on the test's.
//
// Definition: the "oos-threshold" rule of Larson et al., An evaluation dataset for intent classification and
// out-of-scope prediction, 2019.
func ChooseOOSThreshold(items []ClassifyItem) float64 {
	sorted := slices.DeleteFunc(slices.Clone(items), func(it ClassifyItem) bool {
		return it.Error != "" || it.Label == prediag.LabelOutOfScope // these do not depend on the threshold
	})
	slices.SortStableFunc(sorted, func(a, b ClassifyItem) int { return cmp.Compare(a.InScope, b.InScope) })
	threshold, gain, best := -1.0, 0, 0
	for i, it := range sorted {
		switch {
		case it.OutOfScope():
			gain++
		case it.Right:
			gain--
		}
		// a threshold fits only between two different probabilities
		if gain > best && i+1 < len(sorted) && sorted[i+1].InScope > it.InScope {
			best, threshold = gain, it.InScope/2+sorted[i+1].InScope/2
		}
	}
	return threshold
}
