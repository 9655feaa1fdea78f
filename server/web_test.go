package server

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"pgregory.net/rapid"

	pb "prediag/proto/prediag/v1"
)

func TestPageSearches(t *testing.T) {
	r := start(t, Options{})
	got := r.call(t, "GET", "/search?q=%22disk+full%22&product=storage&age=30d&sort=newest", nil)
	require.Equal(t, 200, got.code, "%s", got.body)
	require.Contains(t, got.header.Get("Content-Security-Policy"), "default-src 'none'")
	require.Equal(t, "text/html; charset=utf-8", got.header.Get("Content-Type"))
	require.Contains(t, string(got.body), `href="/article?id=demo%2F`)
	q := r.queries[len(r.queries)-1]
	require.Equal(t, `"disk full"`, q.Text)
	require.True(t, q.Typed && q.Newest && q.Facets && q.Highlight)
	require.Equal(t, []string{"storage"}, q.Products)
	require.Equal(t, noon.UTC().Truncate(24*time.Hour).AddDate(0, 0, -30), q.Since)
	next := address(t, string(got.body), "more")
	require.Contains(t, next, "token=")
	require.Equal(t, 200, r.call(t, "GET", next, nil).code)
	require.Equal(t, 10, r.queries[len(r.queries)-1].Offset)
}

func TestPageElse(t *testing.T) {
	r := start(t, Options{})
	require.Contains(t, string(r.call(t, "GET", "/search", nil).body), "autofocus")
	r.set(func(f *fake) { f.articles[1].Links = []string{"https://elsewhere.example/x", "demo/a-02", "demo/gone"} })
	page := r.call(t, "GET", "/article?id=demo%2Fa-01", nil)
	require.Equal(t, 200, page.code)
	require.Equal(t, 1, strings.Count(strings.SplitN(string(page.body), "Articles like", 2)[0], `href="/article?id=`), "the one of its links that can be read")
	require.Equal(t, 404, r.call(t, "GET", "/article?id=nowhere", nil).code)
	require.Equal(t, 400, r.call(t, "GET", "/search?q=x&token=forged", nil).code)
	require.Contains(t, string(r.call(t, "GET", "/", nil).body), "POST /v1/triage", "for those who write programs")
	req, err := http.NewRequestWithContext(limit(t), "GET", r.base+"/search?q=x", nil)
	require.NoError(t, err)
	req.Header.Set("Accept-Language", "zh-CN,zh;q=0.9")
	require.Contains(t, string(r.do(t, req).body), `<html lang="zh">`)
}

// address is the target of the link of a class.
func address(t *testing.T, page, class string) string {
	at := strings.Index(page, `class="`+class+`" href="`)
	require.Positive(t, at, page)
	rest := page[at+len(`class="`+class+`" href="`):]
	return html.UnescapeString(rest[:strings.IndexByte(rest, '"')])
}

// TestPageEscapes: whatever stands in a query, an article or an error, the page has the elements that it has for plain words, and no link
// runs a script.
func TestPageEscapes(t *testing.T) {
	hostile := rapid.StringMatching(`([<>"'&=/ a]|<script>|javascript:|"onload=|\]\]>|-->|\x00|é){0,12}`)
	rapid.Check(t, func(t *rapid.T) {
		s := func(name string) string { return hostile.Draw(t, name) }
		build := func(s func(string) string) []string {
			hit := &pb.Hit{ArticleId: s("id"), Title: s("title"), Url: "javascript:" + s("url"), Language: s("lang") + "x", Why: []string{s("why") + "x"},
				Marks: []*pb.Span{{Start: 1, End: 2}, {Start: 9, End: 99}}, Passages: []*pb.Passage{{Heading: s("heading") + "x", Text: s("text")}}}
			found := &pb.SearchResponse{Hits: []*pb.Hit{hit}, TotalSize: 1, DidYouMean: s("mean") + "x", Without: []string{s("without") + "x"},
				Facets: []*pb.Facet{{Name: "product", Values: []*pb.FacetValue{{Value: s("v1") + "1", Count: 2}, {Value: s("v2") + "2", Count: 1}}}}}
			q := pageQuery{text: s("q") + "x", filters: url.Values{"product": {s("f") + "3"}}}
			article := &pb.Article{Id: s("id"), Title: s("title"), Body: "<b>" + s("body"), Url: s("url"), Language: s("lang")}
			return []string{resultPage(found, q, english()), articlePage(article, []*pb.Hit{hit}, []*pb.Hit{hit}, chinese()),
				statusPage(status.New(codes.Internal, s("error")), q, english())}
		}
		plain := build(func(string) string { return "ab" })
		for i, page := range build(s) {
			want, got := elements(t, plain[i]), elements(t, page)
			delete(want, "mark")
			delete(got, "mark")
			if len(want) != len(got) {
				t.Fatalf("elements %v, of plain words %v", got, want)
			}
			for name, n := range want {
				if got[name] != n {
					t.Fatalf("%s: %d, of plain words %d", name, got[name], n)
				}
			}
		}
	})
}

// elements counts the elements of a page, and refuses attributes that run scripts.
func elements(t *rapid.T, page string) map[string]int {
	counts := map[string]int{}
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) {
				t.Fatal(z.Err())
			}
			return counts
		case html.StartTagToken:
			token := z.Token()
			counts[token.Data]++
			for _, a := range token.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "href" && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") {
					t.Fatalf("%s=%q", a.Key, a.Val)
				}
			}
		}
	}
}

func TestMarked(t *testing.T) {
	spans := []*pb.Span{{Start: 0, End: 4}, {Start: 2, End: 6}, {Start: 5, End: 8}, {Start: 7, End: 100}}
	require.Equal(t, "<mark>&lt;b&gt;d</mark>i<mark>sk&amp;</mark>", marked("<b>disk&", spans))
}

func TestToggled(t *testing.T) {
	q := readPageQuery(url.Values{"q": {" disk "}, "product": {"a", "b", ""}, "age": {"30d"}, "token": {"x"}, "other": {"y"}})
	require.Equal(t, "/search?age=30d&product=a&q=disk", q.toggled("product", "b").address())
	require.Equal(t, "/search?age=90d&product=a&product=b&q=disk", q.toggled("age", "90d").address(), "one age at a time")
	require.Equal(t, "/search?age=30d&product=a&product=b&q=disk&token=x", q.address())
}
