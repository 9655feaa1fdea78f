package eval

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestMcNemar(t *testing.T) {
	tests := []struct {
		b, c       int
		exact, mid float64
	}{
		{1, 7, 18.0 / 256, 10.0 / 256}, // Fagerland et al. 2013: 0.0703 and 0.0391
		{7, 1, 18.0 / 256, 10.0 / 256},
		{3, 3, 1, 1},
		{0, 0, 1, 1},
		{0, 5, 2.0 / 32, 1.0 / 32},
	}
	for _, tt := range tests {
		exact, mid := McNemar(tt.b, tt.c)
		require.InDelta(t, tt.exact, exact, 1e-12, "%d and %d", tt.b, tt.c)
		require.InDelta(t, tt.mid, mid, 1e-12, "%d and %d", tt.b, tt.c)
	}
	_, mid := McNemar(5000, 5300) // far beyond what factorials hold: normal approximation z = 300/√10300
	require.InDelta(t, math.Erfc(300/math.Sqrt(10300)/math.Sqrt2), mid, 1e-4)
}

func TestPairedRandomization(t *testing.T) {
	// all of five differences point up: 2 of the 32 sign patterns are as far off
	require.InDelta(t, 2.0/32, PairedRandomization([]float64{1, 1, 1, 1, 1}, 40_000, 1), 0.005)
	require.Equal(t, 1.0, PairedRandomization(nil, 100, 1))
	require.Equal(t, 1.0, PairedRandomization([]float64{0, 0}, 100, 1))
	require.Equal(t, 1.0, PairedRandomization([]float64{0.1, -0.1}, 100, 1), "nothing is nearer to 0 than 0")
	require.Equal(t, PairedRandomization([]float64{3, 1, -2}, 999, 5), PairedRandomization([]float64{3, 1, -2}, 999, 5))
}

// TestPairedRandomizationHoldsItsLevel: without a true difference it cries wolf once in twenty.
func TestPairedRandomizationHoldsItsLevel(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	alarms := 0
	for seed := range uint64(400) {
		d := make([]float64, 40)
		for i := range d {
			d[i] = rng.NormFloat64()
		}
		if PairedRandomization(d, 500, seed) < 0.05 {
			alarms++
		}
	}
	require.Less(t, alarms, 36, "20 expected, 36 is four standard errors off")
	require.Greater(t, alarms, 6)
}

func TestHolm(t *testing.T) {
	require.InDeltaSlice(t, []float64{0.03, 0.06, 0.06}, Holm([]float64{0.01, 0.04, 0.03}), 1e-15)
	require.InDeltaSlice(t, []float64{1, 1}, Holm([]float64{0.7, 0.9}), 1e-15)
	require.Empty(t, Holm(nil))
}

func TestDetectable(t *testing.T) {
	require.True(t, math.IsNaN(detectable([]float64{1})))
	d := make([]float64, 100)
	for i := range d {
		d[i] = float64(i%2)*2 - 1 // variance 100/99
	}
	require.InDelta(t, 2.8016*math.Sqrt(1/99.0), detectable(d), 1e-4)
	require.InDelta(t, 2.8016*0.01, detectable(make([]float64, 100)), 1e-5, "no difference seen")
}

// decisions makes n items of which the first right ones are right.
func decisions(n, right int) []ClassifyItem {
	items := make([]ClassifyItem, n)
	for i := range items {
		items[i] = ClassifyItem{ID: fmt.Sprintf("%04d", i), Language: []string{"en", "zh"}[i%2], Truth: "dns", Label: "vpn"}
		if i < right {
			items[i].Label, items[i].Right = "dns", true
		}
	}
	return items
}

