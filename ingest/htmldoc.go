package ingest

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

// parseHTML reads a page as a browser gets it: its main content, without navigation, footers, banners and what nobody
// sees. The second result is the reason for which it gives no article.
func parseHTML(raw []byte, given meta) (parsed, string) {
	if bytes.IndexByte(raw, 0) >= 0 && !bytes.HasPrefix(raw, []byte("\xff\xfe")) && !bytes.HasPrefix(raw, []byte("\xfe\xff")) {
		return parsed{}, SkipBinary
	}
	text, reason := readable(decodeHTML(raw))
	if reason != "" {
		return parsed{}, reason
	}
	o := survey([]byte(text))
	if o.noindex {
		return parsed{}, SkipNoIndex
	}
	doc := parsed{meta: given.or(o.meta)}
	parts := o.content()
	w := &body{title: firstOf(given.title, o.title(parts))}
	for _, s := range parts {
		renderHTML(w, []byte(text[s.Start:s.End]))
	}
	doc.title = w.title
	doc.from(w)
	return doc, ""
}

// decodeHTML makes UTF-8 of a page by its byte order mark or what its head declares (WHATWG's encoding sniffing).
func decodeHTML(raw []byte) []byte {
	enc, name, certain := charset.DetermineEncoding(raw, "")
	declared := certain || bytes.Contains(bytes.ToLower(raw[:min(len(raw), 1024)]), []byte("charset"))
	if name == "utf-8" || !declared || !certain && utf8.Valid(raw) {
		return raw // what is neither declared nor UTF-8 could be anything
	}
	out, err := enc.NewDecoder().Bytes(raw)
	if err != nil {
		return raw
	}
	return out
}

// isSiteName reports whether a heading says only where one is: the page's title ends with it, after what the page is about.
func isSiteName(heading, pageTitle string) bool {
	head, ok := strings.CutSuffix(pageTitle, heading)
	return ok && strings.TrimRight(head, " -–—|·:»") != "" && strings.TrimRight(head, " ") != strings.TrimRight(head, " -–—|·:»")
}

// title is what a page is called: by the first main heading in its content, else by one elsewhere that is not the site's
// name, else by what its head says; empty when there is none of these.
func (o *outline) title(parts []extent) string {
	for _, h := range o.headings {
		for _, p := range parts {
			if h.at >= p.Start && h.at < p.End && !isSiteName(h.text, o.pageTitle) {
				return h.text
			}
		}
	}
	for _, h := range o.headings {
		if o.pageTitle == "" || strings.HasPrefix(o.pageTitle, h.text) && !isSiteName(h.text, o.pageTitle) {
			return h.text
		}
	}
	return o.pageTitle
}

// outline is what a first pass over a page finds: what the head says, and which of its elements hold how much text.
type outline struct {
	meta      meta
	pageTitle string
	noindex   bool
	headings  []mainHeading // the first ten <h1>
	elements  []element     // in the order of their opening tags; the first is the page
}

// element is a structural element of a page: its place in the source, and how much text it holds.
type element struct {
	span   extent
	tag    atom.Atom
	parent int
	words  int  // bytes of text outside of links and of elements to drop
	all    int  // the same with that of links
	main   bool // says that it is the main content
	drop   bool // says that it is something else
}

// extent is a half-open range of bytes of the source.
type extent struct{ Start, End int }

// mainHeading is an <h1>: where it begins in the source, and what it says.
type mainHeading struct {
	at   int
	text string
}

const (
	maxElements = 100_000 // structural elements of a page that are told apart
	maxOpen     = 512     // of them within one another
)

// surveyor is the first pass at work.
type surveyor struct {
	outline
	open   []int // the elements that are open, as places in elements
	link   int   // depth of links
	hidden string
	depth  int // how many elements named hidden are open
	inHead atom.Atom
	title  strings.Builder
	h1     strings.Builder
	h1At   int // where the <h1> that is open begins; -1: none
}

// survey looks over a page, token by token, in linear time.
func survey(src []byte) outline {
	s := &surveyor{open: []int{0}, h1At: -1}
	s.elements = []element{{span: extent{0, len(src)}, tag: atom.Html, parent: -1}}
	z := html.NewTokenizer(bytes.NewReader(src))
	z.SetMaxBuf(maxHTMLToken)
	for pos := 0; ; {
		kind := z.Next()
		start := pos
		pos += len(z.Raw())
		switch kind {
		case html.ErrorToken:
			for len(s.open) > 1 {
				s.shut(len(src))
			}
			s.pageTitle = clip(oneLine(clean(s.title.String())), maxHeading)
			return s.outline
		case html.TextToken:
			s.text(z)
		case html.StartTagToken, html.SelfClosingTagToken:
			s.start(z, start)
		case html.EndTagToken:
			name, _ := z.TagName()
			s.end(string(name), pos)
		}
	}
}

