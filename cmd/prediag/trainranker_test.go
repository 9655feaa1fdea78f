package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag/kb"
)

// rankedFolder is a data folder with two articles on each of so many subjects, and their queries, of which a judge always likes
// the one that the built-in order has second.
func rankedFolder(t *testing.T, n int) (dir, queries, qrels string) {
	t.Helper()
	dir = t.TempDir()
	var corpus, asked, judged strings.Builder
	for i := range n {
		word := spelled("pump", i)
		fmt.Fprintf(&corpus, "{\"id\": \"a%d\", \"title\": \"Repair the %s\", \"body\": \"To repair the %s open its cover.\"}\n", i, word, word)
		fmt.Fprintf(&corpus, "{\"id\": \"b%d\", \"title\": \"Cases of the %s\", \"body\": \"It was asked what a customer can do about the %s, and how to repair it at home.\"}\n", i, word, word)
		fmt.Fprintf(&asked, "{\"id\": \"q%d\", \"text\": \"how do I repair the %s\"}\n", i, word)
		fmt.Fprintf(&judged, "q%d 0 b%d 1\n", i, i)
	}
	file := write(t, filepath.Join(dir, "corpus.jsonl"), corpus.String())
	must(t, "ingest", "--data-dir", filepath.Join(dir, "data"), file)
	return filepath.Join(dir, "data"), write(t, filepath.Join(dir, "queries.jsonl"), asked.String()), write(t, filepath.Join(dir, "qrels.txt"), judged.String())
}

func TestTrainRanker(t *testing.T) {
	dir, queries, qrels := rankedFolder(t, 60)
	word := spelled("pump", 7)
	firstOf := func(args ...string) string {
		out := must(t, append([]string{"search", "--data-dir", dir, "--json", "--limit", "1", "how do I repair the " + word}, args...)...)
		return decode[struct {
			Hits []struct {
				ArticleID string `json:"articleId"`
			} `json:"hits"`
		}](t, out).Hits[0].ArticleID
	}
	require.Equal(t, "a7", firstOf())
	r := decode[rankerReport](t, must(t, "train", "ranker", "--data-dir", dir, "--queries", queries, "--qrels", qrels, "--json"))
	require.True(t, r.Accepted)
	require.Equal(t, 60, r.Queries)
	require.Greater(t, float64(r.NDCG.Low), 0.0)
	require.Equal(t, "b7", firstOf(), "the data folder's own")
	file, err := os.ReadFile(r.Out)
	require.NoError(t, err)
	learned, err := kb.ParseRanker(file)
	require.NoError(t, err)
	settings, err := dataDir(dir).settings()
	require.NoError(t, err)
	require.Equal(t, learned.Serves(), settings, "policies are bound to it")

	// The same judge whose liking has nothing to do with the articles is not believed.
	var chance strings.Builder
	for i := range 60 {
		fmt.Fprintf(&chance, "q%d 0 %c%d 1\n", i, "ab"[i/3%2], i)
	}
	write(t, qrels, chance.String())
	out := filepath.Join(dir, "candidate.json")
	refused := call(t, "", "train", "ranker", "--data-dir", dir, "--queries", queries, "--qrels", qrels, "--out", out)
	require.Equal(t, exitFailed, refused.code)
	require.Contains(t, refused.out, "Refused")
	require.NoFileExists(t, out)

	write(t, out, "{}")
	broken := call(t, "", "search", "--data-dir", dir, "--ranker", out, "x")
	require.Equal(t, exitUsage, broken.code)
	require.Contains(t, broken.err, "train ranker")
}