func TestComparePlantedRegressionAndNoise(t *testing.T) {
	base := decisions(1000, 900)
	worse := decisions(1000, 860)
	c, err := CompareClassify(base, worse, CompareOptions{Resamples: 500})
	require.NoError(t, err)
	require.Equal(t, Worse, c.Verdict)
	require.Len(t, c.Flips, 40)
	require.Equal(t, Flip{ID: "0860", Truth: "dns", A: "dns", B: "vpn", Gain: -1}, c.Flips[0])
	require.InDelta(t, -0.04, float64(c.Measures[0].Difference), 1e-12)
	require.Less(t, float64(c.Measures[0].High), 0.0)
	require.Len(t, c.Slices, 2, "one label is no slice: it is all items")
	require.Equal(t, "language=en", c.Slices[0].Slice)
	require.Equal(t, Worse, c.Slices[0].Verdict)

	noise := decisions(1000, 900)
	for i := range 8 { // 4 mended, 4 broken
		at := []int{10, 20, 30, 40, 950, 960, 970, 980}[i]
		noise[at].Right = !noise[at].Right
		noise[at].Label = map[bool]string{true: "dns", false: "vpn"}[noise[at].Right]
	}
	c, err = CompareClassify(base, noise, CompareOptions{Resamples: 500})
	require.NoError(t, err)
	require.Equal(t, CannotTell, c.Verdict)
	require.Len(t, c.Flips, 8)
	require.InDelta(t, 2.8016*math.Sqrt(8.0/999/1000), float64(c.Measures[0].Detectable), 1e-5)

	back, err := CompareClassify(worse, base, CompareOptions{Resamples: 500})
	require.NoError(t, err)
	require.Equal(t, Better, back.Verdict)
}

func TestCompareOutOfScope(t *testing.T) {
	a := []ClassifyItem{{ID: "1", Truth: "dns", Right: true, Label: "dns"}, {ID: "2", Truth: prediag.LabelOutOfScope, Label: "dns"}}
	b := []ClassifyItem{{ID: "1", Truth: "dns", Error: "no"}, {ID: "2", Truth: prediag.LabelOutOfScope, Label: "dns", Refused: true}}
	c, err := CompareClassify(a, b, CompareOptions{Resamples: 10})
	require.NoError(t, err)
	require.Equal(t, Number(-1), c.Measures[0].Difference, "a failed item counts as wrong")
	require.Equal(t, "oos_recall", c.Measures[1].Measure)
	require.Equal(t, Number(1), c.Measures[1].Difference)
	require.Equal(t, "(failed)", c.Flips[0].B)
}

func TestCompareRefusesOtherData(t *testing.T) {
	a, b := decisions(100, 90), decisions(120, 90)
	_, err := CompareClassify(a, b, CompareOptions{})
	require.ErrorIs(t, err, prediag.ErrConflict)
	require.ErrorContains(t, err, "100 items in common, 0 only in A, 20 only in B")
	c, err := CompareClassify(a, b, CompareOptions{Force: true, Resamples: 10})
	require.NoError(t, err)
	require.Equal(t, []int{100, 0, 20}, []int{c.Items, c.OnlyA, c.OnlyB})
	b = decisions(100, 90)
	b[3].Truth = "vpn"
	_, err = CompareClassify(a, b, CompareOptions{})
	require.ErrorIs(t, err, prediag.ErrConflict)
	_, err = CompareClassify(a, nil, CompareOptions{Force: true})
	require.ErrorContains(t, err, "no item in common")
	_, err = CompareClassify(append(a, a[0]), a, CompareOptions{Force: true})
	require.ErrorIs(t, err, prediag.ErrInvalid)
}

func TestCompareRetrieve(t *testing.T) {
	a, b := make([]RetrieveItem, 60), make([]RetrieveItem, 60)
	for i := range a {
		a[i] = RetrieveItem{ID: fmt.Sprint("q", i), Language: "en", Relevant: 1, NDCG10: 0.5, R10: 1}
		b[i] = a[i]
		b[i].NDCG10 = 0.5 + float64(i%3)*0.1
	}
	c, err := CompareRetrieve(a, b, CompareOptions{Resamples: 2000})
	require.NoError(t, err)
	require.Equal(t, Better, c.Verdict)
	require.InDelta(t, 0.1, float64(c.Measures[0].Difference), 1e-12)
	require.Equal(t, CannotTell, c.Measures[2].Verdict, "recall@10 is the same")
	require.Len(t, c.Flips, 40)
	b[0].Relevant = 2
	_, err = CompareRetrieve(a, b, CompareOptions{})
	require.ErrorIs(t, err, prediag.ErrConflict)
}

func TestCompareDoesNotDependOnTheOrderOfItems(t *testing.T) {
	a, b := decisions(200, 150), decisions(200, 140)
	want, err := CompareClassify(a, b, CompareOptions{Resamples: 300})
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(5, 6))
	rng.Shuffle(len(a), func(i, j int) { a[i], a[j] = a[j], a[i] })
	rng.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
	got, err := CompareClassify(a, b, CompareOptions{Resamples: 300})
	require.NoError(t, err)
	require.Equal(t, string(asJSON(t, want)), string(asJSON(t, got)))
}

