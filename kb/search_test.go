package kb

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// library is a small knowledge base with one article of every sort.
func library(t testing.TB) *KB {
	k := open(t, t.TempDir(), Options{})
	code := article("code", "ACS.0013 means that the instance is out of stock", "Start error\nACS.0013: the host has no room.\nChoose another flavor.")
	code.Codes = []prediag.FaultCode{{Code: "ACS.0013", Message: "out of stock", Solution: "choose another flavor"}}
	code.Product, code.Kind, code.Category = "compute", "errorcode", "compute/start-failure"
	guide := article("guide", "Start an instance", "How to start an instance when the host has no room. "+strings.Repeat("Instance start host room. ", 30))
	guide.Product, guide.Kind = "compute", "guide"
	zh := article("zh", "实例启动失败", "实例无法启动时，请检查库存。")
	zh.Language, zh.Product, zh.Kind = "zh-Hans", "compute", "troubleshooting"
	secret := article("secret", "Start an instance by the internal console", "The internal console starts an instance on a drained host.")
	secret.Audience, secret.Product, secret.Kind, secret.Language = []string{"staff"}, "internal", "runbook", "xx"
	secret.Codes = []prediag.FaultCode{{Code: "ACS.0013", Meaning: "secret"}, {Code: "ACS.9999", Meaning: "secret"}}
	apply(t, k, put(code, guide, zh, secret))
	return k
}

func TestFilters(t *testing.T) {
	k := library(t)
	for name, c := range map[string]struct {
		q    prediag.Query
		want []string
	}{
		"none":             {prediag.Query{Text: "start instance"}, []string{"code", "guide"}},
		"product":          {prediag.Query{Text: "start instance", Products: []string{"compute", "other"}}, []string{"code", "guide"}},
		"unknown product":  {prediag.Query{Text: "start instance", Products: []string{"other"}}, []string{}},
		"kind":             {prediag.Query{Text: "start instance", Kinds: []string{"guide"}}, []string{"guide"}},
		"language by base": {prediag.Query{Text: "实例启动", Languages: []string{"zh-Hant-TW"}}, []string{"zh"}},
		"other language":   {prediag.Query{Text: "实例启动", Languages: []string{"en"}}, []string{"guide", "code"}}, // by the glossary
		"audience":         {prediag.Query{Text: "internal console", Audience: []string{"x", "staff"}}, []string{"secret"}},
		"wrong audience":   {prediag.Query{Text: "internal console", Audience: []string{"x", everybody, "", "*"}}, []string{}},
		"nothing":          {prediag.Query{Text: "?!"}, []string{}},
		"empty":            {prediag.Query{}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			r := find(t, k, c.q)
			require.ElementsMatch(t, c.want, ids(r))
			require.Equal(t, len(c.want), r.Total)
		})
	}
}

