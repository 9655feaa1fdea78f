package server

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "prediag/proto/prediag/v1"
)

//go:embed web/page.css
var pageStyle string

//go:embed web/page.js
var pageScript string

// web is the page on which people search. It is made on the server and works without scripts; the script adds completions and
// keys. It asks the same service as every other caller, over the connection in memory, and loads nothing from elsewhere.
type web struct {
	knowledge pb.KnowledgeServiceClient
	now       func() time.Time
}

// pageTime bounds the making of a page.
const pageTime = 20 * time.Second

// pagePolicy lets the page run its own style and script, and nothing that an article might bring along.
func pagePolicy() string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + hash(pageStyle) + "; script-src " + hash(pageScript) +
		"; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// pageQuery is what the address of a page asks for.
type pageQuery struct {
	text    string
	like    string
	filters url.Values // by the facets' names
	newest  bool
	token   string
}

// readPageQuery reads the parameters. Unknown ones count for nothing.
func readPageQuery(v url.Values) pageQuery {
	q := pageQuery{text: strings.TrimSpace(v.Get("q")), like: v.Get("like"), filters: url.Values{}, newest: v.Get("sort") == "newest", token: v.Get("token")}
	for _, name := range facetNames() {
		if values := slices.DeleteFunc(slices.Clone(v[name]), func(s string) bool { return s == "" }); len(values) > 0 {
			q.filters[name] = values
		}
	}
	return q
}

func facetNames() []string { return []string{"product", "category", "kind", "language", "age"} }

// address is where a query stands: the page's own URL with other parameters.
func (q pageQuery) address() string {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("q", q.text)
	set("like", q.like)
	set("token", q.token)
	if q.newest {
		v.Set("sort", "newest")
	}
	for name, values := range q.filters {
		v[name] = values
	}
	return "/search?" + v.Encode()
}

// toggled is the query with a value of a facet chosen, or no longer; from its first page.
func (q pageQuery) toggled(name, value string) pageQuery {
	values := slices.Clone(q.filters[name])
	out := q
	out.filters, out.token = url.Values{}, ""
	for n, v := range q.filters {
		out.filters[n] = v
	}
	switch i := slices.Index(values, value); {
	case i >= 0:
		values = slices.Delete(values, i, i+1)
	case name == "age":
		values = []string{value}
	default:
		values = append(values, value)
	}
	if out.filters[name] = values; len(values) == 0 {
		delete(out.filters, name)
	}
	return out
}

// ageDays are the days of the ages that can be filtered by.
func ageDays() map[string]int { return map[string]int{"30d": 30, "90d": 90, "365d": 365} }

func (q pageQuery) request(now time.Time) *pb.SearchRequest {
	r := &pb.SearchRequest{
		Query: q.text, Like: q.like, Languages: q.filters["language"], Products: q.filters["product"], Kinds: q.filters["kind"],
		Categories: q.filters["category"], PageToken: q.token, Facets: true, Typed: true, Highlight: true,
	}
	if q.like != "" {
		r.Query = ""
	}
	if q.newest {
		r.Order = pb.SearchOrder_SEARCH_ORDER_NEWEST
	}
	if days := ageDays()[q.filters.Get("age")]; days > 0 {
		r.UpdatedAfter = timestamppb.New(now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -days))
	}
	return r
}

// search answers GET /search.
func (p *web) search(w http.ResponseWriter, r *http.Request) {
	if err := checkURL(r.URL); err != nil {
		p.write(w, r, statusPage(status.Convert(statusOf(err).Err()), pageQuery{}, wordsFor(r)), http.StatusBadRequest)
		return
	}
	q, words := readPageQuery(r.URL.Query()), wordsFor(r)
	if q.text == "" && q.like == "" {
		p.write(w, r, startPage(words), http.StatusOK)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), pageTime)
	defer cancel()
	found, err := p.knowledge.Search(ctx, q.request(p.now()))
	if err != nil {
		st := status.Convert(err)
		p.write(w, r, statusPage(st, q, words), httpCode(st))
		return
	}
	p.write(w, r, resultPage(found, q, words), http.StatusOK)
}

// article answers GET /article.
func (p *web) article(w http.ResponseWriter, r *http.Request) {
	id, words := r.URL.Query().Get("id"), wordsFor(r)
	ctx, cancel := context.WithTimeout(r.Context(), pageTime)
	defer cancel()
	found, err := p.knowledge.GetArticle(ctx, &pb.GetArticleRequest{Id: id})
	if err != nil {
		st := status.Convert(err)
		p.write(w, r, statusPage(st, pageQuery{}, words), httpCode(st))
		return
	}
	alike, err := p.knowledge.Search(ctx, &pb.SearchRequest{Like: id, PageSize: 5})
	if err != nil {
		alike = nil // the article is what was asked for
	}
	p.write(w, r, articlePage(found.GetArticle(), p.linked(ctx, found.GetArticle()), alike.GetHits(), words), http.StatusOK)
}

// maxLinked is how many of an article's links are looked up.
const maxLinked = 8

// linked are the articles that an article links to and that its reader may read, with ID and title.
func (p *web) linked(ctx context.Context, a *pb.Article) []*pb.Hit {
	var out []*pb.Hit
	for _, id := range a.GetLinks()[:min(len(a.GetLinks()), maxLinked)] {
		if strings.Contains(id, "://") {
			continue
		}
		if to, err := p.knowledge.GetArticle(ctx, &pb.GetArticleRequest{Id: id}); err == nil {
			out = append(out, &pb.Hit{ArticleId: id, Title: to.GetArticle().GetTitle()})
		}
	}
	return out
}

func (p *web) write(w http.ResponseWriter, _ *http.Request, page string, code int) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy())
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Language")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(page))
}

// wantsPage reports whether the caller of GET / is a browser.
func wantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }
