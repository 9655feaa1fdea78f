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
	Distance Number      `json:"distance"`     // total variation: the share of tickets that would have to change, 0 to 1
	Low      Number      `json:"distance_low"` // 95 % percentile bootstrap, widened to hold the distance
	High     Number      `json:"distance_high"`
	Noise    Number      `json:"noise"`   // what 95 % of random splits of the same tickets stay below
	P        Number      `json:"p"`       // adjusted by Holm over the rows
	Drifted  bool        `json:"drifted"` // p < 0.05
	Moved    []DriftMove `json:"moved"`   // the values that moved most, at most 5
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

	UnseenLow  *Number `json:"unseen_low,omitempty"`
	UnseenHigh *Number `json:"unseen_high,omitempty"`

	Unlabelled string `json:"unlabelled,omitempty"` // why the true label's drift is not told; empty: it is
}

// Drift compares the predicted label, language, confidence and the parts of the data (ClassifyItem.Slices) of two runs of
// the same model, and the true label where both sides have labels. The effect size is the total variation distance, because with many tickets any test finds something; whether
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
	truth := property{"true label", func(it ClassifyItem) string { return it.Truth }, true}
	if !truth.told(before, after) {
		r.Unlabelled = fmt.Sprintf("%d of %d tickets before and %d of %d after have a label: drift of the true label is not told, it takes %d of each time",
			len(valuesOf(before, truth)), len(before), len(valuesOf(after, truth)), len(after), minDrift)
	}
	for _, property := range properties(before, after, truth) {
		row := driftRow(property.name, valuesOf(before, property), valuesOf(after, property), seed)
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
	name     string
	of       func(ClassifyItem) string
	labelled bool // given by a human: tickets without it are left out; else they have the value "(none)"
}

// told reports whether both sides have enough values.
func (p property) told(before, after []ClassifyItem) bool {
	return min(len(valuesOf(before, p)), len(valuesOf(after, p))) >= minDrift
}

// properties are what is compared: labels of humans where both sides have enough, and parts of the data that both know.
func properties(before, after []ClassifyItem, truth property) []property {
	list := []property{
		{"predicted label", func(it ClassifyItem) string { return it.Label }, false},
		{"language", func(it ClassifyItem) string { return it.Language }, false},
		{"confidence", func(it ClassifyItem) string { return fmt.Sprintf("%.1f", math.Floor(it.Probability*10)/10) }, false},
	}
	parts := []property{truth, partOf("tier", true)}
	known := partNames(before)
	for name := range partNames(after) {
		// the age differs by construction; category, area and tier are labels
		if known[name] && !slices.Contains([]string{"age", "category", "area", "tier"}, name) {
			parts = append(parts, partOf(name, false))
		}
	}
	slices.SortFunc(parts, func(a, b property) int { return cmp.Compare(a.name, b.name) })
	for _, p := range parts {
		if p.told(before, after) {
			list = append(list, p)
		}
	}
	return list
}

func partOf(name string, labelled bool) property {
	return property{name, func(it ClassifyItem) string { return it.Slices[name] }, labelled}
}

func partNames(items []ClassifyItem) map[string]bool {
	names := map[string]bool{}
	for _, it := range items {
		for name := range it.Slices {
			names[name] = true
		}
	}
	return names
}

// valuesOf gives the values sorted, so that the order of the items is of no account.
func valuesOf(items []ClassifyItem, p property) []string {
	var values []string
	for _, it := range items {
		switch v := p.of(it); {
		case v != "":
			values = append(values, v)
		case !p.labelled:
			values = append(values, "(none)")
		}
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
	distance, low, high := bootstrap(len(all), driftRounds, seed, weightedVariation(all, len(before), len(names)))[0].around(observed)
	return DriftRow{
		Property: name, Distance: distance, Low: low, High: high, Noise: Number(quantile(chance, 0.95)),
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

// weightedVariation is variation as a function of how often each value counts.
func weightedVariation(values []int, n, kinds int) statistic {
	return statistic{1, func(weights []int, out []float64) {
		counts, total := [2][]float64{make([]float64, kinds), make([]float64, kinds)}, [2]float64{}
		for i, v := range values {
			side := count(i >= n)
			counts[side][v] += float64(weights[i])
			total[side] += float64(weights[i])
		}
		out[0] = 0
		for v := range kinds {
			out[0] += math.Abs(counts[0][v]/total[0]-counts[1][v]/total[1]) / 2
		}
	}}
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
// moved on, with the 95 % percentile bootstrap over the later tickets. NaN without a later ticket that holds a token.
func UnseenShare(before, after []prediag.Example, seed uint64) (share, low, high Number) {
	known := map[string]bool{}
	for _, e := range before {
		for _, t := range text.Tokens(e.Ticket.Text()) {
			known[t.Text] = true
		}
	}
	var shares []float64
	for _, e := range after {
		tokens := text.Tokens(e.Ticket.Text())
		unseen := 0
		for _, t := range tokens {
			unseen += count(!known[t.Text])
		}
		if len(tokens) > 0 {
			shares = append(shares, float64(unseen)/float64(len(tokens)))
		}
	}
	return bootstrap(len(shares), driftRounds, seed, weightedMeans(shares))[0].around(meanOf(shares))
}
