package server

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/status"

	pb "prediag/proto/prediag/v1"
)

// words are the page's texts in one language.
type words struct {
	tag, title, search, order, relevance, newest, none, hint, found, filter, more, didYouMean, without, alike, linked, source, likeThis, matched, solved, updated, failed string
	facets                                                                                                                                                                map[string]string
}

func english() words {
	return words{tag: "en", title: "Knowledge base", search: "Search", order: "Order", relevance: "best first", newest: "newest first",
		none: "No article matches.", hint: "Try other words, fewer filters, or a fault code. \"…\" finds a phrase, -word leaves articles out. Ctrl+K: search box, j and k: next and previous article.",
		found: "%d articles", filter: "Filters", more: "More", didYouMean: "Searched for", without: "Without", alike: "Articles like this one", linked: "It links to", source: "source",
		likeThis: "similar", matched: "matched", solved: "The first one solves it with a probability of %d %%.", updated: "changed", failed: "The search failed.",
		facets: map[string]string{"product": "Product", "category": "Category", "kind": "Kind", "language": "Language", "age": "Changed",
			"30d": "last 30 days", "90d": "last 90 days", "365d": "last year", "older": "older"}}
}

func chinese() words {
	return words{tag: "zh", title: "知识库", search: "搜索", order: "排序", relevance: "最相关", newest: "最新",
		none: "没有匹配的文章。", hint: "请换一种说法、减少筛选条件，或输入错误码。“…” 查找完整短语，-词 排除含该词的文章。Ctrl+K：搜索框，j / k：下一篇 / 上一篇。",
		found: "%d 篇文章", filter: "筛选", more: "更多", didYouMean: "已搜索", without: "已排除", alike: "相似文章", linked: "文中链接", source: "原文",
		likeThis: "相似", matched: "匹配", solved: "第一篇解决问题的概率为 %d%%。", updated: "更新于", failed: "搜索失败。",
		facets: map[string]string{"product": "产品", "category": "分类", "kind": "类型", "language": "语言", "age": "更新时间",
			"30d": "近 30 天", "90d": "近 90 天", "365d": "近一年", "older": "更早"}}
}

// wordsFor is the language that the browser asks for first, of those that there are.
func wordsFor(r *http.Request) words {
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(r.Header.Get("Accept-Language"))), "zh") {
		return chinese()
	}
	return english()
}

// markup builds HTML. Whatever is not a literal of this file goes through text.
type markup struct{ strings.Builder }

func text(s string) string { return html.EscapeString(strings.ToValidUTF8(s, "\uFFFD")) }

func (m *markup) add(format string, args ...any) { fmt.Fprintf(m, format, args...) }

// document frames a page's body.
func document(w words, q pageQuery, body string, start bool) string {
	var m markup
	title := w.title
	if q.text != "" {
		title = q.text + " · " + title
	}
	m.add(`<!doctype html><html lang="%s"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>%s</title><style>%s</style></head><body>`,
		w.tag, text(title), pageStyle)
	m.add(`<header><form action="/search" role="search"><div class="box"><input type="search" name="q" value="%s" placeholder="%s" aria-label="%s" maxlength="8192" autocomplete="off" role="combobox" aria-expanded="false" aria-autocomplete="list" aria-controls="list" aria-keyshortcuts="Control+K"%s><ul class="list" id="list" role="listbox" aria-label="%s" hidden></ul></div>`,
		text(q.text), text(w.search), text(w.search), map[bool]string{true: " autofocus"}[start], text(w.search))
	m.add(`<select name="sort" aria-label="%s"><option value="">%s</option><option value="newest"%s>%s</option></select>`,
		text(w.order), text(w.relevance), map[bool]string{true: " selected"}[q.newest], text(w.newest))
	for _, name := range facetNames() {
		for _, v := range q.filters[name] {
			m.add(`<input type="hidden" name="%s" value="%s">`, name, text(v))
		}
	}
	m.add(`<button>%s</button></form></header>%s<script>%s</script></body></html>`, text(w.search), body, pageScript)
	return m.String()
}

