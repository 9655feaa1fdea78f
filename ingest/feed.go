package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html/charset"
)

// feed is an RSS or Atom feed. A feed lists its latest entries only: those that it no longer lists stay in the index.
type feed struct {
	c    SourceConfig
	s    Setup
	http *client
}

// feedMark is what makes the next request a conditional one.
type feedMark struct {
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
}

func feedKind() kind {
	return kind{keys: append([]string{"fetch"}, networkKeys[:]...), open: func(c SourceConfig, s Setup) (Source, error) {
		h, err := newClient(c, s)
		return &feed{c: c, s: s, http: h}, err
	}}
}

func (f *feed) Name() string { return f.c.Name }

func (f *feed) Walk(ctx context.Context, yield func(Item) error) error {
	_, err := f.WalkSince(ctx, nil, yield)
	return err
}

func (f *feed) WalkSince(ctx context.Context, mark []byte, yield func(Item) error) (Walked, error) {
	f.http.begin()
	var m feedMark
	if json.Unmarshal(mark, &m) != nil {
		m = feedMark{}
	}
	r, err := f.http.get(ctx, f.http.base, conditional(m.ETag, m.Modified), listBytes)
	if err != nil {
		return Walked{}, err
	}
	if r.status == http.StatusNotModified {
		return Walked{Mark: mark, Rest: true}, nil
	}
	entries, err := parseFeed(r.body)
	if err != nil {
		return Walked{}, fmt.Errorf("%w: %s is no feed: %w; check location", ErrUnavailable, shown(f.http.base), err)
	}
	m = feedMark{ETag: r.header.Get("ETag"), Modified: r.header.Get("Last-Modified")}
	for i, e := range entries {
		if i >= f.http.limits.Items {
			break
		}
		it := f.item(e)
		if f.c.Fetch && it.Skip == "" {
			if it = f.fetched(ctx, it); it.Skip == SkipUnreachable {
				m = feedMark{} // the next walk tries again
			}
		}
		if ctx.Err() != nil {
			return Walked{}, ctx.Err()
		}
		if err := yield(it); err != nil {
			return Walked{}, err
		}
	}
	raw, err := json.Marshal(m)
	return Walked{Mark: raw, Rest: true}, err
}

// conditional asks for a reply only if something changed.
func conditional(etag, modified string) http.Header {
	h := http.Header{}
	if etag != "" {
		h.Set("If-None-Match", etag)
	}
	if modified != "" {
		h.Set("If-Modified-Since", modified)
	}
	return h
}

// item is an entry. It is named by its link, or else by its ID.
func (f *feed) item(e feedEntry) Item {
	path := firstOf(e.id, e.link)
	if u, err := f.http.base.Parse(e.link); err == nil && e.link != "" {
		e.link = u.String()
		path = firstOf(strings.Trim(u.EscapedPath()+"?"+u.RawQuery, "/?"), path)
	}
	path = oneLine(clean(path))
	if path == "" {
		return Item{Path: clip(oneLine(clean(e.title)), 100), Skip: SkipID}
	}
	given := Meta{ID: f.c.Name + "/" + slug(path), Title: e.title, URL: e.link, Language: e.lang, Updated: e.updated}
	return stringItem(path, FormatFragment, e.content, given)
}

// fetched replaces an entry's content by the page that it points to, if that is of the same host.
func (f *feed) fetched(ctx context.Context, it Item) Item {
	u, err := f.http.within(it.Given.URL)
	if err != nil {
		return it
	}
	page := fetchPage(ctx, f.http, u, nil)
	if page.skip != "" {
		return Item{Path: it.Path, Skip: page.skip}
	}
	given := it.Given
	it = stringItem(it.Path, page.format, page.content, given)
	return it
}

// feedEntry is an entry of a feed.
type feedEntry struct {
	id, title, link, content, lang string
	updated                        time.Time
}

// feedXML is all of RSS 0.9 to 2.0, RDF Site Summary and Atom 1.0 that matters here.
type feedXML struct {
	XMLName xml.Name
	Lang    string      `xml:"lang,attr"`
	Channel feedChannel `xml:"channel"` // RSS
	Items   []feedItem  `xml:"item"`    // RDF
	Entries []feedItem  `xml:"entry"`   // Atom
}

type feedChannel struct {
	Language string     `xml:"language"`
	Items    []feedItem `xml:"item"`
}

