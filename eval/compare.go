package eval

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"prediag"
)

// Verdict says what a comparison shows.
type Verdict string

// The verdicts, on B as seen from A.
const (
	Better     Verdict = "better"
	Worse      Verdict = "worse"
	CannotTell Verdict = "cannot tell"
)

// CompareOptions says how two runs are compared. The zero value is ready for use.
type CompareOptions struct {
	NameA, NameB string  // for the documents; empty: "A" and "B"
	Level        float64 // of the tests; 0: 0.05
	Resamples    int     // of bootstrap and randomization; 0: DefaultResamples
	Seed         uint64
	Force        bool // compare the common items of runs over different data
	MinSlice     int  // slices with fewer items are not tested; 0: 20
}

func (o CompareOptions) withDefaults() CompareOptions {
	o.NameA, o.NameB = cmp.Or(o.NameA, "A"), cmp.Or(o.NameB, "B")
	o.Level, o.Resamples, o.MinSlice = cmp.Or(o.Level, 0.05), cmp.Or(o.Resamples, DefaultResamples), cmp.Or(o.MinSlice, 20)
	return o
}

// Comparison pairs two runs item by item.
type Comparison struct {
	A        string       `json:"a"`
	B        string       `json:"b"`
	Verdict  Verdict      `json:"verdict"` // of the first measure
	Items    int          `json:"items"`   // that both runs have
	OnlyA    int          `json:"only_a"`  // 0 unless forced
	OnlyB    int          `json:"only_b"`
	Measures []Difference `json:"measures"` // the one that decides first
	Slices   []Difference `json:"slices"`   // of the first measure, each set of items once; p-values adjusted by Holm
	Flips    []Flip       `json:"flips"`    // items whose result changed, by ID
}

// Difference is one measure of B minus the same of A.
type Difference struct {
	Measure    string  `json:"measure"`
	Slice      string  `json:"slice,omitempty"` // "name=value"; empty: all items
	N          int     `json:"n"`
	A          Number  `json:"a"`
	B          Number  `json:"b"`
	Difference Number  `json:"difference"`
	Low        Number  `json:"low"` // 95 % percentile bootstrap over the pairs
	High       Number  `json:"high"`
	P          Number  `json:"p"` // two-sided; adjusted by Holm in slices and beside the first measure
	Test       string  `json:"test"`
	Detectable Number  `json:"detectable"` // the smallest difference that would be found 4 times in 5
	Verdict    Verdict `json:"verdict"`
}

// Flip is an item on which the runs differ.
type Flip struct {
	ID    string `json:"id"`
	Truth string `json:"truth,omitempty"`
	A     string `json:"a"`
	B     string `json:"b"`
	Gain  Number `json:"gain"` // of the first measure: 1 mended, -1 broken for labels
}

// pair is one item's value in both runs.
type pair struct {
	id     string
	a, b   float64
	slices map[string]string
}

// CompareClassify compares two runs over the same examples. An item on which a classifier failed counts as wrong. The
// first measure is the accuracy over in-scope items, tested by McNemar's mid-p; with out-of-scope items their recall
// follows. Runs over different items, or with another truth for one, are of kind ErrConflict unless forced.
func CompareClassify(a, b []ClassifyItem, opt CompareOptions) (Comparison, error) {
	opt = opt.withDefaults()
	c := Comparison{A: opt.NameA, B: opt.NameB}
	id := func(it ClassifyItem) string { return it.ID }
	_, errA := byIDOf(a, id)
	byID, errB := byIDOf(b, id)
	if err := cmp.Or(errA, errB); err != nil {
		return Comparison{}, err
	}
	var in, out []pair
	for _, x := range a {
		y, ok := byID[x.ID]
		if !ok || y.Truth != x.Truth {
			continue
		}
		c.Items++
		p := pair{id: x.ID, slices: sliceNames(x)}
		if x.OutOfScope() {
			p.a, p.b = indicator(x.Refused), indicator(y.Refused)
			out = append(out, p)
		} else {
			p.a, p.b = indicator(x.Right), indicator(y.Right)
			in = append(in, p)
		}
		if x.Label != y.Label || p.a != p.b {
			c.Flips = append(c.Flips, Flip{ID: x.ID, Truth: x.Truth, A: shown(x), B: shown(y), Gain: Number(p.b - p.a)})
		}
	}
	c.OnlyA, c.OnlyB = len(a)-c.Items, len(b)-c.Items
	if err := c.sameData(opt); err != nil {
		return Comparison{}, err
	}
	c.Measures = append(c.Measures, difference("accuracy", in, opt, mcNemarTest))
	if len(out) > 0 {
		c.Measures = append(c.Measures, difference("oos_recall", out, opt, mcNemarTest))
	}
	c.finish(in, opt, mcNemarTest)
	return c, nil
}

