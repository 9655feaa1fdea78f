package ingest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const aFeed = `<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>News</title><language>de-de</language>
<item><title>Erste &amp; letzte</title><link>/news/1</link><guid>urn:1</guid><pubDate>Fri, 01 May 2026 10:00:00 +0200</pubDate><description>Kurz.</description>
<content:encoded><![CDATA[<p>Der ganze <b>Text</b>.</p><script>x</script>]]></content:encoded></item>
<item><title>Zweite</title><guid isPermaLink="false">urn:2</guid><description>&lt;p&gt;Nur kurz.&lt;/p&gt;</description></item><item><title>Nichts</title></item></channel></rss>`

const anAtom = `<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="fr"><entry><id>urn:a</id><title type="html">&lt;b&gt;Titre&lt;/b&gt;</title><link rel="edit" href="/edit"/><link href="/a"/>
<updated>2026-05-02T00:00:00Z</updated><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Texte.</p></div></content></entry>
<entry><id>urn:b</id><title>B</title><summary type="text">a &lt; b</summary></entry></feed>`

func TestParseFeed(t *testing.T) {
	got, err := parseFeed([]byte(aFeed))
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, feedEntry{id: "urn:1", title: "Erste & letzte", link: "/news/1", content: "<p>Der ganze <b>Text</b>.</p><script>x</script>", lang: "de-de",
		updated: time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)}, got[0])
	got, err = parseFeed([]byte(anAtom))
	require.NoError(t, err)
	require.Equal(t, []string{"Titre", "/a", "fr", "B", "a &lt; b"}, []string{got[0].title, got[0].link, got[0].lang, got[1].title, got[1].content})
	require.Contains(t, got[0].content, "<p>Texte.</p>")
	got, err = parseFeed([]byte(`<rdf:RDF xmlns:rdf="r" xmlns:dc="d"><channel/><item><title>T</title><link>/x</link><dc:date>2026-01-01</dc:date><description>D</description></item></rdf:RDF>`))
	require.NoError(t, err)
	require.Equal(t, 2026, got[0].updated.Year())
	got, err = parseFeed([]byte(`<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><channel><item><title>&b;</title></item></channel></rss>`))
	require.NoError(t, err)
	require.Equal(t, "&b;", got[0].title, "entities of the feed's own are not expanded")
	for _, in := range []string{"", "<html></html>", "not xml", "<rss><channel>", strings.Repeat("<a>", 1000) + strings.Repeat("</a>", 1000)} {
		_, err := parseFeed([]byte(in))
		require.Error(t, err, in[:min(len(in), 60)])
	}
}

func TestFeed(t *testing.T) {
	s := newSite(t)
	content, etag := aFeed, `"1"`
	s.handle("/feed", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", etag)
		_, _ = io.WriteString(w, content)
	})
	index, refresh := refresher(t, s.open(t, SourceConfig{Kind: "feed", Location: "/feed", Audience: []string{"staff"}}))
	rep := refresh()
	require.Equal(t, []int{2, 3}, []int{rep.Added, rep.Files})
	require.Equal(t, map[string]int{SkipID: 1}, rep.Skipped)
	a := index.articles["s/news/1"]
	require.Equal(t, []string{"Erste & letzte", "Der ganze Text.", "de", s.URL + "/news/1", "staff"}, []string{a.Title, a.Body, a.Language, a.URL, a.Audience[0]})
	rep = refresh()
	require.Equal(t, []int{2, 0, 2}, []int{rep.Unchanged, rep.Files, rep.Articles}, "not modified")
	content, etag = anAtom, `"2"`
	rep = refresh()
	require.Equal(t, []int{2, 2, 4}, []int{rep.Added, rep.Unchanged, rep.Articles}, "what the feed no longer lists stays")
	content, etag = "<html>maintenance</html>", `"3"`
	rep = refresh()
	require.Contains(t, rep.Error, "is no feed")
	require.Len(t, index.articles, 4)
}

func TestFeedWithPages(t *testing.T) {
	s := newSite(t)
	s.says("/feed", "application/rss+xml", `<rss><channel><item><title>One</title><link>`+s.URL+`/p/1</link><description>Short.</description></item>
<item><title>Two</title><link>https://elsewhere.example/2</link><description>Short too.</description></item><item><title>Three</title><link>/p/3</link><description>x</description></item></channel></rss>`)
	s.says("/p/1", "text/html", `<html><body><nav>n</nav><main><h1>One</h1><p>All of it.</p></main></body></html>`)
	s.handle("/p/3", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) })
	index, refresh := refresher(t, s.open(t, SourceConfig{Kind: "feed", Location: "/feed", Fetch: true}))
	rep := refresh()
	require.Equal(t, map[string]int{SkipUnreachable: 1}, rep.Skipped)
	require.Equal(t, "All of it.", index.articles["s/p/1"].Body)
	require.Equal(t, "Short too.", index.articles["s/2"].Body, "another host's page is not fetched")
	s.says("/p/3", "text/html", "<p>Three at last.</p>")
	require.Equal(t, 1, refresh().Added)
}