// TestNoLeak asks everything that a caller can ask; the hidden article must not show in any answer.
func TestNoLeak(t *testing.T) {
	k, ctx := library(t), context.Background()
	r := find(t, k, prediag.Query{Text: "start instance internal console drained secret", Codes: []string{"ACS.0013", "ACS.9999"}, Facets: true, Category: "compute"})
	require.NotContains(t, ids(r), "secret")
	require.Equal(t, 2, r.Total)
	require.NotContains(t, fmt.Sprint(r), "internal")
	require.NotContains(t, fmt.Sprint(r), "runbook")
	_, err := k.Article(ctx, "secret", []string{"customer"})
	require.ErrorIs(t, err, prediag.ErrNotFound)
	_, unknown := k.Article(ctx, "secre7", []string{"customer"})
	require.Equal(t, strings.ReplaceAll(unknown.Error(), "secre7", "secret"), err.Error(), "hidden and missing look alike")
	for _, code := range []string{"ACS.0013", "ACS.9999"} {
		entries, err := k.Explain(ctx, code)
		require.NoError(t, err)
		require.NotContains(t, fmt.Sprint(entries), "secret")
	}
	for _, prefix := range []string{"s", "start", "internal", "by the"} {
		titles, err := k.Suggest(ctx, prefix, nil, 50)
		require.NoError(t, err)
		require.NotContains(t, strings.Join(titles, "\n"), "internal")
	}
	a, err := k.Article(ctx, "secret", []string{"staff"})
	require.NoError(t, err)
	require.Equal(t, []string{"staff"}, a.Audience)
	entries, err := k.ExplainFor(ctx, "ACS.9999", []string{"staff"})
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestCodeComesFirst(t *testing.T) {
	k := library(t)
	for _, q := range []prediag.Query{
		{Text: "cannot start instance on the host, no room, start start instance: ACS.0013"},
		{Text: "start an instance host room", Codes: []string{" acs.0013 "}},
		{Codes: []string{"ACS.0013"}},
	} {
		r := find(t, k, q)
		require.Equal(t, "code", r.Hits[0].ArticleID)
		require.Contains(t, r.Hits[0].Why, "ACS.0013")
		require.Equal(t, "choose another flavor", r.Hits[0].Codes[0].Solution)
	}
}

func TestExplain(t *testing.T) {
	k := library(t)
	entries, err := k.Explain(context.Background(), "acs.0013")
	require.NoError(t, err)
	require.Len(t, entries, 1)
	c := entries[0].Citation
	require.Equal(t, "code", c.ArticleID)
	require.Equal(t, "ACS.0013: the host has no room.", c.Quote)
	a, err := k.Article(context.Background(), c.ArticleID, nil)
	require.NoError(t, err)
	quote, ok := c.Span.Of(a.Body)
	require.True(t, ok)
	require.Equal(t, c.Quote, quote)
	for _, unknown := range []string{"ACS.4711", "", "*", "ACS"} {
		entries, err = k.Explain(context.Background(), unknown)
		require.NoError(t, err)
		require.Empty(t, entries)
	}
}

func TestArticleComesBackWhole(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	want := prediag.Article{ID: "x/y z", Revision: "r", Source: "s", Path: "p", Title: "T", Body: "one\n\"two\" \x00 é", URL: "u", Language: "zh-Hant",
		Product: "p", Category: "a/b", Kind: "faq", Group: "g", Audience: []string{"staff", "partner"}, Updated: time.Unix(1700000000, 0).UTC(),
		Sections: []prediag.Section{{Path: []string{"A", "B"}, Span: prediag.Span{Start: 0, End: 3}}, {Span: prediag.Span{Start: 4, End: 9}}},
		Codes:    []prediag.FaultCode{{Code: "ACS.0001", Citation: prediag.Citation{Quote: "one", Span: prediag.Span{End: 3}}}}}
	apply(t, k, put(want))
	got, err := k.Article(context.Background(), want.ID, []string{"partner"})
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestSuggest(t *testing.T) {
	k := library(t)
	for prefix, want := range map[string][]string{
		"START a":  {"Start an instance"},
		"inst":     {"Start an instance", "ACS.0013 means that the instance is out of stock"},
		"实例":       {"实例启动失败"},
		"acs.0013": {"ACS.0013", "ACS.0013 means that the instance is out of stock"},
		"zebra":    {},
		"  ":       {},
		"":         {},
	} {
		got, err := k.Suggest(context.Background(), prefix, nil, 5)
		require.NoError(t, err)
		require.ElementsMatch(t, want, got, prefix)
	}
	got, err := k.Suggest(context.Background(), "s", []string{"zh"}, 5)
	require.NoError(t, err)
	require.Empty(t, got)
	_, err = k.Suggest(context.Background(), "s", nil, -1)
	require.ErrorIs(t, err, prediag.ErrInvalid)
}

func TestPagesJoinToTheWhole(t *testing.T) {
	k := open(t, t.TempDir(), Options{Batch: 13})
	apply(t, k, put(numbered(150)...))
	whole := find(t, k, prediag.Query{Text: "disk attach restore", Limit: 100})
	require.Len(t, whole.Hits, 100)
	var pages []prediag.Hit
	for offset := 0; offset < 100; offset += 7 {
		r := find(t, k, prediag.Query{Text: "disk attach restore", Offset: offset, Limit: 7})
		require.Equal(t, whole.Total, r.Total)
		pages = append(pages, r.Hits...)
	}
	require.Equal(t, whole.Hits, pages[:100])
	require.True(t, slices.IsSortedFunc(whole.Hits, func(x, y prediag.Hit) int {
		if x.Score != y.Score {
			return cmp.Compare(y.Score, x.Score)
		}
		return strings.Compare(x.ArticleID, y.ArticleID)
	}))
	require.Empty(t, find(t, k, prediag.Query{Text: "disk", Offset: prediag.MaxOffset}).Hits)
}

func TestFacetsCountTheResults(t *testing.T) {
	r := find(t, library(t), prediag.Query{Text: "start instance 实例", Facets: true, Audience: []string{"staff"}, Limit: 1})
	require.Equal(t, []prediag.Facet{
		{Name: "language", Values: []prediag.FacetValue{{Value: "en", Count: 2}, {Value: "xx", Count: 1}, {Value: "zh", Count: 1}}},
		{Name: "product", Values: []prediag.FacetValue{{Value: "compute", Count: 3}, {Value: "internal", Count: 1}}},
		{Name: "kind", Values: []prediag.FacetValue{{Value: "errorcode", Count: 1}, {Value: "guide", Count: 1}, {Value: "runbook", Count: 1}, {Value: "troubleshooting", Count: 1}}},
		{Name: "category", Values: []prediag.FacetValue{{Value: "compute", Count: 1}, {Value: "compute/start-failure", Count: 1}}},
		{Name: "age", Values: []prediag.FacetValue{}},
	}, r.Facets)
}

func TestSingleCharacter(t *testing.T) {
	k := library(t)
	require.Equal(t, []string{"zh"}, ids(find(t, k, prediag.Query{Text: "启"})))
	require.Empty(t, ids(find(t, k, prediag.Query{Text: "鑫"})))
}

func TestFunctionWordsAloneSearch(t *testing.T) {
	require.Contains(t, ids(find(t, library(t), prediag.Query{Text: "how to when the"})), "guide")
}

func TestPassages(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	long := strings.Repeat("The disk must be detached first. ", 100)
	body := "Intro.\n" + long + "\nNothing here."
	a := article("a", "Disks", body)
	a.Sections = []prediag.Section{{Span: prediag.Span{End: 7}}, {Path: []string{"Disks", "Detach"}, Span: prediag.Span{Start: 7, End: 7 + len(long)}},
		{Path: []string{"Other"}, Span: prediag.Span{Start: 8 + len(long), End: len(body)}}}
	apply(t, k, put(a))
	h := find(t, k, prediag.Query{Text: "detach the disk on Mars"}).Hits[0]
	require.Len(t, h.Passages, 1)
	p := h.Passages[0]
	require.Equal(t, "Disks > Detach", p.Heading)
	require.Equal(t, body[p.Span.Start:p.Span.End], p.Text)
	require.LessOrEqual(t, len(p.Text), maxPassageBytes)
	require.True(t, strings.HasSuffix(p.Text, "first."), p.Text)
	require.Equal(t, []string{"detach", "disk", "the"}, sorted(h.Why))
	require.Greater(t, h.Coverage, 0.1)
	require.Less(t, h.Coverage, 1.0, "Mars is not in the article")
}

func TestPassageEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]string{"x", "语", "word ", "A sentence. ", "一句话。", " \n"}).Draw(t, "unit")
		body := rapid.String().Draw(t, "before") + strings.Repeat(unit, rapid.IntRange(0, 2000).Draw(t, "n")) + rapid.String().Draw(t, "after")
		span := trim(body, prediag.Span{End: len(body)})
		text, ok := span.Of(body)
		require.True(t, ok)
		require.True(t, utf8.ValidString(text) || !utf8.ValidString(body))
		require.LessOrEqual(t, len(text), 2*maxPassageBytes)
		require.Equal(t, strings.TrimSpace(body) == "", text == "")
	})
}