// CompareRetrieve compares two runs over the same judged queries: nDCG@10 decides, and MRR@10, recall@10, recall@100,
// MAP and success@1 follow; all by paired randomization. Runs over different queries are of kind ErrConflict unless forced.
func CompareRetrieve(a, b []RetrieveItem, opt CompareOptions) (Comparison, error) {
	opt = opt.withDefaults()
	c := Comparison{A: opt.NameA, B: opt.NameB}
	measures := []struct {
		name string
		get  func(RetrieveItem) float64
	}{
		{"ndcg@10", func(it RetrieveItem) float64 { return it.NDCG10 }}, {"mrr@10", func(it RetrieveItem) float64 { return it.RR10 }},
		{"recall@10", func(it RetrieveItem) float64 { return it.R10 }}, {"recall@100", func(it RetrieveItem) float64 { return it.R100 }},
		{"map", func(it RetrieveItem) float64 { return it.AP }}, {"success@1", func(it RetrieveItem) float64 { return it.S1 }},
	}
	id := func(it RetrieveItem) string { return it.ID }
	_, errA := byIDOf(a, id)
	byID, errB := byIDOf(b, id)
	if err := cmp.Or(errA, errB); err != nil {
		return Comparison{}, err
	}
	pairs := make([][]pair, len(measures))
	for _, x := range a {
		y, ok := byID[x.ID]
		if !ok || y.Relevant != x.Relevant {
			continue
		}
		c.Items++
		for m := range measures {
			get := measures[m].get
			pairs[m] = append(pairs[m], pair{id: x.ID, a: get(x), b: get(y), slices: withLanguage(x.Language, x.Slices)})
		}
		if x.NDCG10 != y.NDCG10 {
			c.Flips = append(c.Flips, Flip{ID: x.ID, A: Number(x.NDCG10).String(), B: Number(y.NDCG10).String(), Gain: Number(y.NDCG10 - x.NDCG10)})
		}
	}
	c.OnlyA, c.OnlyB = len(a)-c.Items, len(b)-c.Items
	if err := c.sameData(opt); err != nil {
		return Comparison{}, err
	}
	for m := range measures {
		c.Measures = append(c.Measures, difference(measures[m].name, pairs[m], opt, randomizationTest))
	}
	c.finish(pairs[0], opt, randomizationTest)
	return c, nil
}

// byIDOf refuses items that cannot be paired because two have the same ID.
func byIDOf[T any](items []T, id func(T) string) (map[string]T, error) {
	m := make(map[string]T, len(items))
	for _, it := range items {
		if _, twice := m[id(it)]; twice {
			return nil, prediag.Invalid("ITEM_TWICE", "items", fmt.Sprintf("the id %.80q occurs twice in one run; ids must differ", id(it)))
		}
		m[id(it)] = it
	}
	return m, nil
}

func (c *Comparison) sameData(opt CompareOptions) error {
	if c.Items == 0 {
		return &prediag.Error{Kind: prediag.ErrConflict, Reason: "NO_COMMON_ITEMS", Message: "the two runs have no item in common; compare runs over the same data"}
	}
	if (c.OnlyA > 0 || c.OnlyB > 0) && !opt.Force {
		return &prediag.Error{Kind: prediag.ErrConflict, Reason: "DIFFERENT_DATA", Message: fmt.Sprintf(
			"the runs are over different data: %d items in common, %d only in %s, %d only in %s (ids and truth must agree); measure both on the same data, or force it",
			c.Items, c.OnlyA, c.A, c.OnlyB, c.B)}
	}
	return nil
}