// text counts visible characters.
func (s *surveyor) text(z *html.Tokenizer) {
	switch {
	case s.inHead == atom.Title:
		if s.title.Len() < 4*maxHeading {
			s.title.Write(z.Text())
		}
	case s.hidden == "":
		n := len(bytes.TrimSpace(z.Raw()))
		e := &s.elements[s.open[len(s.open)-1]]
		e.all += n
		if s.link == 0 {
			e.words += n
		}
		if s.h1At >= 0 && s.h1.Len() < 4*maxHeading {
			s.h1.Write(z.Text())
		}
	}
}

// start acts on an opening tag.
func (s *surveyor) start(z *html.Tokenizer, pos int) {
	raw, more := z.TagName()
	name := string(raw)
	tag := atom.Lookup(raw)
	attrs := attributes(z, more)
	switch tag {
	case atom.Html:
		s.meta.lang = firstOf(s.meta.lang, attrs["lang"], attrs["xml:lang"])
		return
	case atom.Title:
		if s.title.Len() == 0 {
			s.inHead = atom.Title
		}
		return
	case atom.Meta:
		s.metaTag(attrs)
		return
	case atom.Link:
		if strings.EqualFold(attrs["rel"], "canonical") && strings.HasPrefix(attrs["href"], "http") {
			s.meta.url = oneLine(clean(attrs["href"]))
		}
		return
	}
	if s.hidden != "" {
		if name == s.hidden {
			s.depth++
		}
		return
	}
	if !isVoid(tag) && tag != atom.Head && unseen(tag, attrs) {
		s.hidden, s.depth = name, 1
		return
	}
	switch {
	case tag == atom.A:
		s.link++
	case tag == atom.H1:
		s.h1.Reset()
		s.h1At = pos
	case structural(tag) && len(s.open) < maxOpen && len(s.elements) < maxElements:
		s.elements = append(s.elements, element{span: extent{pos, pos}, tag: tag, parent: s.open[len(s.open)-1],
			main: isMain(tag, attrs), drop: s.isFurniture(tag, attrs)})
		s.open = append(s.open, len(s.elements)-1)
	}
}

// inside reports whether an element with one of the tags is open.
func (s *surveyor) inside(tags ...atom.Atom) bool {
	for _, i := range s.open {
		for _, t := range tags {
			if s.elements[i].tag == t {
				return true
			}
		}
	}
	return false
}

// end acts on a closing tag that ends at pos.
func (s *surveyor) end(name string, pos int) {
	tag := atom.Lookup([]byte(name))
	if tag == atom.Title {
		s.inHead = 0
		return
	}
	if s.hidden != "" {
		if name == s.hidden {
			if s.depth--; s.depth == 0 {
				s.hidden = ""
			}
		}
		return
	}
	switch tag {
	case atom.A:
		s.link = max(0, s.link-1)
		return
	case atom.H1:
		if text := clip(oneLine(clean(s.h1.String())), maxHeading); s.h1At >= 0 && text != "" && len(s.headings) < 10 {
			s.headings = append(s.headings, mainHeading{at: s.h1At, text: text})
		}
		s.h1At = -1
		return
	}
	if !structural(tag) {
		return
	}
	for i := len(s.open) - 1; i > 0 && i > len(s.open)-20; i-- {
		if s.elements[s.open[i]].tag == tag {
			for len(s.open) > i {
				s.shut(pos)
			}
			return
		}
	}
}

// shut closes the innermost element and adds its text to the one around it.
func (s *surveyor) shut(pos int) {
	e := &s.elements[s.open[len(s.open)-1]]
	s.open = s.open[:len(s.open)-1]
	e.span.End = pos
	outer := &s.elements[e.parent]
	if !e.drop {
		outer.all += e.all
		outer.words += e.words
	}
	s.link = 0 // a link does not reach over elements of structure
}

// metaTag reads what the head says.
func (s *surveyor) metaTag(attrs map[string]string) {
	content := oneLine(clean(attrs["content"]))
	switch strings.ToLower(firstOf(attrs["name"], attrs["property"], attrs["http-equiv"])) {
	case "robots":
		s.noindex = s.noindex || strings.Contains(strings.ToLower(content), "noindex")
	case "article:modified_time", "last-modified", "dcterms.modified", "date":
		if t := parseDate(content); t.After(s.meta.updated) {
			s.meta.updated = t
		}
	case "content-language":
		s.meta.lang = firstOf(s.meta.lang, content)
	case "product":
		s.meta.product = firstOf(s.meta.product, content)
	case "category", "article:section":
		s.meta.category = firstOf(s.meta.category, content)
	}
}

