package eval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

var notANumber = regexp.MustCompile(`\bNaN\b|\bInf\b|ZgotmplZ|%!`)

// clean fails when a document holds a number that is none.
func clean(t *rapid.T, what string, write func(io.Writer) error) {
	var b bytes.Buffer
	require.NoError(t, write(&b), what)
	if at := notANumber.FindIndex(b.Bytes()); at != nil {
		t.Fatalf("%s: …%s…", what, b.Bytes()[max(at[0]-80, 0):min(at[1]+40, b.Len())])
	}
}

func cleanJSON(t *rapid.T, what string, v any) {
	clean(t, what, func(w io.Writer) error { return json.NewEncoder(w).Encode(v) })
}

// drawDegenerate are a few tickets, down to one, of few labels, where the classifier may fail on each.
func drawDegenerate(t *rapid.T) []prediag.Example {
	label := rapid.SampledFrom([]string{"a", "b", "oos"})
	verdict := rapid.SampledFrom([]string{"fail", "a 1 1", "a 0 0", "b 0.5 a 0.5 0.5", "oos 0.7 0.2", "c 0.3 0.9"})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) prediag.Example {
		return example("", rapid.SampledFrom([]string{"", "en"}).Draw(t, "language"), label.Draw(t, "truth"), verdict.Draw(t, "verdict"))
	}), 1, 6).Draw(t, "examples")
}

// TestNoFileHoldsNaN: one item, one class, all wrong, all failed, none in scope: every file is still a document.
func TestNoFileHoldsNaN(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opt := ClassifyOptions{Resamples: 20}
		measure := func(examples []prediag.Example) (ClassifyReport, []ClassifyItem) {
			var items []ClassifyItem
			opt.Item = func(it ClassifyItem) { items = append(items, it) }
			r, err := Classify(context.Background(), prediag.ClassifierFunc(told), examples, opt)
			require.NoError(t, err)
			return r, items
		}
		examples := drawDegenerate(t)
		r, items := measure(examples)
		cleanJSON(t, "report", r)
		clean(t, "Markdown", r.WriteMarkdown)
		clean(t, "page", func(w io.Writer) error { return WriteHTML(w, r, items, HTMLOptions{Policy: 0.9}) })
		clean(t, "results", Results{Classify: []ClassifyResult{{Name: "x", Report: r}}}.WriteMarkdown)
		figures, err := Figures(r)
		require.NoError(t, err)
		clean(t, "JUnit", func(w io.Writer) error {
			return WriteJUnit(w, "x", Measured(figures, []string{"accuracy", "oos.auroc"}))
		})
		for i := range examples {
			examples[i].Ticket.Body = rapid.SampledFrom([]string{"fail", "a 1 1", "b 0.5 0.1"}).Draw(t, "other verdict")
		}
		_, others := measure(examples)
		c, err := CompareClassify(items, others, CompareOptions{Resamples: 20, MinSlice: 1})
		require.NoError(t, err)
		cleanJSON(t, "comparison", c)
		clean(t, "comparison", c.WriteMarkdown)
		clean(t, "gate", func(w io.Writer) error { return WriteResults(w, GateAgainst(c)) })
		cleanJSON(t, "suspects", NewSuspectReport(items, nil))
	})
}

func TestNoFileOfSearchAndLineHoldsNaN(t *testing.T) {
	line, all := lineCase()
	rapid.Check(t, func(t *rapid.T) {
		examples := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, len(all), func(e prediag.Example) string { return e.Ticket.ID }).Draw(t, "examples")
		var items []TriageItem
		now := rapid.SampledFrom([]bool{true, false}).Draw(t, "clock")
		opt := TriageOptions{Resamples: 20, Workers: 1, Item: func(it TriageItem) { items = append(items, it) }}
		if now {
			opt.Now = ticks()
		}
		r, err := Triage(context.Background(), line, examples, opt)
		require.NoError(t, err)
		cleanJSON(t, "report", r)
		clean(t, "Markdown", r.WriteMarkdown)
		clean(t, "page", func(w io.Writer) error { return WriteTriageHTML(w, r, items, HTMLOptions{}) })
		c, err := CompareTriage(items, items, CompareOptions{Resamples: 20, MinSlice: 1})
		require.NoError(t, err)
		clean(t, "comparison", c.WriteMarkdown)
		cleanJSON(t, "comparison", c)
		clean(t, "replay", Replay(items, items, nil).WriteMarkdown)

		searcher := prediag.SearcherFunc(func(_ context.Context, q prediag.Query) (prediag.Results, error) {
			if q.Text == "" {
				return prediag.Results{}, errors.New("no index")
			}
			return prediag.Results{Hits: []prediag.Hit{{ArticleID: q.Text, Score: 1}}}, nil
		})
		var queries []Query
		qrels := Qrels{}
		for i := range rapid.IntRange(1, 4).Draw(t, "queries") {
			q := Query{ID: fmt.Sprint(i), Text: rapid.SampledFrom([]string{"", "d", "e"}).Draw(t, "text")}
			queries, qrels[q.ID] = append(queries, q), map[string]int{"d": rapid.IntRange(-1, 1).Draw(t, "grade")}
		}
		var found []RetrieveItem
		s, _, err := Retrieve(context.Background(), searcher, queries, qrels, RetrieveOptions{Resamples: 20, Now: opt.Now, Item: func(it RetrieveItem) { found = append(found, it) }})
		require.NoError(t, err)
		cleanJSON(t, "search", s)
		clean(t, "search", s.WriteMarkdown)
		clean(t, "search", func(w io.Writer) error { return WriteRetrieveHTML(w, s, found, HTMLOptions{}) })
		d, err := CompareRetrieve(found, found, CompareOptions{Resamples: 20, MinSlice: 1})
		require.NoError(t, err)
		clean(t, "comparison", d.WriteMarkdown)
	})
}

