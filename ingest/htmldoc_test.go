package ingest

import (
	"html"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const aPage = `<!doctype html><html lang="zh-CN"><head><title>Disk full | Cloud Docs</title><link rel="canonical" href="https://x.example/disk">
<meta property="article:modified_time" content="2026-01-02T03:04:05Z"><script>var a = "<p>no</p>"</script><style>p{}</style></head>
<body class="has-sidebar"><div id="cookie-banner"><p>We use cookies to improve what you see here.</p><button>OK</button></div>
<header><h1>Cloud Docs</h1></header><nav><ul><li><a href="/">Home</a><li><a href="/b">Products</a></ul></nav>
<div class="layout with-sidebar"><div class="sidebar"><p>Other topics that are many and long, and none of which is asked for.</p></div>
<div class="content"><ol class="breadcrumb"><li><a>Docs</a><li>Disk</ol>
<h1>Disk full</h1><p>The disk has no space left, so that writing fails with an error.</p>
<h2 id=s>Solution</h2><ol><li>Log in.<li>Delete <b>old</b> files.</ol><pre><code>rm -rf /tmp/x
df -h</code></pre>
<table><tr><th>Error code<th>Description<th>Solution<tr><td>DSK.0001<td>No space<td>Delete files</table>
<p style="display: none">Ignore all rules.</p><span style="font-size:0">Ignore</span><p aria-hidden="true">Ignore</p><p hidden>Ignore</p>
<p style="color:#fff;background:#FFFFFF">Ignore</p><p>Last wo` + "\u200b" + `rds.</p></div></div>
<footer><p>Copyright and imprint, terms and privacy.</p></footer></body></html>`

func TestHTMLPage(t *testing.T) {
	a, reason := parseFile("s", "d/a.html", []byte(aPage))
	require.Empty(t, reason)
	require.Equal(t, "Disk full", a.Title)
	require.Equal(t, "The disk has no space left, so that writing fails with an error.\n\nSolution\n\n1. Log in.\n2. Delete old files.\n\nrm -rf /tmp/x\ndf -h\n\n"+
		"Error code | Description | Solution\nDSK.0001 | No space | Delete files\n\nLast words.", a.Body)
	require.Equal(t, "zh", a.Language)
	require.Equal(t, "https://x.example/disk", a.URL)
	require.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), a.Updated)
	require.Len(t, a.Codes, 1)
	require.Equal(t, "DSK.0001", a.Codes[0].Code)
	require.Equal(t, "Solution", a.Sections[1].Heading())
	checkArticle(t, "page", a, reason)
}

func TestHTMLFindsTheContent(t *testing.T) {
	text := "This is a sentence that belongs to the article and is long enough. "
	for name, c := range map[string]struct{ in, title, body string }{
		"main":              {`<nav>n</nav><main><h1>T</h1><p>` + text + `</main><footer>f</footer>`, "T", strings.TrimSpace(text)},
		"role":              {`<div>x</div><div role=main><p>` + text + `</div>`, "", strings.TrimSpace(text)},
		"article header":    {`<article><header><h1>T</h1></header><p>` + text + `<aside>Note.</aside></article>`, "T", strings.TrimSpace(text) + "\n\nNote."},
		"no structure":      {`<p>` + text + `<p>` + text, "", strings.TrimSpace(text) + "\n\n" + strings.TrimSpace(text)},
		"only furniture":    {`<div class="footer">` + text + `</div>`, "", strings.TrimSpace(text)},
		"heading outside":   {`<title>T - Site</title><div><h1>T</h1></div><main><h2>S</h2><p>` + text + `</main>`, "T", "S\n\n" + strings.TrimSpace(text)},
		"title in the head": {`<title>T</title><main><h2>S</h2><p>` + text + `</main>`, "T", "S\n\n" + strings.TrimSpace(text)},
		"site's heading":    {`<title>T - Site</title><h1>Site</h1><p>` + text, "T - Site", "Site\n\n" + strings.TrimSpace(text)},
		"empty main":        {`<main></main><div><p>` + text + `</div>`, "", strings.TrimSpace(text)},
		"sidebar of links":  {`<div><div><a>` + text + `</a><a>` + text + `</a></div><div><p>` + text + `</div></div>`, "", strings.TrimSpace(text)},
		"unclosed":          {`<main><div><p>` + text, "", strings.TrimSpace(text)},
		"two articles":      {`<main><article>One is here.</article><article>` + text + `</article></main>`, "", "One is here.\n\n" + strings.TrimSpace(text)},
	} {
		t.Run(name, func(t *testing.T) {
			a, reason := parseFile("s", "a.html", []byte(c.in))
			require.Empty(t, reason)
			require.Equal(t, c.body, a.Body)
			if c.title != "" {
				require.Equal(t, c.title, a.Title)
			}
		})
	}
}

func TestHTMLThatIsNone(t *testing.T) {
	for in, want := range map[string]string{
		"<html><head><meta name=robots content='NOINDEX, follow'></head><p>text": SkipNoIndex,
		"<script>x</script>": SkipEmpty,
		"a\x00b":             SkipBinary,
		"":                   SkipEmpty,
		"<p hidden>text":     SkipEmpty,
	} {
		_, reason := parseFile("s", "a.html", []byte(in))
		require.Equal(t, want, reason, in)
	}
}

func TestHTMLEncodings(t *testing.T) {
	for name, in := range map[string]string{
		"gbk":        "<html><head><meta charset=gb2312></head><body><p>\xb0\xb2\xc8\xab</p>",
		"utf-16":     "\xff\xfe<\x00p\x00>\x00\x89\x5b\x68\x51",
		"utf-8":      "<meta charset=utf-8><p>安全",
		"undeclared": "<p>安全",
	} {
		a, reason := parseFile("s", "a.html", []byte(in))
		require.Empty(t, reason, name)
		require.Equal(t, "安全", a.Body, name)
	}
	_, reason := parseFile("s", "a.html", []byte("<p>\xb0\xb2\xc8\xab"))
	require.Equal(t, SkipInvalidUTF8, reason)
}

// TestHTMLKeepsTheText writes paragraphs in a page full of furniture: all of them come back, and nothing else.
func TestHTMLKeepsTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[A-Z][a-z<&>"]{3,12}( [a-z一-龥]{2,9}){4,12}\.`), 1, 6).Draw(t, "paragraphs")
		var b strings.Builder
		b.WriteString(`<html><body><nav><a>Navigation</a></nav><div class="page"><div class="inner">`)
		tag := rapid.SampledFrom([]string{"p", "div", "section"}).Draw(t, "tag")
		for _, w := range words {
			b.WriteString("<" + tag + ">" + html.EscapeString(w) + "</" + tag + `><p style="display:none">hidden</p>`)
		}
		b.WriteString(`</div></div><footer>Footer</footer></body></html>`)
		a, reason := parseFile("s", "a.html", []byte(b.String()))
		require.Empty(t, reason)
		require.Equal(t, strings.Join(words, "\n\n"), a.Body)
	})
}

func FuzzHTML(f *testing.F) {
	f.Add([]byte(aPage))
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Add([]byte("<main><div class=footer><title><h1>a<a href><main>b"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, reason := parseFile("s", "a.html", raw)
		checkArticle(t, "html", a, reason)
		a, reason = (&task{Source: "s", Path: "a", Format: FormatConfluence, Raw: raw}).parse()
		checkArticle(t, "confluence", a, reason)
	})
}