func startPage(w words) string {
	return document(w, pageQuery{}, `<main><nav></nav><div><h1>`+text(w.title)+`</h1><p class="note">`+text(w.hint)+`</p></div></main>`, true)
}

func statusPage(st *status.Status, q pageQuery, w words) string {
	return document(w, q, `<main><nav></nav><div role="alert"><h1>`+text(w.failed)+`</h1><p>`+text(st.Message())+`</p></div></main>`, false)
}

// resultPage shows a page of hits beside the facets.
func resultPage(r *pb.SearchResponse, q pageQuery, w words) string {
	var m markup
	m.add(`<main><nav id="filters" aria-label="%s">%s</nav><div>`, text(w.filter), facetLists(r.GetFacets(), q, w))
	m.add(`<p class="note"><span role="status">%s</span> <a class="filters" href="#filters">%s</a></p>`, text(fmt.Sprintf(w.found, r.GetTotalSize())), text(w.filter))
	note := func(label, s string) {
		if s != "" {
			m.add(`<p class="note">%s: %s</p>`, text(label), text(s))
		}
	}
	note(w.alike, q.like)
	note(w.didYouMean, r.GetDidYouMean())
	note(w.without, strings.Join(r.GetWithout(), ", "))
	if r.GetSolved() > 0 {
		m.add(`<p class="note">%s</p>`, text(fmt.Sprintf(w.solved, int(100*r.GetSolved()))))
	}
	if len(r.GetHits()) == 0 {
		m.add(`<p><strong>%s</strong></p><p class="note">%s</p>`, text(w.none), text(w.hint))
	}
	m.add(`<ol>`)
	for _, h := range r.GetHits() {
		m.add(`<li class="hit">%s</li>`, hitItem(h, w))
	}
	m.add(`</ol>`)
	if r.GetNextPageToken() != "" {
		next := q
		next.token = r.GetNextPageToken()
		m.add(`<a class="more" href="%s" rel="next">%s →</a>`, text(next.address()), text(w.more))
	}
	m.add(`</div></main>`)
	return document(w, q, m.String(), false)
}

// facetLists are the facets with more than one value, or with one that is chosen.
func facetLists(facets []*pb.Facet, q pageQuery, w words) string {
	var m markup
	for _, name := range facetNames() {
		chosen := q.filters[name]
		i := slices.IndexFunc(facets, func(f *pb.Facet) bool { return f.GetName() == name })
		if i < 0 || len(facets[i].GetValues()) < 2 && len(chosen) == 0 {
			continue
		}
		m.add(`<h2 id="f-%s">%s</h2><ul aria-labelledby="f-%s">`, name, text(w.facets[name]), name)
		for n, v := range facets[i].GetValues() {
			current := slices.Contains(chosen, v.GetValue())
			_, days := ageDays()[v.GetValue()]
			if n >= maxShownValues && !current || name == "age" && !days {
				continue
			}
			label := v.GetValue()
			if name == "age" {
				label = w.facets[label]
			}
			m.add(`<li><a href="%s"%s><span>%s</span><span>%d</span></a></li>`, text(q.toggled(name, v.GetValue()).address()),
				map[bool]string{true: ` aria-current="true"`}[current], text(label), v.GetCount())
		}
		for _, value := range chosen { // one that nothing has any more can still be taken back
			if !slices.ContainsFunc(facets[i].GetValues(), func(v *pb.FacetValue) bool { return v.GetValue() == value }) {
				m.add(`<li><a href="%s" aria-current="true"><span>%s</span><span>0</span></a></li>`, text(q.toggled(name, value).address()), text(value))
			}
		}
		m.add(`</ul>`)
	}
	return m.String()
}

// maxShownValues of a facet are shown.
const maxShownValues = 12

