package main

import (
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// spelled is a word of its own for each number: no two are one typing error apart.
func spelled(product string, n int) string {
	sum := sha256.Sum256(fmt.Append(nil, product, n))
	out := product
	for _, b := range sum[:4] {
		out += string("bdfgklmn"[b%8]) + string("aeiou"[b/8%5])
	}
	return out
}

// judgedFolder writes a collection of so many articles, each with one query that holds a word which no other article has.
func judgedFolder(t *testing.T, product string, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), product)
	var corpus, queries, qrels strings.Builder
	for i := range n {
		word := spelled(product, i)
		fmt.Fprintf(&corpus, "{\"id\": \"%s%d\", \"title\": \"The %s\", \"body\": \"To repair the %s open its cover and turn the key twice.\", \"product\": \"%s\"}\n", product, i, word, word, product)
		fmt.Fprintf(&queries, "{\"id\": \"q%d\", \"text\": \"how do I repair the %s\"}\n", i, word)
		fmt.Fprintf(&qrels, "q%d 0 %s%d 1\n", i, product, i)
	}
	write(t, filepath.Join(dir, "queries.jsonl"), queries.String())
	write(t, filepath.Join(dir, "qrels.txt"), qrels.String())
	f, err := os.Create(filepath.Join(dir, "corpus.jsonl.gz"))
	require.NoError(t, err)
	zip := gzip.NewWriter(f)
	_, err = zip.Write([]byte(corpus.String()))
	require.NoError(t, err)
	require.NoError(t, zip.Close())
	require.NoError(t, f.Close())
	return dir
}

// TestAnswerable: where every answerable query names a word of its own article alone, the machine must know it.
func TestAnswerable(t *testing.T) {
	one, two := judgedFolder(t, "pump", 40), judgedFolder(t, "valve", 40)
	items := filepath.Join(t.TempDir(), "items.jsonl")
	r := decode[answerableReport](t, must(t, "eval", "answerable", one, two, "--items", items, "--json"))
	require.Len(t, r.Collections, 2)
	require.NotNil(t, r.Fitted)
	for _, c := range r.Collections {
		require.Equal(t, 40, c.Queries)
		require.Equal(t, 40, c.Foreign)
		require.Greater(t, c.Unanswerable, 5)
		require.Less(t, c.Unanswerable, 35)
		require.Equal(t, c.Unanswerable, r.Removed[c.Name].Judged)
		require.Greater(t, float64(c.AUROC), 0.9)
		require.Greater(t, float64(c.ForeignAUROC), 0.9)
		require.LessOrEqual(t, float64(c.Solved)*40, 40-float64(c.Unanswerable)+1e-9)
	}
	raw, err := os.ReadFile(items)
	require.NoError(t, err)
	require.Equal(t, 160, strings.Count(string(raw), "\n"))

	alone := decode[answerableReport](t, must(t, "eval", "answerable", one, "--json"))
	require.Nil(t, alone.Fitted, "the built-in policy's function is measured")
	require.Greater(t, float64(alone.Collections[0].AUROC), 0.9)
	require.Contains(t, must(t, "eval", "answerable", one), "pooled")
	wrong := call(t, "", "eval", "answerable", filepath.Join(one, "none"))
	require.Equal(t, exitUsage, wrong.code)
	require.Contains(t, wrong.err, "queries.jsonl")
}
