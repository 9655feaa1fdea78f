package eval

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"prediag"
	"prediag/internal/text"
)

// minDrift is the least number of tickets on each side that drift is judged on.
const minDrift = 100

// driftRounds is the number of random splits that an observed difference is held against.
const driftRounds = 1000

// DriftRow says how the distribution of one property changed from one time to another.
type DriftRow struct {
	Property string      `json:"property"`
	Distance Number      `json:"distance"` // total variation: the share of tickets that would have to change, 0 to 1
	Noise    Number      `json:"noise"`    // what 95 % of random splits of the same tickets stay below
	P        Number      `json:"p"`        // adjusted by Holm over the rows
	Drifted  bool        `json:"drifted"`  // p < 0.05
	Moved    []DriftMove `json:"moved"`    // the values that moved most, at most 5
}

// DriftMove is one value's share then and now.
type DriftMove struct {
	Value  string `json:"value"`
	Before Number `json:"before"`
	After  Number `json:"after"`
}

// DriftReport compares the tickets of two times.
type DriftReport struct {
	Before int        `json:"before"` // tickets
	After  int        `json:"after"`
	Rows   []DriftRow `json:"rows"`
	Unseen *Number    `json:"unseen,omitempty"` // UnseenShare; nil: the texts were not there
}

// Drift compares label, language, confidence and the parts of the data (ClassifyItem.Slices) of two runs of the same
// model. The effect size is the total variation distance, because with many tickets any test finds something; whether
// it is more than chance is told by a permutation test. With fewer than 100 items on either side the error is of kind
// ErrInvalid. Failed items are left out.
func Drift(before, after []ClassifyItem, seed uint64) (DriftReport, error) {
	before, after = withoutFailed(before), withoutFailed(after)
	if len(before) < minDrift || len(after) < minDrift {
		return DriftReport{}, prediag.Invalid("SAMPLE_TOO_SMALL", "items", fmt.Sprintf(
			"%d and %d tickets are too few to tell drift from chance; take at least %d of each time", len(before), len(after), minDrift))
	}
	r := DriftReport{Before: len(before), After: len(after)}
	var p []float64
	for _, property := range properties(before, after) {
		row := driftRow(property.name, valuesOf(before, property.of), valuesOf(after, property.of), seed)
		r.Rows = append(r.Rows, row)
		p = append(p, float64(row.P))
	}
	for i, adjusted := range Holm(p) {
		r.Rows[i].P, r.Rows[i].Drifted = Number(adjusted), adjusted < 0.05
	}
	return r, nil
}

func withoutFailed(items []ClassifyItem) []ClassifyItem {
	return slices.DeleteFunc(slices.Clone(items), func(it ClassifyItem) bool { return it.Error != "" })
}

type property struct {
	name string
	of   func(ClassifyItem) string
}

func properties(before, after []ClassifyItem) []property {
	list := []property{
		{"label", func(it ClassifyItem) string { return it.Label }},
		{"language", func(it ClassifyItem) string { return it.Language }},
		{"confidence", func(it ClassifyItem) string { return fmt.Sprintf("%.1f", math.Floor(it.Probability*10)/10) }},
	}
	names := map[string]bool{}
	for _, it := range slices.Concat(before, after) {
		for name := range it.Slices {
			if name != "month" && !names[name] { // the month differs by construction
				names[name] = true
				list = append(list, property{name, func(it ClassifyItem) string { return it.Slices[name] }})
			}
		}
	}
	slices.SortFunc(list[3:], func(a, b property) int { return cmp.Compare(a.name, b.name) })
	return list
}

// valuesOf gives the values sorted, so that the order of the items is of no account.
func valuesOf(items []ClassifyItem, of func(ClassifyItem) string) []string {
	values := make([]string, len(items))
	for i, it := range items {
		values[i] = of(it)
	}
	slices.Sort(values)
	return values
}

func driftRow(name string, before, after []string, seed uint64) DriftRow {
	index := map[string]int{}
	var names []string
	var all []int
	for _, v := range slices.Concat(before, after) {
		if _, ok := index[v]; !ok {
			index[v] = len(names)
			names = append(names, v)
		}
		all = append(all, index[v])
	}
	observed := variation(all, len(before), len(names))
	rng := rand.New(rand.NewPCG(seed, uint64(len(all))))
	shuffled := slices.Clone(all)
	chance := make([]float64, driftRounds)
	extreme := 1
	for i := range chance {
		rng.Shuffle(len(shuffled), func(a, b int) { shuffled[a], shuffled[b] = shuffled[b], shuffled[a] })
		chance[i] = variation(shuffled, len(before), len(names))
		if chance[i] >= observed-1e-12 {
			extreme++
		}
	}
	slices.Sort(chance)
	return DriftRow{
		Property: name, Distance: Number(observed), Noise: Number(quantile(chance, 0.95)),
		P: Number(float64(extreme) / float64(driftRounds+1)), Moved: mostMoved(all, len(before), names),
	}
}

// sharesOf counts the values of the first n and of the others, as shares of each.
func sharesOf(values []int, n, kinds int) (before, after []float64) {
	before, after = make([]float64, kinds), make([]float64, kinds)
	for i, v := range values {
		if i < n {
			before[v] += 1 / float64(n)
		} else {
			after[v] += 1 / float64(len(values)-n)
		}
	}
	return before, after
}

// variation is the total variation distance between the first n values and the others.
func variation(values []int, n, kinds int) float64 {
	before, after := sharesOf(values, n, kinds)
	var sum float64
	for v := range before {
		sum += math.Abs(before[v] - after[v])
	}
	return sum / 2
}

func mostMoved(values []int, n int, names []string) []DriftMove {
	before, after := sharesOf(values, n, len(names))
	moves := make([]DriftMove, len(names))
	for v, name := range names {
		moves[v] = DriftMove{name, Number(before[v]), Number(after[v])}
	}
	slices.SortStableFunc(moves, func(a, b DriftMove) int {
		return cmp.Or(cmp.Compare(math.Abs(float64(b.After-b.Before)), math.Abs(float64(a.After-a.Before))), cmp.Compare(a.Value, b.Value))
	})
	return moves[:min(5, len(moves))]
}

// UnseenShare is the mean share of a later ticket's tokens that stand in no earlier ticket: how far the vocabulary has
// moved on. NaN without a later ticket that holds a token.
func UnseenShare(before, after []prediag.Example) float64 {
	known := map[string]bool{}
	for _, e := range before {
		for _, t := range text.Tokens(e.Ticket.Text()) {
			known[t.Text] = true
		}
	}
	var sum float64
	n := 0
	for _, e := range after {
		tokens := text.Tokens(e.Ticket.Text())
		unseen := 0
		for _, t := range tokens {
			if !known[t.Text] {
				unseen++
			}
		}
		if len(tokens) > 0 {
			sum += float64(unseen) / float64(len(tokens))
			n++
		}
	}
	return sum / float64(n) // 0/0 is NaN
}
