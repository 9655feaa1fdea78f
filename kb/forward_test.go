package kb

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// recordOf is the decoded forward record of an article.
func recordOf(t require.TestingT, a prediag.Article) forward {
	_, fields, err := newDocument(&a, testAnalyzers())
	require.NoError(t, err)
	fields[0].Analyze()
	f, err := parseForward(fields[0].Value())
	require.NoError(t, err)
	return f
}

// held is the mask of those terms that the article holds, as its postings tell it.
func held(t require.TestingT, a prediag.Article, terms []weighted) (mask uint32) {
	_, fields, err := newDocument(&a, testAnalyzers())
	require.NoError(t, err)
	fields[0].Analyze()
	for i, x := range terms {
		if fields[0].terms[x.term] != nil {
			mask |= 1 << i
		}
	}
	return mask
}

// readAgain is what the record replaces: the occurrences in a text that is analysed again, and how many tokens it has.
func readAgain(a *analyzer, text string, within int, terms []weighted) (out []match, tokens int) {
	for i, term := range a.terms(text) {
		if a.starts[i] >= within {
			break
		}
		tokens++
		for n, w := range terms {
			if w.term == term {
				out = append(out, match{int32(i), int32(n)})
			}
		}
	}
	return out, tokens
}

// anyArticle draws an article of several scripts with nested headings.
func anyArticle(t *rapid.T) prediag.Article {
	text := func(label string, n int) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]string{"disk", "full", "Node", "node.", "restart", "磁盘", "已满", "ดิสก์",
			"ACS.0013", "ErrImagePull", "ディスク", "\n", "über"}), rapid.String()), 0, n).Draw(t, label), " ")
	}
	a := article("y", text("title", 6), "")
	for i := range rapid.IntRange(0, 4).Draw(t, "sections") {
		path := []string{text("h1", 2), fmt.Sprint("step ", i), text("h3", 2)}[:rapid.IntRange(0, 3).Draw(t, "depth")]
		start := len(a.Body)
		a.Body += text("body", 40) + "\n"
		a.Sections = append(a.Sections, prediag.Section{Path: path, Span: prediag.Span{Start: start, End: len(a.Body)}})
	}
	return a
}

// TestForwardTellsWhatReadingAgainTells compares the forward record with an analysis of the article's text.
func TestForwardTellsWhatReadingAgainTells(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := anyArticle(t)
		an := newAnalyzer()
		var terms []weighted
		for _, s := range an.terms("disk full node restart 磁盘已满 ดิสก์ ACS.0013 ErrImagePull ディスク über step missing") {
			if len(terms) < maxScored {
				terms = append(terms, weighted{term: s, weight: 1})
			}
		}
		f := recordOf(t, a)
		var x finder
		x.reset(terms)
		x.begin(&f, held(t, a, terms))
		title, n := readAgain(an, givenTitle(&a), maxScannedBytes, terms)
		require.Equal(t, n, f.tokens(f.title))
		require.Equal(t, title, x.find(nil, f.title, f.width, 0))
		body, n := readAgain(an, a.Body, maxScannedBytes, terms)
		require.Equal(t, n, f.tokens(f.body))
		require.Equal(t, body, x.find(nil, f.body, f.width, 0))
		number := 0
		require.NoError(t, f.visitSections(func(s section) {
			want := sectionsOf(&a)[number]
			text, _ := want.Span.Of(a.Body)
			found, n := readAgain(an, text, maxScannedBytes, terms)
			require.Equal(t, n, f.tokens(s.body), "section %d", number)
			require.Equal(t, found, x.find(nil, s.body, f.width, 0))
			require.Len(t, s.headings, len(want.Path))
			for i, h := range want.Path {
				found, _ := readAgain(an, h, maxScannedBytes, terms)
				require.Equal(t, found, x.find(nil, s.headings[i], f.width, 0))
			}
			number++
		}))
		require.Equal(t, len(sectionsOf(&a)), number)
	})
}

// TestForwardOfManyTerms needs wider hashes, and stops where hits are no longer read.
func TestForwardOfManyTerms(t *testing.T) {
	for n, width := range map[int]int{100: 2, 1500: 3, 30_000: 4} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "w%dx ", i)
		}
		a := article("y", "Title", b.String())
		f := recordOf(t, a)
		require.Equal(t, width, f.width)
		terms := []weighted{{term: "w7x"}, {term: fmt.Sprintf("w%dx", n-1)}}
		var x finder
		x.reset(terms)
		x.begin(&f, 3)
		found := x.find(nil, f.body, f.width, 0)
		body, tokens := readAgain(newAnalyzer(), a.Body, maxScannedBytes, terms)
		require.Equal(t, body, found)
		require.Equal(t, tokens, f.tokens(f.body))
	}
}

// TestSecondStageAsIfReadAgain compares each candidate's score with that from an analysis of its text.
func TestSecondStageAsIfReadAgain(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	all := numbered(60)
	for i := range all {
		all[i].Body += strings.Repeat(" the disk of a node was full and attach failed", i%7)
	}
	apply(t, k, put(all...))
	require.NoError(t, k.read(func(r *reader) error {
		require.NoError(t, r.see(nil))
		q := k.newQuery(prediag.Query{Text: "restore a full disk of the node", Limit: 50}, r.analyzer)
		terms, err := r.weigh(t.Context(), q.terms)
		require.NoError(t, err)
		terms, _ = informative(terms)
		admitted, err := r.admitted(q)
		require.NoError(t, err)
		s, best, err := r.score(t.Context(), q, terms, admitted)
		require.NoError(t, err)
		x := &r.reranker
		x.begin(r, q, terms)
		for _, c := range best {
			doc := c.doc
			a, f, err := r.loadAll(doc)
			require.NoError(t, err)
			tokens := x.find(&f, s.cells[doc].mask)
			title, n := readAgain(r.analyzer, givenTitle(&a), maxRerankBytes, terms)
			body, m := readAgain(r.analyzer, a.Body, maxRerankBytes, terms)
			for i := range body {
				body[i].at += int32(n + 1)
			}
			require.Equal(t, append(title, body...), x.matches)
			require.Equal(t, n+1+m+1, tokens)
		}
		return nil
	}))
}

func FuzzForward(f *testing.F) {
	for _, a := range append(numbered(3), article("x", "", "")) {
		_, fields, err := newDocument(&a, testAnalyzers())
		require.NoError(f, err)
		fields[0].Analyze()
		f.Add(fields[0].Value())
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		x, err := parseForward(record)
		if err != nil {
			require.ErrorIs(t, err, prediag.ErrDamaged)
			return
		}
		var m finder
		m.reset([]weighted{{term: "disk"}})
		m.begin(&x, 1)
		if err := x.visitSections(func(s section) { m.find(nil, s.body, x.width, 0) }); err != nil {
			require.ErrorIs(t, err, prediag.ErrDamaged)
		}
	})
}

func BenchmarkForward(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for range 5000 {
		fmt.Fprintf(&text, "w%dx ", int(r.ExpFloat64()*200))
	}
	f := recordOf(b, article("y", "Title", text.String()))
	var x finder
	x.reset([]weighted{{term: "w7x"}, {term: "w300x"}, {term: "w900x"}})
	var found []match
	for b.Loop() {
		x.begin(&f, 7)
		found = x.find(found[:0], f.body, f.width, 0)
	}
}