func hitItem(h *pb.Hit, w words) string {
	var m markup
	m.add(`<h3><a href="%s">%s</a></h3>`, text(articleAddress(h.GetArticleId())), marked(h.GetTitle(), h.GetMarks()))
	m.add(`<p class="meta">%s%s · <a href="%s">%s</a></p>`, meta(w, h.GetLanguage(), h.GetProduct(), h.GetCategory(), h.GetKind(), h.GetUpdateTime().AsTime(), h.GetUpdateTime() != nil),
		sourceLink(h.GetUrl(), w), text(pageQuery{like: h.GetArticleId()}.address()), text(w.likeThis))
	if p := h.GetPassages(); len(p) > 0 {
		if p[0].GetHeading() != "" {
			m.add(`<p class="meta">%s</p>`, text(p[0].GetHeading()))
		}
		m.add(`<p class="passage">%s</p>`, marked(shortened(p[0].GetText(), p[0].GetMarks())))
	}
	if len(h.GetWhy()) > 0 {
		m.add(`<p class="why">%s: %s</p>`, text(w.matched), text(strings.Join(h.GetWhy(), " · ")))
	}
	return m.String()
}

func articleAddress(id string) string { return "/article?id=" + url.QueryEscape(id) }

func meta(w words, language, product, category, kind string, changed time.Time, known bool) string {
	parts := slices.DeleteFunc([]string{language, product, category, kind}, func(s string) bool { return s == "" })
	if known {
		parts = append(parts, w.updated+" "+changed.UTC().Format(time.DateOnly))
	}
	return text(strings.Join(parts, " · "))
}

// sourceLink leads to where the article stands, when that is on the web.
func sourceLink(address string, w words) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return ` · <a href="` + text(address) + `" rel="noreferrer noopener">` + text(w.source) + `</a>`
}

// maxShownBytes is how much of a passage is shown, bytes.
const maxShownBytes = 500

// shortened cuts a passage behind a whole character.
func shortened(s string, marks []*pb.Span) (string, []*pb.Span) {
	if len(s) <= maxShownBytes {
		return s, marks
	}
	n := maxShownBytes
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	var kept []*pb.Span
	for _, m := range marks {
		if int(m.GetEnd()) <= n {
			kept = append(kept, m)
		}
	}
	return s[:n] + "…", kept
}

// marked is a text with the spans marked that lie in it in order.
func marked(s string, marks []*pb.Span) string {
	var b strings.Builder
	from := 0
	for _, m := range marks {
		start, end := int(m.GetStart()), int(m.GetEnd())
		if start < from || end <= start || end > len(s) {
			continue
		}
		b.WriteString(text(s[from:start]) + "<mark>" + text(s[start:end]) + "</mark>")
		from = end
	}
	return b.String() + text(s[from:])
}

// articlePage shows an article section by section, those that it links to, and others like it.
func articlePage(a *pb.Article, linked, alike []*pb.Hit, w words) string {
	var m markup
	m.add(`<main><nav>`)
	for _, list := range []struct {
		id, title string
		hits      []*pb.Hit
	}{{"linked", w.linked, linked}, {"alike", w.alike, alike}} {
		if len(list.hits) == 0 {
			continue
		}
		m.add(`<h2 id="%s">%s</h2><ul aria-labelledby="%s">`, list.id, text(list.title), list.id)
		for _, h := range list.hits {
			m.add(`<li><a href="%s">%s</a></li>`, text(articleAddress(h.GetArticleId())), text(h.GetTitle()))
		}
		m.add(`</ul>`)
	}
	m.add(`</nav><div><h1>%s</h1><p class="meta">%s · %s%s</p><article lang="%s">`, text(a.GetTitle()), text(a.GetId()),
		meta(w, a.GetLanguage(), a.GetProduct(), a.GetCategory(), a.GetKind(), a.GetUpdateTime().AsTime(), a.GetUpdateTime() != nil),
		sourceLink(a.GetUrl(), w), text(a.GetLanguage()))
	body := a.GetBody()
	for _, s := range a.GetSections() {
		start, end := int(s.GetSpan().GetStart()), int(s.GetSpan().GetEnd())
		if start > end || end > len(body) {
			continue
		}
		if path := s.GetPath(); len(path) > 0 {
			m.add(`<h2>%s</h2>`, text(path[len(path)-1]))
		}
		m.add(`%s`, text(strings.TrimSpace(body[start:end])))
	}
	if len(a.GetSections()) == 0 {
		m.add(`%s`, text(body))
	}
	m.add(`</article></div></main>`)
	return document(w, pageQuery{}, m.String(), false)
}
