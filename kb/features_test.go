package kb

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

// shelf is a knowledge base of articles that all hold the word "disk", as seen on 2026-11-23.
func shelf(t testing.TB) *KB {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	k := open(t, t.TempDir(), Options{Now: func() time.Time { return now }})
	make := func(id, title, body, product, kind, category string, days int) prediag.Article {
		a := article(id, title, body)
		a.Product, a.Kind, a.Category = product, kind, category
		if days >= 0 {
			a.Updated = now.AddDate(0, 0, -days)
		}
		return a
	}
	apply(t, k, put(
		make("expand", "Expand a disk", "Grow the file system after the disk. The disk was full.", "storage", "guide", "storage/disk-expand", 3),
		make("full", "The full disk", "A full disk: delete logs.", "storage", "faq", "storage", 40),
		make("node", "Node is not ready", "The disk of the node is full, the kubelet evicts.", "container", "faq", "container/node", 400),
		make("windows", "Windows disk full", "Clean up Windows Server.", "compute", "guide", "compute/performance", -1)))
	return k
}

func counts(t testing.TB, r prediag.Results, name string) map[string]int {
	for _, f := range r.Facets {
		if f.Name == name {
			out := map[string]int{}
			for _, v := range f.Values {
				out[v.Value] = v.Count
			}
			return out
		}
	}
	t.Fatalf("no facet %q", name)
	return nil
}

func TestFacetsIgnoreTheirOwnFilter(t *testing.T) {
	k := shelf(t)
	r := find(t, k, prediag.Query{Text: "disk", Facets: true})
	require.Equal(t, map[string]int{"storage": 2, "container": 1, "compute": 1}, counts(t, r, "product"))
	require.Equal(t, map[string]int{"storage": 2, "storage/disk-expand": 1, "container": 1, "container/node": 1, "compute": 1, "compute/performance": 1}, counts(t, r, "category"))
	require.Equal(t, map[string]int{"30d": 1, "90d": 2, "365d": 2, "older": 1}, counts(t, r, "age"))

	r = find(t, k, prediag.Query{Text: "disk", Facets: true, Products: []string{"storage"}})
	require.Equal(t, 2, r.Total)
	require.Equal(t, map[string]int{"storage": 2, "container": 1, "compute": 1}, counts(t, r, "product"), "as if it were not filtered")
	require.Equal(t, map[string]int{"guide": 1, "faq": 1}, counts(t, r, "kind"), "filtered")

	r = find(t, k, prediag.Query{Text: "disk", Facets: true, Products: []string{"storage"}, Kinds: []string{"faq"}})
	require.Equal(t, []string{"full"}, ids(r))
	require.Equal(t, map[string]int{"storage": 1, "container": 1}, counts(t, r, "product"))
	require.Equal(t, map[string]int{"guide": 1, "faq": 1}, counts(t, r, "kind"))

	r = find(t, k, prediag.Query{Text: "disk", Facets: true, Since: time.Date(2026, 10, 24, 0, 0, 0, 0, time.UTC)})
	require.Equal(t, []string{"expand"}, ids(r))
	require.Equal(t, map[string]int{"30d": 1, "90d": 2, "365d": 2, "older": 1}, counts(t, r, "age"))
	require.Equal(t, map[string]int{"storage": 1}, counts(t, r, "product"))
}

func TestFilterByCategory(t *testing.T) {
	k := shelf(t)
	require.ElementsMatch(t, []string{"expand", "full"}, ids(find(t, k, prediag.Query{Text: "disk", Categories: []string{"storage"}})))
	require.Equal(t, []string{"expand"}, ids(find(t, k, prediag.Query{Text: "disk", Categories: []string{"storage/disk-expand"}})))
}

func TestNewest(t *testing.T) {
	k := shelf(t)
	r := find(t, k, prediag.Query{Text: "disk", Newest: true})
	require.Equal(t, []string{"expand", "full", "node", "windows"}, ids(r), "the one without a day is the last")
	require.Equal(t, []string{"node", "windows"}, ids(find(t, k, prediag.Query{Text: "disk", Newest: true, Offset: 2})))
	r = find(t, k, prediag.Query{Text: "kubelet evicts the node disk", Newest: true})
	require.Equal(t, []string{"node"}, ids(r), "what holds only the common word is left out")
	require.Equal(t, 1, r.Total)
	require.NotEmpty(t, r.Hits[0].Passages)
}

func TestPhrasesAndMinus(t *testing.T) {
	k := shelf(t)
	for query, want := range map[string][]string{
		`"full disk"`:            {"full"},
		`"disk full"`:            {"windows"},
		`disk -windows`:          {"expand", "full", "node"},
		`disk -"Windows Server"`: {"expand", "full", "node"},
		`disk -"Server Windows"`: {"expand", "full", "node", "windows"},
		`"file system" disk`:     {"expand"},
		`"system file" disk`:     {},
		`"no such words"`:        {},
	} {
		r := find(t, k, prediag.Query{Text: query, Typed: true})
		require.ElementsMatch(t, want, ids(r), query)
		require.Equal(t, len(want), r.Total, query)
	}
	require.Equal(t, []string{"windows"}, find(t, k, prediag.Query{Text: `disk -windows`, Typed: true}).Without)
	require.Len(t, find(t, k, prediag.Query{Text: `disk -windows`}).Hits, 4, "a ticket has no operators")
	r := find(t, k, prediag.Query{Text: `"full disk"`, Typed: true, Facets: true, Products: []string{"container"}})
	require.Empty(t, r.Hits)
	require.Equal(t, map[string]int{"storage": 1}, counts(t, r, "product"), "what the phrase finds elsewhere")
}

func TestHighlight(t *testing.T) {
	k := shelf(t)
	r := find(t, k, prediag.Query{Text: "kubelet evicting the disks", Highlight: true})
	marked := func(text string, spans []prediag.Span) (out []string) {
		for _, s := range spans {
			part, ok := s.Of(text)
			require.True(t, ok)
			out = append(out, part)
		}
		return out
	}
	require.Equal(t, "node", r.Hits[0].ArticleID)
	require.Equal(t, []string{"disk", "kubelet", "evicts"}, marked(r.Hits[0].Passages[0].Text, r.Hits[0].Passages[0].Marks))
	for _, h := range r.Hits {
		if h.ArticleID == "expand" {
			require.Equal(t, []string{"disk"}, marked(h.Title, h.Marks))
		}
	}
	zh := open(t, t.TempDir(), Options{})
	a := article("zh", "实例启动失败", "重新启动实例。")
	a.Language = "zh"
	apply(t, zh, put(a))
	r = find(t, zh, prediag.Query{Text: "启动失败", Highlight: true})
	require.Equal(t, []string{"启动失败"}, marked(r.Hits[0].Title, r.Hits[0].Marks), "pairs that overlap are one mark")
	require.Empty(t, find(t, k, prediag.Query{Text: "disk"}).Hits[0].Marks, "only where asked for")
}

func TestLike(t *testing.T) {
	k := shelf(t)
	r := find(t, k, prediag.Query{Like: "full"})
	require.NotContains(t, ids(r), "full")
	require.Equal(t, "expand", r.Hits[0].ArticleID)
	_, err := k.Search(context.Background(), prediag.Query{Like: "nowhere"})
	require.ErrorIs(t, err, prediag.ErrNotFound)

	k = library(t)
	_, err = k.Search(context.Background(), prediag.Query{Like: "secret"})
	require.ErrorIs(t, err, prediag.ErrNotFound)
	require.Contains(t, ids(find(t, k, prediag.Query{Like: "secret", Audience: []string{"staff"}})), "guide")
}