// TestFewPostings bounds the work so low that common terms are scored by presence only: the answer stays much the same,
// and does not depend on how the index came to be.
func TestFewPostings(t *testing.T) {
	all := numbered(400)
	exact, few, step := open(t, t.TempDir(), Options{}), open(t, t.TempDir(), Options{Postings: 50}), open(t, t.TempDir(), Options{Postings: 50, Batch: 17})
	apply(t, exact, put(all...))
	apply(t, few, put(all...))
	apply(t, step, put(all[100:]...))
	apply(t, step, put(all[:100]...))
	agree := 0
	for _, text := range []string{"disk attach restore quota", "network gateway the record", "invoice refund", "login password certificate"} {
		q := prediag.Query{Text: text, Limit: 20}
		want, got, other := find(t, exact, q), find(t, few, q), find(t, step, q)
		require.LessOrEqual(t, got.Total, want.Total)
		require.Equal(t, got.Hits, other.Hits)
		for _, id := range ids(got) {
			if slices.Contains(ids(want), id) {
				agree++
			}
		}
	}
	require.Greater(t, agree, 40, "of 80 hits")
}

func sorted(s []string) []string { slices.Sort(s); return s }

func TestLimits(t *testing.T) {
	k := library(t)
	many := make([]string, 300)
	for name, q := range map[string]prediag.Query{
		"text":          {Text: strings.Repeat("x", prediag.MaxQueryRunes+1)},
		"offset":        {Offset: -1},
		"large offset":  {Offset: prediag.MaxOffset + 1},
		"limit":         {Limit: -1},
		"large limit":   {Limit: prediag.MaxPageSize + 1},
		"codes":         {Codes: many},
		"languages":     {Languages: many},
		"long product":  {Products: []string{strings.Repeat("p", prediag.MaxFieldBytes+1)}},
		"audiences":     {Audience: many},
		"long category": {Category: strings.Repeat("c", prediag.MaxFieldBytes+1)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := k.Search(context.Background(), q)
			require.ErrorIs(t, err, prediag.ErrInvalid)
			var e *prediag.Error
			require.ErrorAs(t, err, &e)
			require.True(t, strings.HasPrefix(e.Field, "query."), e.Field)
		})
	}
	find(t, k, prediag.Query{Text: strings.Repeat("磁", prediag.MaxQueryRunes)})
}