// finish adjusts the further measures, adds the slices, sorts the flips and takes the verdict of the first measure.
func (c *Comparison) finish(pairs []pair, opt CompareOptions, test significance) {
	adjust(c.Measures[1:], opt.Level)
	groups := map[string][]pair{}
	for _, p := range pairs {
		for name, value := range p.slices {
			groups[name+"="+value] = append(groups[name+"="+value], p)
		}
	}
	tested := map[string]bool{} // two names of the same items are one test
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		members := membersOf(groups[name])
		if tested[members] {
			continue
		}
		tested[members] = true
		if group := groups[name]; len(group) >= opt.MinSlice && len(group) < len(pairs) {
			d := difference(c.Measures[0].Measure, group, opt, test)
			d.Slice = name
			c.Slices = append(c.Slices, d)
		}
	}
	adjust(c.Slices, opt.Level)
	slices.SortFunc(c.Flips, func(a, b Flip) int { return cmp.Compare(a.ID, b.ID) })
	c.Verdict = c.Measures[0].Verdict
}

// membersOf names a group by its items.
func membersOf(group []pair) string {
	ids := make([]string, len(group))
	for i, p := range group {
		ids[i] = p.id
	}
	slices.Sort(ids)
	return strings.Join(ids, "\x00")
}

// significance is a paired test: its name and its two-sided p-value.
type significance func(pairs []pair, opt CompareOptions) (name string, p float64)

func mcNemarTest(pairs []pair, _ CompareOptions) (string, float64) {
	onlyA, onlyB := 0, 0
	for _, p := range pairs {
		switch {
		case p.a > p.b:
			onlyA++
		case p.b > p.a:
			onlyB++
		}
	}
	_, mid := McNemar(onlyA, onlyB)
	return "McNemar mid-p", mid
}

func randomizationTest(pairs []pair, opt CompareOptions) (string, float64) {
	return "paired randomization", PairedRandomization(differencesOf(pairs), opt.Resamples, opt.Seed)
}

func differencesOf(pairs []pair) []float64 {
	out := make([]float64, len(pairs))
	for i, p := range pairs {
		out[i] = p.b - p.a
	}
	return out
}

func difference(measure string, pairs []pair, opt CompareOptions, test significance) Difference {
	// by ID, so that sums and resamples do not depend on the order of the runs' items
	pairs = slices.SortedFunc(slices.Values(pairs), func(x, y pair) int { return cmp.Compare(x.id, y.id) })
	var a, b float64
	for _, p := range pairs {
		a += p.a
		b += p.b
	}
	n := float64(len(pairs))
	diffs := differencesOf(pairs)
	low, high := Bootstrap(diffs, opt.Resamples, opt.Seed)
	name, p := test(pairs, opt)
	d := Difference{
		Measure: measure, N: len(pairs), A: Number(a / n), B: Number(b / n), Difference: Number((b - a) / n),
		Low: Number(low), High: Number(high), P: Number(p), Test: name, Detectable: Number(detectable(diffs)),
	}
	d.Verdict = d.judge(opt.Level)
	return d
}

func (d Difference) judge(level float64) Verdict {
	switch {
	case !(float64(d.P) < level):
		return CannotTell
	case d.Difference > 0:
		return Better
	case d.Difference < 0:
		return Worse
	}
	return CannotTell
}

// adjust replaces the p-values by Holm's and judges again.
func adjust(list []Difference, level float64) {
	p := make([]float64, len(list))
	for i, d := range list {
		p[i] = float64(d.P)
	}
	for i, adjusted := range Holm(p) {
		list[i].P = Number(adjusted)
		list[i].Verdict = list[i].judge(level)
	}
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func shown(it ClassifyItem) string {
	if it.Error != "" {
		return "(failed)"
	}
	return it.Label
}

// sliceNames gives the parts of the data that an item belongs to.
func sliceNames(it ClassifyItem) map[string]string {
	names := withLanguage(it.Language, it.Slices)
	if it.Truth != names[prediag.FieldCategory] && it.Truth != names[prediag.FieldTier] {
		names["label"] = it.Truth // of another field
	}
	return names
}

func withLanguage(language string, parts map[string]string) map[string]string {
	names := map[string]string{"language": language}
	maps.Copy(names, parts)
	return names
}