// docsSite is a site with a sitemap of pages.
type docsSite struct {
	*site
	pages   map[string]string // path → text
	lastmod map[string]string
}

func newDocsSite(t *testing.T) *docsSite {
	d := &docsSite{site: newSite(t), pages: map[string]string{}, lastmod: map[string]string{}}
	d.says("/robots.txt", "text/plain", "User-agent: *\nDisallow: /private/\nCrawl-delay: 2\nSitemap: "+d.URL+"/map.xml\n")
	d.says("/map.xml", "application/xml", `<sitemapindex><sitemap><loc>`+d.URL+`/pages.xml.gz</loc></sitemap></sitemapindex>`)
	d.handle("/pages.xml.gz", func(w http.ResponseWriter, _ *http.Request) {
		var b strings.Builder
		b.WriteString(`<urlset>`)
		for i := range 30 {
			if p := fmt.Sprintf("/p/%d", i); d.pages[p] != "" {
				fmt.Fprintf(&b, "<url><loc>%s%s</loc><lastmod>%s</lastmod></url>", d.URL, p, d.lastmod[p])
			}
		}
		b.WriteString(`<url><loc>` + d.URL + `/private/x</loc></url><url><loc>https://other.example/</loc></url></urlset>`)
		_, _ = w.Write(gzipped(b.String()))
	})
	for i := range 24 {
		d.page(fmt.Sprintf("/p/%d", i), fmt.Sprintf("Text %d.", i))
	}
	return d
}

func (d *docsSite) page(path, text string) {
	d.pages[path] = text
	d.handle(path, func(w http.ResponseWriter, r *http.Request) {
		etag := fmt.Sprintf("%q", d.pages[path])
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", etag)
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<html lang=en><title>T</title><nav><a>n</a></nav><main><h1>`+path+`</h1><p>`+d.pages[path]+`</p></main></html>`)
	})
}

func TestSitemap(t *testing.T) {
	d := newDocsSite(t)
	d.lastmod["/p/0"] = "2026-05-01"
	index, refresh := refresher(t, d.open(t, SourceConfig{Kind: "sitemap", Location: "", Exclude: []string{"p/9"}}))
	rep := refresh()
	require.Equal(t, []int{23, 26}, []int{rep.Added, rep.Files})
	require.Equal(t, map[string]int{SkipRobots: 1, SkipOtherHost: 1, SkipExcluded: 1}, rep.Skipped)
	a := index.articles["s/p/3"]
	require.Equal(t, []string{"/p/3", "Text 3.", "en", d.URL + "/p/3"}, []string{a.Title, a.Body, a.Language, a.URL})
	for _, w := range d.waits {
		require.LessOrEqual(t, w, 2*time.Second)
	}
	require.GreaterOrEqual(t, len(d.waits), 11, "the crawl delay is kept")

	d.questions()
	d.pages["/p/0"] = "Changed, but lastmod does not say so."
	d.pages["/p/1"] = "Changed."
	delete(d.pages, "/p/2")
	rep = refresh()
	require.Equal(t, []int{1, 1, 21}, []int{rep.Changed, rep.Deleted, rep.Unchanged})
	asked := d.questions()
	require.NotContains(t, asked, "/p/0", "its lastmod is as it was")
	require.NotContains(t, asked, "/private/x")
	d.now = d.now.Add(25 * time.Hour)
	require.Equal(t, 1, refresh().Changed, "once a day everything is asked for")
}

func TestSitemapPagesThatFail(t *testing.T) {
	d := newDocsSite(t)
	index, refresh := refresher(t, d.open(t, SourceConfig{Kind: "sitemap", Location: "/map.xml", Limits: Limits{Retries: 1, ResponseBytes: 3 << 20}}))
	require.Equal(t, 24, refresh().Added)
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	d.handle("/p/1", status(500))
	d.handle("/p/2", status(404))
	d.says("/p/3", "image/png", "x")
	d.says("/p/4", "text/html", `<meta name="robots" content="noindex"><p>text`)
	rep := refresh()
	require.Equal(t, map[string]int{SkipUnreachable: 1, SkipNotFound: 1, skipContentType + "image/png": 1, SkipNoIndex: 1, SkipRobots: 1, SkipOtherHost: 1}, rep.Skipped)
	require.Equal(t, []int{1, 3, 20}, []int{rep.Kept, rep.Deleted, rep.Unchanged})
	require.Contains(t, index.articles, "s/p/1", "what cannot be fetched stays")
	d.page("/p/1", "Back.")
	require.Equal(t, 1, refresh().Changed)

	d.says("/p/1", "text/plain; charset=gbk", "\xb0\xb2\xc8\xab")
	d.handle("/p/5", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://other.example/", http.StatusMovedPermanently)
	})
	d.says("/p/6", "text/html", strings.Repeat("x", 4<<20))
	rep = refresh()
	require.Equal(t, "安全", index.articles["s/p/1"].Body)
	require.Equal(t, 1, rep.Skipped[SkipRedirect])
	require.Equal(t, 1, rep.Skipped[SkipTooLarge])
	require.Contains(t, index.articles, "s/p/6")

	for i := range 24 {
		d.handle(fmt.Sprintf("/p/%d", i), status(503))
	}
	rep = refresh()
	require.Contains(t, rep.Error, "10 pages in a row could not be fetched")
	require.Len(t, index.articles, 20)
	d.handle("/robots.txt", status(500))
	require.Contains(t, refresh().Error, "/robots.txt answered 500")
	d.says("/robots.txt", "text/plain", "")
	d.says("/map.xml", "text/html", "<html>Not here</html>")
	require.Contains(t, refresh().Error, "is no sitemap")
	d.says("/map.xml", "text/xml", "<sitemapindex><sitemap><loc>/map.xml</loc></sitemap></sitemapindex>")
	_, err := New(index, Options{}).Refresh(t.Context(), []Source{d.open(t, SourceConfig{Kind: "sitemap", Location: "/map.xml"})})
	require.ErrorContains(t, err, "20 of 20 known articles vanished", "a sitemap that names itself is read once, and the guard keeps what it no longer lists")
}

func TestParseSitemap(t *testing.T) {
	for _, in := range []string{"", "<urlset>", "<html/>", string(gzipped(strings.Repeat(" ", 9<<20))), "\x1f\x8bxx", strings.Repeat("<a>", 600) + strings.Repeat("</a>", 600)} {
		_, _, err := parseSitemap([]byte(in))
		require.Error(t, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.StringMatching(`https://x\.example/[a-z0-9/%-]{0,20}`), 1, 10).Draw(t, "pages")
		var b strings.Builder
		for _, p := range want {
			b.WriteString("<url>\n<loc>" + p + "</loc><priority>0.5</priority></url>")
		}
		in := []byte(`<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">` + b.String() + "</urlset>")
		if rapid.Bool().Draw(t, "packed") {
			in = gzipped(string(in))
		}
		pages, more, err := parseSitemap(in)
		require.NoError(t, err)
		require.Empty(t, more)
		got := []string{}
		for _, p := range pages {
			got = append(got, p.Loc)
		}
		require.Equal(t, want, got)
	})
}

