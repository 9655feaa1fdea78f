package eval

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func openCache(t *testing.T, dir string) *Cache {
	t.Helper()
	c, err := OpenCache(dir, CacheKey("program", "model"))
	require.NoError(t, err)
	return c
}

// many are examples that told reads.
func many(n int) []prediag.Example {
	examples := make([]prediag.Example, n)
	for i := range examples {
		examples[i] = example(fmt.Sprintf("%04d", i), "en", []string{"dns", "vpn", "oos"}[i%3], fmt.Sprintf("dns 0.%03d1 vpn 0.2 0.7", i%600))
	}
	return examples
}

// breakingOff is told, until it was asked n times: then the run ends, as by an interrupt.
func breakingOff(cancel context.CancelFunc, n int64, asked *atomic.Int64) prediag.ClassifierFunc {
	return func(ctx context.Context, t prediag.Ticket) (prediag.Verdict, error) {
		if asked.Add(1) >= n {
			cancel()
		}
		return told(ctx, t)
	}
}

// TestCacheResumesClassify breaks a run off in the middle: the next one asks for the rest only, and the report is that of a
// run without a cache, to the byte.
func TestCacheResumesClassify(t *testing.T) {
	examples, dir := many(400), t.TempDir()
	var want []ClassifyItem
	plain, err := Classify(t.Context(), prediag.ClassifierFunc(told), examples, ClassifyOptions{Resamples: 50, Item: func(it ClassifyItem) { want = append(want, it) }})
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	var asked atomic.Int64
	first := openCache(t, dir)
	_, err = Classify(ctx, breakingOff(cancel, 150, &asked), examples, ClassifyOptions{Cache: first})
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, first.Close())
	done := int(asked.Load())
	require.Less(t, done, 200)

	for _, wantAsked := range []int{len(examples) - done, 0} { // half warm, warm
		asked.Store(0)
		c := openCache(t, dir)
		var items []ClassifyItem
		r, err := Classify(t.Context(), breakingOff(func() {}, -1, &asked), examples, ClassifyOptions{Resamples: 50, Cache: c, Item: func(it ClassifyItem) { items = append(items, it) }})
		require.NoError(t, err)
		require.NoError(t, c.Close())
		require.Equal(t, wantAsked, int(asked.Load()))
		require.Equal(t, string(asJSON(t, plain)), string(asJSON(t, r)))
		require.Equal(t, want, items)
	}
}

// TestCacheTriesFailedItemsAgain: an error is no result.
func TestCacheTriesFailedItemsAgain(t *testing.T) {
	dir, examples := t.TempDir(), many(20)
	down := true
	flaky := prediag.ClassifierFunc(func(ctx context.Context, ticket prediag.Ticket) (prediag.Verdict, error) {
		if down && ticket.ID == "0007" {
			return prediag.Verdict{}, errors.New("out of memory")
		}
		return told(ctx, ticket)
	})
	for _, failed := range []int{1, 0} {
		c := openCache(t, dir)
		r, err := Classify(t.Context(), flaky, examples, ClassifyOptions{Resamples: 10, Cache: c})
		require.NoError(t, err)
		require.NoError(t, c.Close())
		require.Equal(t, failed, r.Failed)
		down = false
	}
}

// TestCacheResumesSearchAndLine: latencies come from the cache too, so that a repeated run is the same to the byte.
func TestCacheResumesSearchAndLine(t *testing.T) {
	dir := t.TempDir()
	searches, tickets := 0, 0
	searcher := prediag.SearcherFunc(func(_ context.Context, q prediag.Query) (prediag.Results, error) {
		searches++
		return prediag.Results{Hits: []prediag.Hit{{ArticleID: "d1", Score: 2.5}, {ArticleID: q.Text, Score: 0.1}}}, nil
	})
	queries, qrels := []Query{{ID: "q1", Text: "d2"}, {ID: "q2", Text: "d9"}}, Qrels{"q1": {"d1": 1}, "q2": {"d9": 2}}
	line, examples := lineCase()
	counted := triagerFunc(func(ctx context.Context, key prediag.RequestKey, ticket prediag.Ticket) (prediag.Diagnosis, error) {
		tickets++
		return line.Triage(ctx, key, ticket)
	})
	var found, lines []string
	for range 2 {
		c := openCache(t, dir)
		r, run, err := Retrieve(t.Context(), searcher, queries, qrels, RetrieveOptions{Resamples: 20, Now: ticks(), Cache: c})
		require.NoError(t, err)
		found = append(found, string(asJSON(t, r))+fmt.Sprint(run))
		l, err := Triage(t.Context(), counted, examples, TriageOptions{Resamples: 20, Workers: 1, Now: time.Now, Cache: c})
		require.NoError(t, err)
		l.LatencyMS = nil // the failed ticket was asked again
		lines = append(lines, string(asJSON(t, l)))
		require.NoError(t, c.Close())
	}
	require.Equal(t, found[0], found[1])
	require.Equal(t, lines[0], lines[1])
	require.Equal(t, 2, searches)
	require.Equal(t, 7, tickets, "six, and once more the one that failed")
}

