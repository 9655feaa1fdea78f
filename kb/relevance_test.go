package kb

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"prediag"
)

const sharedData = "../../shared/data"

// collection is a corpus with judged queries.
type collection struct {
	name, corpus string
	measure      string // "nDCG@10" or "success@1"
	floor        float64
}

var collections = []collection{
	{"stackfaq-dev", "retrieval/stackfaq-dev/corpus.jsonl.gz", "nDCG@10", 0.74},
	{"otc-faq-dev", "retrieval/otc-faq-dev/corpus.jsonl.gz", "nDCG@10", 0.57},
	{"cmrc2018-zh", "retrieval/cmrc2018-zh/corpus.jsonl.gz", "nDCG@10", 0.96},
	{"ali-faq-dev", "retrieval/ali-faq-dev/corpus.jsonl.gz", "nDCG@10", 0.60},
	{"xquad-dev", "retrieval/xquad-dev/corpus.jsonl.gz", "nDCG@10", 0.87},
	{"otc-alarms", "kb/otc-en/articles.jsonl.gz", "success@1", 0.98},
	{"aws-docs-qa-dev", "kb/aws-en/articles.jsonl.gz", "nDCG@10", 0.55},
}

// TestRelevance measures the search on collections of real questions, one set of parameters for all.
func TestRelevance(t *testing.T) {
	which := os.Getenv("PREDIAG_RELEVANCE") // "small": one quick collection; "all"; or names separated by commas
	for _, c := range collections {
		t.Run(c.name, func(t *testing.T) {
			quick := which == "" && c.name == "stackfaq-dev"
			if which != "all" && !quick && !strings.Contains(which, c.name) {
				t.Skip("set PREDIAG_RELEVANCE=all to measure the larger collections")
			}
			step := 1
			if quick {
				step = 3
			}
			ndcg, first, recall := measure(t, c, step)
			t.Logf("%s: nDCG@10 %.4f, success@1 %.4f, recall@100 %.4f", c.name, ndcg, first, recall)
			got := map[string]float64{"nDCG@10": ndcg, "success@1": first}[c.measure]
			require.GreaterOrEqual(t, got, c.floor, c.measure)
		})
	}
}

// measure asks every step-th query of the collection.
func measure(t *testing.T, c collection, step int) (ndcg, first, recall float64) {
	corpus := filepath.Join(sharedData, filepath.FromSlash(c.corpus))
	if _, err := os.Stat(corpus); err != nil {
		t.Skip("no shared data")
	}
	k, err := Open(t.TempDir(), Options{})
	require.NoError(t, err)
	defer k.Close()
	_, err = k.Apply(context.Background(), corpusChanges(t, corpus))
	require.NoError(t, err)
	judged := readQrels(t, filepath.Join(sharedData, "retrieval", c.name, "qrels.txt"))
	n, at := 0.0, 0
	for q := range jsonLines(t, filepath.Join(sharedData, "retrieval", c.name, "queries.jsonl")) {
		if at++; at%step != 0 {
			continue
		}
		r, err := k.Search(context.Background(), prediag.Query{Text: q["text"].(string), Limit: 100})
		require.NoError(t, err)
		relevant := judged[q["id"].(string)]
		n++
		ndcg += ndcgAt(10, r.Hits, relevant)
		if len(r.Hits) > 0 && relevant[r.Hits[0].ArticleID] > 0 {
			first++
		}
		hit := 0
		for _, h := range r.Hits {
			if relevant[h.ArticleID] > 0 {
				hit++
			}
		}
		recall += float64(hit) / float64(max(1, len(relevant)))
	}
	return ndcg / n, first / n, recall / n
}

// ndcgAt is nDCG@k with linear gains (Järvelin and Kekäläinen 2002, in the form of trec_eval).
func ndcgAt(k int, hits []prediag.Hit, relevant map[string]int) float64 {
	var dcg, ideal float64
	for i, h := range hits[:min(k, len(hits))] {
		dcg += float64(relevant[h.ArticleID]) / math.Log2(float64(i)+2)
	}
	for i := range min(k, len(relevant)) {
		ideal += 1 / math.Log2(float64(i)+2) // all grades are 1 in these collections
	}
	if ideal == 0 {
		return 0
	}
	return dcg / ideal
}

func readQrels(t testing.TB, name string) map[string]map[string]int {
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	judged := map[string]map[string]int{}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		grade, err := strconv.Atoi(f[3])
		require.NoError(t, err)
		if judged[f[0]] == nil {
			judged[f[0]] = map[string]int{}
		}
		if grade > 0 {
			judged[f[0]][f[2]] = grade
		}
	}
	return judged
}

func jsonLines(t testing.TB, name string) iter.Seq[map[string]any] {
	return func(yield func(map[string]any) bool) {
		f, err := os.Open(name)
		require.NoError(t, err)
		defer f.Close()
		var src io.Reader = f
		if strings.HasSuffix(name, ".gz") {
			src, err = gzip.NewReader(f)
			require.NoError(t, err)
		}
		s := bufio.NewScanner(src)
		s.Buffer(nil, 64<<20)
		for s.Scan() {
			var v map[string]any
			require.NoError(t, json.Unmarshal(s.Bytes(), &v))
			if !yield(v) {
				return
			}
		}
		require.NoError(t, s.Err())
	}
}

func corpusChanges(t testing.TB, name string) iter.Seq2[prediag.Change, error] {
	return func(yield func(prediag.Change, error) bool) {
		for v := range jsonLines(t, name) {
			if !yield(prediag.Change{Put: corpusArticle(v)}, nil) {
				return
			}
		}
	}
}

func corpusArticle(v map[string]any) *prediag.Article {
	str := func(key string) string {
		s, _ := v[key].(string)
		return s
	}
	a := &prediag.Article{ID: str("id"), Title: str("title"), Body: str("body"), URL: str("url"), Language: str("lang"),
		Product: str("product"), Source: "corpus"}
	a.Title = cutBytes(a.Title, 4096)
	if !utf8.ValidString(a.Body) {
		a.Body = strings.ToValidUTF8(a.Body, "")
	}
	a.Revision = fmt.Sprint(len(a.Body))
	a.Sections = []prediag.Section{{Span: prediag.Span{End: len(a.Body)}}}
	return a
}