// feedItem is an entry in any of these formats.
type feedItem struct {
	GUID        string     `xml:"guid"`
	ID          string     `xml:"id"`
	Lang        string     `xml:"lang,attr"`
	Title       feedText   `xml:"title"`
	Links       []feedLink `xml:"link"`
	Description string     `xml:"description"`
	Encoded     string     `xml:"encoded"` // content:encoded
	Content     feedText   `xml:"content"`
	Summary     feedText   `xml:"summary"`
	PubDate     string     `xml:"pubDate"`
	DCDate      string     `xml:"date"` // dc:date
	Updated     string     `xml:"updated"`
	Published   string     `xml:"published"`
}

type feedLink struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
	Text string `xml:",chardata"`
}

// feedText is Atom's text: plain, HTML as text, or XHTML as elements.
type feedText struct {
	Type  string `xml:"type,attr"`
	Text  string `xml:",chardata"`
	Inner string `xml:",innerxml"`
}

// html is the text as HTML; how RSS and others mean it is not said, and is HTML more often than not.
func (t feedText) html() string {
	switch t.Type {
	case "xhtml", "application/xhtml+xml":
		return t.Inner
	case "text", "text/plain":
		return html.EscapeString(t.Text)
	}
	return t.Text
}

// plain is the text without markup.
func (t feedText) plain() string {
	s := t.Text
	if t.Type == "xhtml" {
		s = t.Inner
	}
	if t.Type == "html" || t.Type == "xhtml" {
		w := &body{title: "-"}
		renderHTML(w, []byte(s))
		s, _ = w.finish()
	}
	return oneLine(clean(html.UnescapeString(s)))
}

// parseFeed reads a feed.
func parseFeed(raw []byte) ([]feedEntry, error) {
	if err := shallow(raw); err != nil {
		return nil, err
	}
	dec := xml.NewDecoder(bytes.NewReader(raw))
	dec.Strict, dec.Entity = false, xml.HTMLEntity
	dec.CharsetReader = func(label string, in io.Reader) (io.Reader, error) { return charset.NewReaderLabel(label, in) }
	var f feedXML
	if err := dec.Decode(&f); err != nil {
		return nil, err
	}
	switch f.XMLName.Local {
	case "rss", "RDF", "feed":
	default:
		return nil, fmt.Errorf("its root is <%s>", clip(f.XMLName.Local, 50))
	}
	var out []feedEntry
	for _, list := range [...][]feedItem{f.Channel.Items, f.Items, f.Entries} {
		for _, it := range list {
			e := it.entry()
			e.lang = firstOf(e.lang, f.Lang, strings.TrimSpace(f.Channel.Language))
			out = append(out, e)
		}
	}
	return out, nil
}

// shallow refuses XML that nests so deeply that reading it into values would.
func shallow(raw []byte) error {
	dec := xml.NewDecoder(bytes.NewReader(raw))
	dec.Strict, dec.Entity = false, xml.HTMLEntity
	dec.CharsetReader = func(label string, in io.Reader) (io.Reader, error) { return charset.NewReaderLabel(label, in) }
	for depth := 0; ; {
		t, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t.(type) {
		case xml.StartElement:
			if depth++; depth > maxXMLDepth {
				return errXMLDepth
			}
		case xml.EndElement:
			depth--
		}
	}
}

func (it *feedItem) entry() feedEntry {
	e := feedEntry{id: strings.TrimSpace(firstOf(it.GUID, it.ID)), title: it.Title.plain(), lang: it.Lang}
	for _, l := range it.Links {
		if href := strings.TrimSpace(firstOf(l.Href, l.Text)); href != "" && (l.Rel == "" || l.Rel == "alternate") && e.link == "" {
			e.link = href
		}
	}
	for _, s := range [...]string{it.Encoded, it.Content.html(), it.Summary.html(), it.Description} {
		if len(strings.TrimSpace(s)) > len(strings.TrimSpace(e.content)) {
			e.content = s // of a summary and the whole, the whole
		}
	}
	for _, s := range [...]string{it.Updated, it.PubDate, it.DCDate, it.Published} {
		if e.updated = parseDate(s); !e.updated.IsZero() {
			break
		}
	}
	return e
}

// hasPath reports whether a URL names more than a host.
func hasPath(u *url.URL) bool { return u.Path != "" && u.Path != "/" }