type triagerFunc func(context.Context, prediag.RequestKey, prediag.Ticket) (prediag.Diagnosis, error)

func (f triagerFunc) Triage(ctx context.Context, key prediag.RequestKey, t prediag.Ticket) (prediag.Diagnosis, error) {
	return f(ctx, key, t)
}

// TestCacheSurvivesDamage: torn and changed lines count as absent, whole ones are kept.
func TestCacheSurvivesDamage(t *testing.T) {
	dir := t.TempDir()
	c := openCache(t, dir)
	for i := range 3 {
		c.put(fmt.Sprint("item", i), map[string]int{"n": i})
	}
	require.NoError(t, c.Close())
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	raw, err := os.ReadFile(files[0])
	require.NoError(t, err)
	changed := strings.Replace(string(raw), `{"n":1}`, `{"n":8}`, 1)
	require.NoError(t, os.WriteFile(files[0], []byte(changed[:len(changed)-5]), 0o600))
	c = openCache(t, dir)
	var v map[string]int
	require.True(t, c.get("item0", &v))
	require.False(t, c.get("item1", &v), "changed")
	require.False(t, c.get("item2", &v), "torn")
	c.put("item2", map[string]int{"n": 2})
	require.NoError(t, c.Close())
	c = openCache(t, dir)
	require.True(t, c.get("item2", &v))
	require.Equal(t, 2, v["n"])
	require.NoError(t, c.Close())
}

func TestCacheIsBounded(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"old", "new", "mine"} {
		file := filepath.Join(dir, name+cacheSuffix)
		require.NoError(t, os.WriteFile(file, make([]byte, 100), 0o600))
		at := time.Unix(int64(i), 0)
		require.NoError(t, os.Chtimes(file, at, at))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "note.txt"), make([]byte, 1000), 0o600))
	require.NoError(t, pruneCache(dir, "mine"+cacheSuffix, 150))
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Len(t, left, 3, "the oldest is gone; what is no cache stays")
	require.NoFileExists(t, filepath.Join(dir, "old"+cacheSuffix))
	_, err = OpenCache(dir, "../x")
	require.Error(t, err)
}

func TestCacheKeyTellsPartsApart(t *testing.T) {
	require.NotEqual(t, CacheKey("a", "bc"), CacheKey("ab", "c"))
	require.NotEqual(t, CacheKey("a"), CacheKey("a", ""))
}

func TestCacheLineRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		item, value := rapid.StringMatching(`[0-9a-f]{1,32}`).Draw(t, "item"), rapid.StringMatching(`[^\n]{0,40}`).Draw(t, "value")
		gotItem, gotValue, ok := parseCacheLine(strings.TrimSuffix(cacheLine(item, value), "\n"))
		require.True(t, ok)
		require.Equal(t, []string{item, value}, []string{gotItem, gotValue})
	})
}

func FuzzCacheLine(f *testing.F) {
	f.Add(strings.TrimSuffix(cacheLine("ab", `{"n":1}`), "\n"))
	f.Add("ab 00000000 {}")
	f.Add(" ")
	f.Fuzz(func(t *testing.T, line string) {
		if item, value, ok := parseCacheLine(line); ok {
			require.Equal(t, line+"\n", cacheLine(item, value))
		}
	})
}
