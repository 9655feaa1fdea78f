package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// sitemap is the pages of a site that its sitemap lists. A page whose lastmod did not change is not asked for, another
// only if it changed; robots.txt is respected.
type sitemap struct {
	c    SourceConfig
	s    Setup
	http *client
}

const (
	maxSitemapDepth = 3 // indexes within one another
	maxSitemaps     = 1000
	maxFailures     = 10 // pages in a row that cannot be fetched: then the site is given up for now
)

// pageMark is what is known of a page since it was last fetched.
type pageMark struct {
	LastMod  string    `json:"m,omitempty"` // as the sitemap has it
	ETag     string    `json:"e,omitempty"`
	Modified string    `json:"t,omitempty"`
	Fetched  time.Time `json:"f"`
}

// sitemapEntry is a page that a sitemap lists.
type sitemapEntry struct {
	Loc     string `xml:"loc"`
	LastMod string `xml:"lastmod"`
}

func sitemapKind() kind {
	return kind{keys: networkKeys[:], open: func(c SourceConfig, s Setup) (Source, error) {
		c.Limits.Delay = orDefault(c.Limits.Delay, time.Second)
		h, err := newClient(c, s)
		return &sitemap{c: c, s: s, http: h}, err
	}}
}

func (m *sitemap) Name() string { return m.c.Name }

func (m *sitemap) Walk(ctx context.Context, yield func(Item) error) error {
	_, err := m.WalkSince(ctx, nil, yield)
	return err
}

func (m *sitemap) WalkSince(ctx context.Context, mark []byte, yield func(Item) error) (Walked, error) {
	m.http.begin()
	var known map[string]pageMark
	if json.Unmarshal(mark, &known) != nil {
		known = nil
	}
	rules, err := m.robots(ctx)
	if err != nil {
		return Walked{}, err
	}
	entries, err := m.entries(ctx, rules)
	if err != nil {
		return Walked{}, err
	}
	w := &siteWalk{m: m, rules: rules, known: known, next: map[string]pageMark{}, yield: yield}
	for _, e := range entries {
		if err := w.page(ctx, e); err != nil {
			return Walked{}, err
		}
	}
	raw, err := json.Marshal(w.next)
	return Walked{Mark: raw}, err
}

// robots reads what the site asks for. A site whose robots.txt cannot be read is left alone (RFC 9309, 2.3.1.4).
func (m *sitemap) robots(ctx context.Context) (robots, error) {
	u := &url.URL{Scheme: m.http.base.Scheme, Host: m.http.base.Host, Path: "/robots.txt"}
	r, err := m.http.get(ctx, u, nil, maxRobots)
	var status *statusError
	switch {
	case errors.As(err, &status) && status.status >= 400 && status.status < 500 && status.status != http.StatusTooManyRequests:
		return robots{}, nil
	case err != nil:
		return robots{}, err
	}
	rules := parseRobots(string(r.body))
	m.http.limits.Delay = max(m.c.Limits.Delay, rules.delay)
	return rules, nil
}

// entries reads the sitemap, and those that it points to. A location that is a site and no sitemap has those that
// robots.txt names, or /sitemap.xml.
func (m *sitemap) entries(ctx context.Context, rules robots) ([]sitemapEntry, error) {
	r := &sitemapReader{m: m, seen: map[string]bool{}}
	queue := []string{m.c.Location}
	if !hasPath(m.http.base) {
		if queue = rules.sitemaps; len(queue) == 0 {
			queue = []string{"/sitemap.xml"}
		}
	}
	for _, loc := range queue {
		if err := r.read(ctx, loc, 0); err != nil {
			return nil, err
		}
	}
	return r.entries, nil
}

// sitemapReader follows sitemaps.
type sitemapReader struct {
	m       *sitemap
	seen    map[string]bool
	entries []sitemapEntry
}

