package kb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
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
		k := open(b, dir, Options{VerifyBytes: 1})
		require.NotNil(b, k.current, "%s: no generation: PREDIAG_BENCH_KB is the folder kb of a data folder", dir)
		k.background.Wait() // until the generation is proved and warm
		return k
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

// searchAnew is Search without what is kept of results.
func searchAnew(tb testing.TB, k *KB, text string) {
	require.NoError(tb, k.read(func(r *reader) error {
		_, err := r.search(context.Background(), k.newQuery(prediag.Query{Text: text}, r.analyzer))
		return err
	}))
}

// sampleQueries takes runs of words out of the articles' bodies.
func sampleQueries(b testing.TB, k *KB, words, n int, seed uint64) []string {
	r := rand.New(rand.NewPCG(5, seed))
	var all []string
	require.NoError(b, readRows(k.current.dir, func(x row) error {
		all = append(all, x.id)
		return nil
	}))
	slices.Sort(all) // the table's order is not always the same
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
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var took, computed []time.Duration
			i := 0
			for b.Loop() {
				begin, used := time.Now(), computing()
				searchAnew(b, k, queries[i%len(queries)])
				took, computed = append(took, time.Since(begin)), append(computed, computing()-used)
				i++
			}
			for name, times := range map[string][]time.Duration{"": took, "cpu-": computed} {
				slices.Sort(times)
				for _, share := range []int{50, 95, 99} {
					b.ReportMetric(float64(times[len(times)*share/100].Microseconds()), fmt.Sprintf("%sp%d-µs", name, share))
				}
			}
		})
	}
}

// scripts has a character range of every script that customers write, and of some that they do not.
var scripts = map[string][2]rune{"latin": {'a', 'z'}, "latin diacritics": {0xe0, 0x17f}, "greek": {0x3b1, 0x3c9}, "cyrillic": {0x430, 0x44f},
	"armenian": {0x561, 0x586}, "hebrew": {0x5d0, 0x5ea}, "arabic": {0x627, 0x64a}, "devanagari": {0x905, 0x939}, "tamil": {0xb85, 0xbb9},
	"thai": {0xe01, 0xe2e}, "lao": {0xe81, 0xeae}, "myanmar": {0x1000, 0x1021}, "georgian": {0x10d0, 0x10f0}, "khmer": {0x1780, 0x17a2},
	"hiragana": {0x3041, 0x3096}, "katakana": {0x30a1, 0x30fa}, "han": {0x4e00, 0x9fff}, "hangul": {0xac00, 0xd7a3}, "full width": {0xff21, 0xff5a},
	"ligatures": {0xfb50, 0xfdfb}, "emoji": {0x1f300, 0x1f64f}, "math letters": {0x1d400, 0x1d7ff}, "marks": {0x300, 0x36f}, "digits": {'0', '9'},
	"punctuation": {'!', '/'}, "private": {0xe000, 0xf8ff}, "cuneiform": {0x12000, 0x12399}}

// longestQuery fills the longest query that is accepted with words of a script, of which hardly any two are equal; without
// spaces it is one word.
func longestQuery(chars [2]rune, spaces bool) string {
	r := rand.New(rand.NewPCG(7, uint64(chars[0])))
	out := make([]rune, prediag.MaxQueryRunes)
	for i := range out {
		out[i] = chars[0] + r.Int32N(chars[1]-chars[0]+1)
		if spaces && i%5 == 4 {
			out[i] = ' '
		}
	}
	return string(out)
}

// BenchmarkSearchLongest asks the longest queries of every script, and one of the words of the articles.
func BenchmarkSearchLongest(b *testing.B) {
	k := benchKB(b)
	queries := map[string]string{
		"chinese": strings.Repeat("如何解决云服务器磁盘无法挂载并且实例启动失败的问题请尽快处理谢谢", 240),
		"codes":   strings.Repeat("ACS.0013 ErrImagePull 0x80070005 ALM-12033 ", 180),
		"joined":  strings.Repeat("a.b-c_", 1300),
		"words":   sampleQueries(b, k, 1300, 1, 6)[0],
	}
	for name, chars := range scripts {
		queries[name] = longestQuery(chars, true)
		queries[name+", one word"] = longestQuery(chars, false)
	}
	for name, text := range queries {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				searchAnew(b, k, text)
			}
			b.ReportMetric(float64(lateness(b, k, text).Microseconds())/1000, "late-ms")
		})
	}
}

// lateness is how long after its deadline of 5 ms a search of a text ends, in computing time; 0: it ended before.
func lateness(b *testing.B, k *KB, text string) time.Duration {
	const wait = 5 * time.Millisecond
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	begin := computing()
	_, err := k.Search(ctx, prediag.Query{Text: text, Limit: 11})
	if err != nil {
		require.ErrorIs(b, err, context.DeadlineExceeded)
	}
	return max(0, computing()-begin-wait)
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

// BenchmarkMend asks for a word that no article holds.
func BenchmarkMend(b *testing.B) {
	k := benchKB(b)
	for b.Loop() {
		searchAnew(b, k, "restrt certificatse")
	}
}
