package kb

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/stretchr/testify/require"
)

// TestDefaultBleve is a peer of bench/bench.py: Bleve as it comes over title and body, a match query a text. It writes the
// ranking, in TREC's format, and each query's milliseconds beside it.
func TestDefaultBleve(t *testing.T) {
	corpus, queries, run := os.Getenv("PREDIAG_PEER_CORPUS"), os.Getenv("PREDIAG_PEER_QUERIES"), os.Getenv("PREDIAG_PEER_RUN")
	if run == "" {
		t.Skip("make bench-search asks for it")
	}
	depth, err := strconv.Atoi(os.Getenv("PREDIAG_PEER_DEPTH"))
	require.NoError(t, err)
	idx, err := bleve.New(filepath.Join(t.TempDir(), "index"), bleve.NewIndexMapping())
	require.NoError(t, err)
	defer idx.Close()
	batch := idx.NewBatch()
	for v := range jsonLines(t, corpus) {
		a := corpusArticle(v)
		require.NoError(t, batch.Index(a.ID, map[string]string{"title": a.Title, "body": a.Body}))
		if batch.Size() >= 1000 {
			require.NoError(t, idx.Batch(batch))
			batch.Reset()
		}
	}
	require.NoError(t, idx.Batch(batch))
	var out strings.Builder
	var took []float64
	for q := range jsonLines(t, queries) {
		req := bleve.NewSearchRequestOptions(bleve.NewMatchQuery(q["text"].(string)), depth, 0, false)
		begin := time.Now()
		found, err := idx.Search(req)
		require.NoError(t, err)
		took = append(took, float64(time.Since(begin).Microseconds())/1000)
		for i, h := range found.Hits {
			fmt.Fprintf(&out, "%s Q0 %s %d %g bleve\n", q["id"], h.ID, i+1, h.Score)
		}
	}
	require.NoError(t, os.WriteFile(run, []byte(out.String()), 0o600))
	data, err := json.Marshal(took)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(run+".ms.json", data, 0o600))
}
