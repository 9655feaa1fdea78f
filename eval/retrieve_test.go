package eval

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

// words is a searcher whose hits are the words of the query, best first, scored 10, 9, 8 …
func words(_ context.Context, q prediag.Query) (prediag.Results, error) {
	if q.Limit != depth || q.Offset != 0 {
		return prediag.Results{}, errors.New("asked for another page")
	}
	var r prediag.Results
	for i, w := range strings.Fields(q.Text) {
		if w == "fail" {
			return prediag.Results{}, errors.New("no index")
		}
		r.Hits = append(r.Hits, prediag.Hit{ArticleID: w, Score: float64(10 - i)})
	}
	return r, nil
}

func collection() ([]Query, Qrels) {
	return []Query{
			{ID: "q1", Text: "a b c", Language: "en"},
			{ID: "q2", Text: "x a", Language: "en"},
			{ID: "q3", Text: "fail", Language: "de"},
			{ID: "q5", Text: "nothing judged", Language: "de"},
		}, Qrels{
			"q1": {"a": 1},
			"q2": {"a": 1, "z": 1, "x": 0},
			"q3": {"a": 1},
			"q4": {"a": 1}, // no such query
		}
}

// ticks is a clock that goes one millisecond further at each look.
func ticks() func() time.Time {
	var mu sync.Mutex
	now := time.Unix(0, 0)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Millisecond)
		return now
	}
}

func TestRetrieveByHand(t *testing.T) {
	queries, qrels := collection()
	r, run, err := Retrieve(t.Context(), prediag.SearcherFunc(words), queries, qrels, RetrieveOptions{Resamples: 500, Now: ticks()})
	require.NoError(t, err)
	require.Equal(t, []int{4, 1, 1, 1}, []int{r.Queries, r.Failed, r.Missing, r.Unjudged})
	require.Equal(t, "no index", r.FirstError)
	near := func(want float64, got Number, what string) {
		t.Helper()
		require.InDelta(t, want, float64(got), 1e-12, what)
	}
	near((1+1/math.Log2(3)/(1+1/math.Log2(3)))/4, r.NDCG10, "nDCG@10: the failed and the missing query count as 0")
	near((1+0.5)/4, r.MRR10, "MRR@10")
	near((1+0.5)/4, r.R10, "recall@10")
	near((1+0.5/2)/4, r.MAP, "MAP")
	near(0.25, r.P1, "P@1")
	near(0.25, r.Success1, "success@1")
	near(0.5, r.Success5, "success@5")
	near(1.0/4, r.BPref, "bpref: x stands above a")
	near(1, r.LatencyMS.P50, "one tick for each search")
	near(1, r.LatencyMS.P99, "one tick for each search")
	require.Equal(t, 2, r.PerLanguage["en"].Queries)
	require.Equal(t, Run{"q1": {{"a", 10}, {"b", 9}, {"c", 8}}, "q2": {{"x", 10}, {"a", 9}}}, run)
}

func TestRetrieveGolden(t *testing.T) {
	queries, qrels := collection()
	var items []RetrieveItem
	r, _, err := Retrieve(t.Context(), prediag.SearcherFunc(words), queries, qrels, RetrieveOptions{Resamples: 500, Workers: 3, Item: func(it RetrieveItem) { items = append(items, it) }})
	require.NoError(t, err)
	golden(t, "retrieve.json", asJSON(t, r))
	golden(t, "retrieve_items.json", asJSON(t, items))
	queries[0], queries[2] = queries[2], queries[0]
	again, _, err := Retrieve(t.Context(), prediag.SearcherFunc(words), queries, qrels, RetrieveOptions{Resamples: 500, Workers: 1})
	require.NoError(t, err)
	require.Equal(t, string(asJSON(t, r)), string(asJSON(t, again)), "neither the order of the queries nor the workers matter")
}

func TestRetrieveCutsLongQueries(t *testing.T) {
	long := strings.Repeat("汉", prediag.MaxQueryRunes) + "字"
	var got string
	s := prediag.SearcherFunc(func(_ context.Context, q prediag.Query) (prediag.Results, error) {
		got = q.Text
		require.Equal(t, []string{"staff"}, q.Audience, "the options' query is kept")
		return prediag.Results{}, nil
	})
	r, run, err := Retrieve(t.Context(), s, []Query{{ID: "q", Text: long}}, Qrels{"q": {"a": 1}}, RetrieveOptions{Query: prediag.Query{Audience: []string{"staff"}, Text: "no"}})
	require.NoError(t, err)
	require.Equal(t, 1, r.Cut)
	require.Equal(t, strings.TrimSuffix(long, "字"), got)
	require.Equal(t, Run{"q": {}}, run)
	require.Nil(t, r.LatencyMS)
}

func TestRetrieveCountsBrokenAnswersAsFailed(t *testing.T) {
	for name, hits := range map[string][]prediag.Hit{
		"score": {{ArticleID: "a", Score: math.Inf(1)}},
		"twice": {{ArticleID: "a", Score: 2}, {ArticleID: "a", Score: 1}},
	} {
		s := prediag.SearcherFunc(func(context.Context, prediag.Query) (prediag.Results, error) { return prediag.Results{Hits: hits}, nil })
		r, run, err := Retrieve(t.Context(), s, []Query{{ID: "q", Text: "t"}}, Qrels{"q": {"a": 1}}, RetrieveOptions{})
		require.NoError(t, err)
		require.Equal(t, 1, r.Failed, name)
		require.Zero(t, r.NDCG10, name)
		require.Empty(t, run, name)
	}
}

func TestRetrieveRefusesWhatItCannotMeasure(t *testing.T) {
	queries, qrels := collection()
	_, _, err := Retrieve(t.Context(), prediag.SearcherFunc(words), queries, Qrels{"other": {"a": 1}}, RetrieveOptions{})
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.ErrorContains(t, err, "none of 4 queries is among the 1 judged ones")
	_, _, err = Retrieve(t.Context(), prediag.SearcherFunc(words), append(queries, queries[0]), qrels, RetrieveOptions{})
	require.ErrorContains(t, err, `"q1" occurs twice`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = Retrieve(ctx, prediag.SearcherFunc(words), queries, qrels, RetrieveOptions{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestPercentiles(t *testing.T) {
	var d []time.Duration
	for i := 100; i >= 1; i-- {
		d = append(d, time.Duration(i)*time.Millisecond)
	}
	p := percentiles(d, 1)
	require.Equal(t, []Number{50, 95, 99, 100, 50.5}, []Number{p.P50, p.P95, p.P99, p.Max, p.Mean})
	// of 100 values the 40th and the 61st bound the median; binomial(100, 0.95): P(<=89) = 0.0115, P(<=98) = 0.9629
	require.Equal(t, []Number{40, 61, 90, 100, 97}, []Number{p.P50Low, p.P50High, p.P95Low, p.P95High, p.P99Low})
	require.False(t, p.P99High.Defined(), "100 values cannot bound the 99 % quantile from above")
	require.InDelta(t, 50.5-1.96*2.887, float64(p.MeanLow), 0.5)
	require.Nil(t, percentiles(nil, 1))
}
