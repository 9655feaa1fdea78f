package kb

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

// TestResultsAreKept asks twice; only what is a caller's own may differ.
func TestResultsAreKept(t *testing.T) {
	k := library(t)
	first := find(t, k, prediag.Query{Text: "start instance", Kinds: []string{"guide", "errorcode"}})
	require.Len(t, k.current.results.hot, 1)
	first.Hits[0].Title = "changed by a caller"
	again := find(t, k, prediag.Query{Text: " start instance\n", Kinds: []string{"errorcode", "guide", "guide"}, Limit: defaultLimit})
	require.Len(t, k.current.results.hot, 1, "the same query, written in another way")
	require.NotEqual(t, "changed by a caller", again.Hits[0].Title)
	again.Hits[0].Title = first.Hits[0].Title
	require.Equal(t, first, again)
	for _, q := range []prediag.Query{{Text: "start instance", Audience: []string{"staff"}}, {Text: "start instance", Offset: 1},
		{Text: "start instance", Codes: []string{"ACS.0013"}}, {Text: "start instance", Category: "compute"}, {Text: "start instance", Facets: true}} {
		before := len(k.current.results.hot)
		find(t, k, q)
		require.Len(t, k.current.results.hot, before+1, "%+v", q)
	}
}

// TestResultsOfANewGeneration come from its articles.
func TestResultsOfANewGeneration(t *testing.T) {
	k := library(t)
	before := find(t, k, prediag.Query{Text: "start instance"})
	apply(t, k, put(article("new", "Start an instance", "start instance")))
	after := find(t, k, prediag.Query{Text: "start instance"})
	require.Greater(t, after.Generation, before.Generation)
	require.Contains(t, ids(after), "new")
}

// TestCachesAreBounded fills both caches with more than they may hold.
func TestCachesAreBounded(t *testing.T) {
	var results resultCache
	big := prediag.Results{Hits: []prediag.Hit{{Passages: []prediag.Passage{{Text: strings.Repeat("x", 1<<20)}}}}}
	for i := range 40 {
		results.set(resultKey{byte(i)}, big)
		require.LessOrEqual(t, (len(results.hot)+len(results.cold))*(1<<20), 2*(maxResultBytes+2<<20))
	}
	_, ok := results.get(resultKey{39})
	require.True(t, ok)
	_, ok = results.get(resultKey{0})
	require.False(t, ok)

	var terms termCache
	lists := &termLists{text: list{docs: make([]uint32, 1<<20), sats: make([]uint16, 1<<20)}}
	for i := range 100 {
		terms.set(fmt.Sprint(i), termEntry{df: i, lists: lists})
		require.LessOrEqual(t, (len(terms.hot)+len(terms.cold))*postingBytes<<20, 2*(maxCachedBytes+2*postingBytes<<20))
	}
	_, ok = terms.get("0")
	require.False(t, ok)
	e, ok := terms.get("99")
	require.True(t, ok)
	require.Equal(t, 99, e.df)
}

// TestLongestQueries accepts the longest text of every script, and ends by its deadline.
func TestLongestQueries(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	apply(t, k, put(numbered(50)...))
	for name, chars := range scripts {
		for _, spaces := range []bool{true, false} {
			text := longestQuery(chars, spaces)
			_, err := k.Search(t.Context(), prediag.Query{Text: text})
			require.NoError(t, err, name)
			ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
			_, err = k.Search(ctx, prediag.Query{Text: text, Limit: 11})
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded, name)
		}
	}
}