func TestRobots(t *testing.T) {
	r := parseRobots("# c\nUser-agent: other\nDisallow: /\n\nUser-agent: a\nUser-agent: *\nDisallow: /a/\nAllow: /a/b\nDisallow: /*.pdf$\nDisallow: /q?*x=\nDisallow:\nCrawl-delay: 1.5\nSitemap: /s.xml")
	for path, want := range map[string]bool{"/": true, "/a": true, "/a/": false, "/a/c": false, "/a/bc": true, "/x.pdf": false, "/x.pdf?y": true, "/q?y&x=1": false, "": true} {
		require.Equal(t, want, r.allows(path), path)
	}
	require.Equal(t, 1500*time.Millisecond, r.delay)
	require.Equal(t, []string{"/s.xml"}, r.sitemaps)
	r = parseRobots("User-agent: *\nDisallow: /\nUser-agent: Prediag-Ingest\nAllow: /\nCrawl-delay: 99999")
	require.True(t, r.allows("/x"))
	require.Equal(t, maxCrawlDelay, r.delay)
	require.True(t, parseRobots("").allows("/x"))
	require.True(t, parseRobots("<html>Disallow: /</html>").allows("/x"))
}

func FuzzRobots(f *testing.F) {
	f.Add("User-agent: *\nDisallow: /a*b$\nCrawl-delay: 1e9", "/ab")
	f.Fuzz(func(t *testing.T, text, path string) {
		r := parseRobots(text)
		_ = r.allows(path)
		require.True(t, r.delay >= 0 && r.delay <= maxCrawlDelay)
	})
}

func FuzzFeed(f *testing.F) {
	f.Add([]byte(aFeed))
	f.Add([]byte(anAtom))
	f.Fuzz(func(t *testing.T, raw []byte) {
		entries, err := parseFeed(raw)
		require.True(t, err == nil || len(entries) == 0)
		for _, e := range entries {
			require.NotContains(t, e.title, "\n")
		}
	})
}

func FuzzSitemap(f *testing.F) {
	f.Add([]byte("<urlset><url><loc>/a</loc><lastmod>2026</lastmod></url></urlset>"))
	f.Add(gzipped("<sitemapindex><sitemap><loc>/a</loc></sitemap></sitemapindex>"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		pages, more, err := parseSitemap(raw)
		require.True(t, err == nil || len(pages)+len(more) == 0)
	})
}
