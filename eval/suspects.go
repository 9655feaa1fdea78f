package eval

import (
	"cmp"
	"slices"

	"prediag"
)

// Suspect is an item whose label is probably wrong.
type Suspect struct {
	ID         string `json:"id"`
	Label      string `json:"label"`      // as the data have it
	Proposed   string `json:"proposed"`   // as the model has it
	Given      Number `json:"given"`      // probability of Label
	Confidence Number `json:"confidence"` // probability of Proposed
}

// Suspects finds probable label errors among items that the model did not learn from (cross-validated, or of a test
// set): those for which another label is at least as probable as that label usually is for its own items. The likeliest
// errors come first. A label that is less probable than the given one is never proposed: one with few items of its own is
// reached too easily.
//
// Definition: Northcutt, Jiang and Chuang, Confident learning: estimating uncertainty in dataset labels, 2021 (the
// confident joint, ranked by normalised margin).
func Suspects(items []ClassifyItem) []Suspect {
	sum, count := map[string]float64{}, map[string]int{}
	for _, it := range items {
		if it.Error == "" {
			sum[it.Truth] += it.probabilityOf(it.Truth)
			count[it.Truth]++
		}
	}
	var suspects []Suspect
	for _, it := range items {
		if it.Error != "" {
			continue
		}
		if best, ok := it.confident(sum, count); ok && best.Value != it.Truth && best.Probability > it.probabilityOf(it.Truth) {
			suspects = append(suspects, Suspect{
				ID: it.ID, Label: it.Truth, Proposed: best.Value, Given: Number(it.probabilityOf(it.Truth)), Confidence: Number(best.Probability),
			})
		}
	}
	slices.SortFunc(suspects, func(a, b Suspect) int {
		return cmp.Or(cmp.Compare(a.Given-a.Confidence, b.Given-b.Confidence), cmp.Compare(a.ID, b.ID))
	})
	return suspects
}

// confident is the most probable label that reaches the mean probability of its own items.
func (it ClassifyItem) confident(sum map[string]float64, count map[string]int) (prediag.Label, bool) {
	for _, l := range it.Ranked { // best first
		if n := count[l.Value]; n > 0 && l.Probability >= sum[l.Value]/float64(n) {
			return l, true
		}
	}
	return prediag.Label{}, false
}

// probabilityOf is 0 for a label that the verdict does not name.
func (it ClassifyItem) probabilityOf(label string) float64 {
	for _, l := range it.Ranked {
		if l.Value == label {
			return l.Probability
		}
	}
	return 0
}