func TestDeadline(t *testing.T) {
	k := library(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := k.Search(ctx, prediag.Query{Text: "disk"})
	require.ErrorIs(t, err, context.Canceled)
	_, err = k.Article(ctx, "code", nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = k.Explain(ctx, "ACS.0013")
	require.ErrorIs(t, err, context.Canceled)
}

// TestLongestChineseQuery asks for 8,192 distinct pairs of characters; a generous bound tells linear from quadratic work.
func TestLongestChineseQuery(t *testing.T) {
	k := library(t)
	r := rand.New(rand.NewPCG(1, 1))
	text := make([]rune, prediag.MaxQueryRunes)
	for i := range text {
		text[i] = rune(0x4e00 + r.IntN(20000))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := k.Search(ctx, prediag.Query{Text: string(text)})
	require.NoError(t, err)
}

func TestHostileQueries(t *testing.T) {
	k := library(t)
	for _, file := range []string{"pathological/inputs.jsonl", "strings-blns/blns.jsonl"} {
		name := filepath.Join(sharedData, "hostile", filepath.FromSlash(file))
		if _, err := os.Stat(name); err != nil {
			t.Skip("no shared data")
		}
		for v := range jsonLines(t, name) {
			text, _ := v["text"].(string)
			parts, _ := v["parts"].([]any)
			for _, p := range parts {
				p := p.(map[string]any)
				text += strings.Repeat(p["s"].(string), int(p["n"].(float64)))
			}
			ask(t, k, text)
			ask(t, k, cutRunes(text, prediag.MaxQueryRunes))
		}
	}
}

// ask asks everything with one string; only errors of the caller's making may come.
func ask(t testing.TB, k *KB, s string) {
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			require.ErrorIs(t, err, prediag.ErrInvalid)
		}
	}
	r, err := k.Search(ctx, prediag.Query{Text: s, Facets: true})
	check(err)
	for _, h := range r.Hits {
		a, err := k.Article(ctx, h.ArticleID, nil)
		require.NoError(t, err)
		require.True(t, h.Coverage >= 0 && h.Coverage <= 1)
		for _, p := range h.Passages {
			text, ok := p.Span.Of(a.Body)
			require.True(t, ok)
			require.Equal(t, text, p.Text)
		}
	}
	_, err = k.Search(ctx, prediag.Query{Text: "start", Codes: []string{s}, Products: []string{s}, Kinds: []string{s}, Languages: []string{s}, Audience: []string{s}, Category: s})
	check(err)
	_, err = k.Explain(ctx, s)
	check(err)
	_, err = k.Suggest(ctx, s, []string{s}, 3)
	check(err)
	_, err = k.Article(ctx, s, []string{s})
	if err != nil {
		require.ErrorIs(t, err, prediag.ErrNotFound)
	}
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"disk", "ACS.0013", "实例启动", "a\x00b", "\xff\xfe", "* /.*/ title:x", "ALM-21004 0x80070005", "ﷺ"} {
		f.Add(s)
	}
	k, err := Open(f.TempDir(), Options{})
	require.NoError(f, err)
	f.Cleanup(func() { k.Close() })
	apply(f, k, put(numbered(30)...))
	f.Fuzz(func(t *testing.T, s string) { ask(t, k, s) })
}

func cutRunes(s string, n int) string {
	r := []rune(s)
	return string(r[:min(n, len(r))])
}

func TestSuggestTellsTitlesApartThatBeginAlike(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	var all []prediag.Article
	for i := range 12 {
		all = append(all, article(fmt.Sprintf("a%02d", i), fmt.Sprintf("How to connect to the instance %c of a cluster", 'A'+i), "Body"))
	}
	apply(t, k, put(all...))
	titles, err := k.Suggest(t.Context(), "how to connect to the instance K", nil, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"How to connect to the instance K of a cluster"}, titles)
	titles, err = k.Suggest(t.Context(), "connect to the inst", nil, 0)
	require.NoError(t, err)
	require.Len(t, titles, 10)
}
