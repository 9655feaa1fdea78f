package eval

import (
	"cmp"

	"prediag"
)

// CompareTriage compares two whole-line runs over the same tickets whose truth is known. The first measure is the work
// saved for each ticket, the cost of handing it over less the cost of what was done (DefaultCosts; a failed ticket saves
// nothing), tested by paired randomization. The share answered without a human, the category and the solving article
// first follow, by McNemar's mid-p. Runs over other tickets are of kind ErrConflict unless forced.
func CompareTriage(a, b []TriageItem, opt CompareOptions) (Comparison, error) {
	opt = opt.withDefaults()
	c := Comparison{A: opt.NameA, B: opt.NameB}
	id := func(it TriageItem) string { return it.ID }
	_, errA := byIDOf(a, id)
	byID, errB := byIDOf(b, id)
	if err := cmp.Or(errA, errB); err != nil {
		return Comparison{}, err
	}
	measures := triageMeasures()
	pairs := make([][]pair, len(measures))
	for _, x := range a {
		y, ok := byID[x.ID]
		if !ok || y.Truth != x.Truth || y.Article != x.Article {
			continue
		}
		c.Items++
		for m, measure := range measures {
			if measure.counts(x) {
				pairs[m] = append(pairs[m], pair{x.ID, measure.get(x), measure.get(y), withLanguage(x.Language, x.Slices)})
			}
		}
		if x.Outcome != y.Outcome || x.Label != y.Label || x.Right != y.Right {
			gain := Number(saved(y) - saved(x))
			c.Flips = append(c.Flips, Flip{ID: x.ID, Truth: x.Truth, A: shownTriage(x), B: shownTriage(y), Gain: gain})
		}
	}
	c.OnlyA, c.OnlyB = len(a)-c.Items, len(b)-c.Items
	if err := c.sameData(opt); err != nil {
		return Comparison{}, err
	}
	for m, measure := range measures {
		if m == 0 || len(pairs[m]) > 0 {
			c.Measures = append(c.Measures, difference(measure.name, pairs[m], opt, measure.test))
		}
	}
	c.finish(pairs[0], opt, randomizationTest)
	return c, nil
}

type triageMeasure struct {
	name   string
	counts func(TriageItem) bool // whether the item has the truth that the measure needs
	get    func(TriageItem) float64
	test   significance
}

func triageMeasures() []triageMeasure {
	labelled := func(it TriageItem) bool { return it.Truth != "" && it.Truth != prediag.LabelOutOfScope }
	return []triageMeasure{
		{"saved", func(it TriageItem) bool { return it.Truth != "" || it.Article != "" }, saved, randomizationTest},
		{"automation_rate", func(TriageItem) bool { return true },
			func(it TriageItem) float64 { return indicator(it.Outcome == prediag.OutcomeAnswer) }, mcNemarTest},
		{"category_accuracy", labelled, func(it TriageItem) float64 { return indicator(it.Label == it.Truth) }, mcNemarTest},
		{"article@1", func(it TriageItem) bool { return it.Article != "" },
			func(it TriageItem) float64 { return indicator(it.Rank == 1) }, mcNemarTest},
	}
}

func saved(it TriageItem) float64 {
	costs := DefaultCosts()
	if it.Error != "" {
		return 0
	}
	return costs.Escalation - costs.of(it)
}

func shownTriage(it TriageItem) string {
	if it.Error != "" {
		return "(failed)"
	}
	return string(it.Outcome) + " " + it.Label
}