// TestLanguageModelCost by hand: two drafts by a model, one extractive, one ticket without a draft.
func TestLanguageModelCost(t *testing.T) {
	item := func(origin string, u *prediag.Usage) TriageItem { return TriageItem{Origin: origin, Usage: u} }
	items := []TriageItem{item("m", &prediag.Usage{InputTokens: 1000, OutputTokens: 100}), item("m", &prediag.Usage{InputTokens: 3000, OutputTokens: 300}),
		item("extractive", nil), item("", nil)}
	opt := TriageOptions{Resamples: 100, Prices: Prices{Currency: "USD", Models: map[string]Price{"m": {Input: 2, Output: 10}}}}
	r := llmReport(items, opt)
	require.Equal(t, []int{2, 1, 1, 0}, []int{r.Drafts, r.Extractive, r.None, r.Uncounted})
	require.InDelta(t, 1000, float64(r.InputTokens), 1e-9)
	require.InDelta(t, 100, float64(r.OutputTokens), 1e-9)
	require.InDelta(t, (0.002+0.001+0.006+0.003)/4, float64(r.Cost), 1e-12)
	require.Less(t, r.CostLow, r.Cost)
	opt.Prices = Prices{}
	r = llmReport(items, opt)
	require.False(t, r.Cost.Defined(), "no price is not a price of 0")
	require.Contains(t, r.Why, `no price for "m"`)
	require.True(t, r.InputTokens.Defined())
	items[1].Usage = nil
	r = llmReport(items, opt)
	require.False(t, r.InputTokens.Defined())
	require.Contains(t, r.Why, "1 of 2 drafts by a language model come without a count of tokens")
	r = llmReport(items[2:], opt)
	require.Equal(t, Number(0), r.Cost)
	require.Equal(t, "no language model was asked: 1 drafts are extractive, quoted from articles, and 1 tickets have none", r.Why)
}

func TestPrices(t *testing.T) {
	name, p, err := ParsePrice("a=b=3/15.5")
	require.NoError(t, err)
	require.Equal(t, "a=b", name)
	require.Equal(t, Price{3, 15.5}, p)
	for _, bad := range []string{"", "x", "x=3", "x=3/y", "=1/2", "x=-1/2", "x=NaN/1", "x=1/Inf"} {
		_, _, err := ParsePrice(bad)
		require.ErrorIs(t, err, prediag.ErrInvalid, bad)
	}
	prices, err := ReadPrices(bytes.NewBufferString(`{"currency":"EUR","models":{"m":{"input":1,"output":2}}}`))
	require.NoError(t, err)
	require.Equal(t, Prices{"EUR", map[string]Price{"m": {1, 2}}}, prices)
	for _, bad := range []string{`{`, `[]`, `{"model":{}}`, `{"models":{"m":{"input":-1}}}`} {
		_, err := ReadPrices(bytes.NewBufferString(bad))
		require.ErrorIs(t, err, prediag.ErrInvalid, bad)
	}
}

func FuzzParsePrice(f *testing.F) {
	f.Add("m=3/15")
	f.Add("=/")
	f.Fuzz(func(t *testing.T, s string) {
		name, p, err := ParsePrice(s)
		if err != nil {
			require.ErrorIs(t, err, prediag.ErrInvalid)
			return
		}
		require.NotEmpty(t, name)
		require.True(t, p.Input >= 0 && p.Output >= 0)
	})
}
