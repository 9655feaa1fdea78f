package kb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

// zipfArticles makes n articles of 60 to 180 words over a vocabulary with the frequencies of natural language.
func zipfArticles(n int) []prediag.Article {
	r := rand.New(rand.NewPCG(3, 4))
	z := rand.NewZipf(r, 1.1, 4, 50_000)
	text := func(words int) string {
		var s strings.Builder
		for range words {
			fmt.Fprintf(&s, "w%dx ", z.Uint64())
		}
		return s.String()
	}
	out := make([]prediag.Article, n)
	for i := range out {
		out[i] = article(fmt.Sprintf("z%06d", i), text(8), text(60+r.IntN(120)))
	}
	return out
}

// benchKB opens the knowledge base in the folder PREDIAG_BENCH_KB, or makes a small one.
func benchKB(b *testing.B) *KB {
	if dir := os.Getenv("PREDIAG_BENCH_KB"); dir != "" {
		return open(b, dir, Options{VerifyBytes: 1})
	}
	k := open(b, b.TempDir(), Options{})
	apply(b, k, put(zipfArticles(5000)...))
	return k
}

// warmUp asks other queries than those that are measured, as many as a service has answered a few seconds after its start.
func warmUp(b *testing.B, k *KB, words int, seed uint64) {
	for _, q := range sampleQueries(b, k, words, 300, seed) {
		_, err := k.Search(context.Background(), prediag.Query{Text: q})
		require.NoError(b, err)
	}
}

// sampleQueries takes runs of words out of the articles' bodies.
func sampleQueries(b testing.TB, k *KB, words, n int, seed uint64) []string {
	r := rand.New(rand.NewPCG(5, seed))
	var all []string
	require.NoError(b, readRows(k.current.dir, func(x row) error {
		all = append(all, x.id)
		return nil
	}))
	var queries []string
	for range n {
		var q []string
		for len(q) < words {
			a, err := k.Article(context.Background(), all[r.IntN(len(all))], nil)
			require.NoError(b, err)
			f := strings.Fields(a.Body)
			if len(f) < 10 {
				continue
			}
			from := r.IntN(len(f))
			q = append(q, f[from:min(len(f), from+words-len(q))]...)
		}
		text := []rune(strings.Join(q, " "))
		queries = append(queries, string(text[:min(len(text), prediag.MaxQueryRunes)]))
	}
	return queries
}

func BenchmarkSearch(b *testing.B) {
	k := benchKB(b)
	for _, words := range []int{5, 20, 100, 400} {
		b.Run(fmt.Sprintf("words=%d", words), func(b *testing.B) {
			warmUp(b, k, words, 7)
			queries := sampleQueries(b, k, words, 1000, 6)
			var took []time.Duration
			i := 0
			for b.Loop() {
				begin := time.Now()
				_, err := k.Search(context.Background(), prediag.Query{Text: queries[i%len(queries)]})
				require.NoError(b, err)
				took = append(took, time.Since(begin))
				i++
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds()), "p95-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

func BenchmarkSearchCJK8192(b *testing.B) {
	k := benchKB(b)
	text := []rune(strings.Repeat("如何解决云服务器磁盘无法挂载并且实例启动失败的问题请尽快处理谢谢", 300))[:prediag.MaxQueryRunes]
	r := rand.New(rand.NewPCG(7, 8))
	r.Shuffle(len(text), func(i, j int) { text[i], text[j] = text[j], text[i] })
	for b.Loop() {
		_, err := k.Search(context.Background(), prediag.Query{Text: string(text)})
		require.NoError(b, err)
	}
}

// BenchmarkApply builds 5,000 articles, and refreshes them with 1 % changed.
func BenchmarkApply(b *testing.B) {
	all := zipfArticles(5000)
	b.Run("full", func(b *testing.B) {
		for b.Loop() {
			k := open(b, b.TempDir(), Options{})
			apply(b, k, put(all...))
		}
	})
	b.Run("one percent", func(b *testing.B) {
		k := open(b, b.TempDir(), Options{})
		apply(b, k, put(all...))
		for b.Loop() {
			apply(b, k, put(all[:50]...))
		}
	})
}