// content returns the parts of the source to read, in order: the main content without what is no part of it.
func (o *outline) content() []extent {
	main := o.main()
	part := o.elements[main].span
	var out []extent
	for _, e := range o.elements[main+1:] {
		if e.span.Start >= o.elements[main].span.End {
			break
		}
		// What holds most of the text is no furniture, whatever it is called.
		if e.drop && e.span.Start >= part.Start && 2*e.words <= o.elements[main].words+e.words {
			out = append(out, extent{part.Start, e.span.Start})
			part.Start = e.span.End
		}
	}
	return append(out, part)
}

// main chooses the element that holds the main content: one that says so, else the innermost that holds nearly all
// of the text outside of links and furniture.
func (o *outline) main() int {
	best := 0
	for i, e := range o.elements {
		if e.main && e.all > 0 && (best == 0 || e.words > o.elements[best].words) {
			best = i
		}
	}
	if total := o.elements[0].words; best > 0 && 4*o.elements[best].words >= total {
		return best
	}
	best = 0
	for i, e := range o.elements {
		// Children follow their parents, so that the last one that holds nearly all of the text is the innermost. What lies
		// around it must be mostly links, or it is content.
		outer := o.elements[best]
		around := outer.words - e.words
		links := outer.all - outer.words - (e.all - e.words)
		if !e.drop && isContainer(e.tag) && o.within(i, best) && 10*around <= outer.words && links >= around {
			best = i
		}
	}
	return best
}

// within reports whether an element lies directly or not in another.
func (o *outline) within(i, outer int) bool {
	return o.elements[i].span.Start >= o.elements[outer].span.Start && o.elements[i].span.End <= o.elements[outer].span.End
}

// attributes reads a tag's attributes, at most a hundred.
func attributes(z *html.Tokenizer, more bool) map[string]string {
	attrs := map[string]string{}
	for more && len(attrs) < 100 {
		var k, v []byte
		k, v, more = z.TagAttr()
		if _, twice := attrs[string(k)]; !twice {
			attrs[string(k)] = string(v)
		}
	}
	return attrs
}

// structural reports whether an element divides a page.
func structural(tag atom.Atom) bool {
	switch tag {
	case atom.Body, atom.Main, atom.Article, atom.Section, atom.Div, atom.Nav, atom.Header, atom.Footer, atom.Aside, atom.Form, atom.Table,
		atom.Td, atom.Ul, atom.Ol, atom.Dialog:
		return true
	}
	return false
}

// isContainer reports whether an element may hold a page's content, and not just a part of it.
func isContainer(tag atom.Atom) bool {
	switch tag {
	case atom.Body, atom.Main, atom.Article, atom.Section, atom.Div, atom.Form, atom.Td:
		return true
	}
	return false
}

// isMain reports whether an element says that it is the main content.
func isMain(tag atom.Atom, attrs map[string]string) bool {
	switch tag {
	case atom.Main, atom.Article:
		return true
	}
	return strings.EqualFold(attrs["role"], "main") || strings.EqualFold(attrs["itemprop"], "articleBody")
}

// isFurniture reports whether an element says that it is not content: navigation, banners, forms of consent.
func (s *surveyor) isFurniture(tag atom.Atom, attrs map[string]string) bool {
	switch tag {
	case atom.Nav, atom.Footer, atom.Dialog:
		return true
	case atom.Header:
		return !s.inside(atom.Article, atom.Main) // an article's own header holds its title
	case atom.Aside:
		return !s.inside(atom.Article, atom.Main) // in an article it is a note
	case atom.Body, atom.Main, atom.Article:
		return false
	}
	switch strings.ToLower(attrs["role"]) {
	case "navigation", "banner", "contentinfo", "search", "dialog", "alertdialog", "menu", "menubar", "complementary":
		return true
	}
	for _, word := range strings.FieldsFunc(strings.ToLower(attrs["class"]+" "+attrs["id"]), func(r rune) bool {
		return r == ' ' || r == '-' || r == '_' || r == '\n' || r == '\t' || r == ':'
	}) {
		if furnitureWords[word] {
			return true
		}
	}
	return false
}

// furnitureWords are parts of the names that pages give to what is no content.
var furnitureWords = map[string]bool{
	"cookie": true, "cookies": true, "consent": true, "gdpr": true, "breadcrumb": true, "breadcrumbs": true, "navbar": true, "navigation": true,
	"sidebar": true, "pagination": true, "footer": true, "skiplink": true, "skip": true, "share": true, "social": true, "newsletter": true,
	"sharing": true, "sphinxsidebar": true, "toctree": true, "cookiebanner": true, "cookieconsent": true,
}