func TestChooseOOSThreshold(t *testing.T) {
	item := func(scope float64, truth string, right bool) ClassifyItem {
		return ClassifyItem{InScope: scope, Truth: truth, Label: "dns", Right: right}
	}
	// below 0.15 one more is right, below 0.35 two (three caught, one lost)
	items := []ClassifyItem{item(0.1, "oos", false), item(0.2, "dns", true), item(0.3, "oos", false), item(0.3, "oos", false), item(0.4, "dns", true), item(0.9, "dns", true)}
	require.InDelta(t, 0.35, ChooseOOSThreshold(items), 1e-12)
	require.Equal(t, -1.0, ChooseOOSThreshold([]ClassifyItem{item(0.1, "dns", true), item(0.9, "dns", true)}))
	require.Equal(t, -1.0, ChooseOOSThreshold(nil))
}

// TestCompareSlicesOfEveryKind: language, category, tier, length, source and age are tested, equal sets of items once.
func TestCompareSlicesOfEveryKind(t *testing.T) {
	example := func(i int) prediag.Example {
		return prediag.Example{Ticket: prediag.Ticket{ID: fmt.Sprintf("%03d", i), Language: []string{"en", "zh"}[i%2], Product: []string{"net", "disk"}[i%3%2],
			Body: strings.Repeat("x", 20+i%5*30), Fields: map[string]string{"source": []string{"mail", "phone"}[i/50]},
			Created: time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC)},
			Labels: map[string]string{"category": []string{"net/dns", "disk/full"}[i%3%2], "tier": []string{"L1", "L2"}[i/7%2]}}
	}
	var a, b []ClassifyItem
	var ta, tb []TriageItem
	newest := example(99).Ticket.Created
	for i := range 100 {
		e := example(i)
		it := ClassifyItem{ID: e.Ticket.ID, Truth: e.Labels["category"], Label: "net/dns", Language: e.Ticket.Language, Slices: slicesOf(e, newest)}
		it.Right = it.Label == it.Truth
		a, b = append(a, it), append(b, it)
		l := TriageItem{ID: e.Ticket.ID, Truth: it.Truth, Label: it.Label, Language: it.Language, Slices: it.Slices, Outcome: prediag.OutcomeEscalate}
		ta, tb = append(ta, l), append(tb, l)
	}
	names := func(c Comparison) map[string]bool {
		kinds := map[string]bool{}
		for _, s := range c.Slices {
			name, _, _ := strings.Cut(s.Slice, "=")
			kinds[name] = true
		}
		return kinds
	}
	want := map[string]bool{"age": true, "area": true, "language": true, "length": true, "source": true, "tier": true}
	c, err := CompareClassify(a, b, CompareOptions{Resamples: 20})
	require.NoError(t, err)
	require.Equal(t, want, names(c), "category and product are the same items as area")
	c, err = CompareTriage(ta, tb, CompareOptions{Resamples: 20})
	require.NoError(t, err)
	require.Equal(t, want, names(c))

	var found []RetrieveItem
	var queries []Query
	qrels := Qrels{}
	for i := range 60 {
		q := Query{ID: fmt.Sprint(i), Text: strings.Repeat("y", 10+i%2*60), Language: []string{"en", "zh"}[i/30], Tier: []string{"L1", "L2"}[i%3%2]}
		queries, qrels[q.ID] = append(queries, q), map[string]int{fmt.Sprint("d", i): 1}
	}
	article := func(id string) (prediag.Article, bool) {
		n := len(id) - 2
		return prediag.Article{Category: []string{"net/dns", "disk/full"}[n], Updated: time.Date(2026, time.Month(1+5*n), 1, 0, 0, 0, 0, time.UTC)}, true
	}
	nothing := prediag.SearcherFunc(func(context.Context, prediag.Query) (prediag.Results, error) { return prediag.Results{}, nil })
	_, _, err = Retrieve(t.Context(), nothing, queries, qrels, RetrieveOptions{Resamples: 5, Article: article, Item: func(it RetrieveItem) { found = append(found, it) }})
	require.NoError(t, err)
	c, err = CompareRetrieve(found, found, CompareOptions{Resamples: 20, MinSlice: 5})
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"age": true, "language": true, "length": true, "tier": true}, names(c), "the age parts the articles as their category does")
	require.Equal(t, "net/dns", found[0].Slices["category"])
}