func (r *sitemapReader) read(ctx context.Context, loc string, depth int) error {
	u, err := r.m.http.within(strings.TrimSpace(loc))
	switch {
	case err != nil:
		return err
	case depth > maxSitemapDepth || len(r.seen) >= maxSitemaps:
		return fmt.Errorf("%w: sitemaps lie too deep in one another, or are more than %d", ErrUnavailable, maxSitemaps)
	case r.seen[u.String()]:
		return nil
	}
	r.seen[u.String()] = true
	got, err := r.m.http.get(ctx, u, nil, listBytes)
	if err != nil {
		return err
	}
	pages, more, err := parseSitemap(got.body)
	if err != nil {
		return fmt.Errorf("%w: %s is no sitemap: %w; check location", ErrUnavailable, shown(u), err)
	}
	r.entries = append(r.entries, pages...)
	for _, e := range more {
		if err := r.read(ctx, e.Loc, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// parseSitemap reads a sitemap (sitemaps.org 0.9), plain or packed with gzip, or an index of sitemaps.
func parseSitemap(raw []byte) (pages, more []sitemapEntry, err error) {
	if bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		packed := &counter{r: bytes.NewReader(raw)}
		z, err := gzip.NewReader(packed)
		if err != nil {
			return nil, nil, err
		}
		if raw, err = io.ReadAll(io.LimitReader(&ratioReader{z: z, packed: packed}, listBytes)); err != nil {
			return nil, nil, err
		}
	}
	if err := shallow(raw); err != nil {
		return nil, nil, err
	}
	var s struct {
		XMLName  xml.Name
		Pages    []sitemapEntry `xml:"url"`
		Sitemaps []sitemapEntry `xml:"sitemap"`
	}
	dec := xml.NewDecoder(bytes.NewReader(raw))
	dec.Strict = false
	if err := dec.Decode(&s); err != nil {
		return nil, nil, err
	}
	if s.XMLName.Local != "urlset" && s.XMLName.Local != "sitemapindex" {
		return nil, nil, fmt.Errorf("its root is <%s>", clip(s.XMLName.Local, 50))
	}
	return s.Pages, s.Sitemaps, nil
}

// siteWalk goes through the pages that are listed.
type siteWalk struct {
	m        *sitemap
	rules    robots
	known    map[string]pageMark
	next     map[string]pageMark
	yield    func(Item) error
	n        int
	failures int // in a row
}

// page yields a page.
func (w *siteWalk) page(ctx context.Context, e sitemapEntry) error {
	u, err := w.m.http.within(strings.TrimSpace(e.Loc))
	if err != nil {
		return w.yield(Item{Path: clip(oneLine(clean(e.Loc)), 500), Skip: SkipOtherHost})
	}
	u.Fragment = ""
	path := strings.Trim(u.Path, "/")
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	path = oneLine(clean(firstOf(path, "index")))
	if _, twice := w.next[path]; twice {
		return nil
	}
	old, was := w.known[path]
	w.next[path] = old
	if w.n++; w.n > w.m.http.limits.Items {
		return w.yield(Item{Path: path, Skip: SkipTooMany})
	}
	if !w.rules.allows(u.RequestURI()) {
		return w.yield(Item{Path: path, Skip: SkipRobots})
	}
	now := w.m.s.Now().UTC()
	fresh := now.Sub(old.Fetched) < orDefault(w.m.c.FullEvery, defaultFullEvery)
	if was && old.LastMod != "" && old.LastMod == e.LastMod && fresh {
		return w.yield(Item{Path: path, Same: true})
	}
	p := fetchPage(ctx, w.m.http, u, conditional(old.ETag, old.Modified))
	if err := w.gaveUp(ctx, p); err != nil {
		return err
	}
	if p.skip != "" {
		if keepsOld(p.skip) {
			w.next[path] = pageMark{} // fetched anew next time
		} else {
			w.next[path] = pageMark{LastMod: e.LastMod, Fetched: now}
		}
		return w.yield(Item{Path: path, Skip: p.skip})
	}
	if p.same {
		old.LastMod, old.Fetched = e.LastMod, now
		w.next[path] = old
		return w.yield(Item{Path: path, Same: true})
	}
	w.next[path] = pageMark{LastMod: e.LastMod, ETag: p.etag, Modified: p.modified, Fetched: now}
	given := Meta{ID: w.m.c.Name + "/" + slug(path), URL: u.String(), Updated: parseDate(e.LastMod)}
	return w.yield(stringItem(path, p.format, p.content, given))
}

// gaveUp ends the walk when the site stopped answering.
func (w *siteWalk) gaveUp(ctx context.Context, p webPage) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !p.down {
		w.failures = 0
		return nil
	}
	if w.failures++; w.failures >= maxFailures {
		return fmt.Errorf("%w: %d pages in a row could not be fetched from %s", ErrUnavailable, w.failures, w.m.http.base.Host)
	}
	return nil
}
