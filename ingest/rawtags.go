package ingest

import (
	"bytes"
	"html"
	"strings"

	"github.com/yuin/goldmark/text"
	nethtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// rawTags decides which tags inside Markdown are markup and which are text that looks like a tag, such as the
// placeholder in "ssh <user>@<host>".
type rawTags struct {
	mdx    bool            // components: every tag is markup
	closed map[string]bool // names of unknown tags that the document also closes
}

// newRawTags looks over a document.
func newRawTags(doc string, mdx bool) rawTags {
	t := rawTags{mdx: mdx, closed: map[string]bool{}}
	for rest := doc; len(t.closed) < 1000; {
		i := strings.Index(rest, "</")
		if i < 0 {
			break
		}
		rest = rest[i+2:]
		if end := strings.IndexAny(rest, "> \n"); end > 0 && end <= 64 {
			t.closed[strings.ToLower(rest[:end])] = true
		}
	}
	return t
}

// keep returns raw HTML with the tags that are text escaped.
func (t rawTags) keep(raw string) string {
	z := nethtml.NewTokenizer(strings.NewReader(raw))
	z.SetMaxBuf(0)
	var b bytes.Buffer
	for {
		switch kind := z.Next(); kind {
		case nethtml.ErrorToken:
			return b.String()
		case nethtml.StartTagToken, nethtml.EndTagToken, nethtml.SelfClosingTagToken:
			src := string(z.Raw())
			name, attrs := z.TagName()
			if t.isText(string(name), attrs) {
				b.WriteString(html.EscapeString(src))
				if kind == nethtml.StartTagToken {
					z.NextIsNotRawText()
				}
				continue
			}
			b.WriteString(src)
		default:
			b.Write(z.Raw())
		}
	}
}

// isText reports whether a tag of this name is meant to be read. Elements that would swallow what follows them up to a
// closing tag, and are never found in articles, are among those.
func (t rawTags) isText(name string, attrs bool) bool {
	a := atom.Lookup([]byte(name))
	switch a {
	case atom.Title, atom.Textarea, atom.Plaintext, atom.Xmp, atom.Noembed, atom.Noframes, atom.Noscript:
		return true
	case 0:
		return !t.mdx && !attrs && !t.closed[name] && !strings.Contains(name, ":")
	}
	return !isElement[a]
}

// isElement holds the HTML elements that articles are written with. (The atom table also holds attributes.)
var isElement = map[atom.Atom]bool{
	atom.A: true, atom.Abbr: true, atom.Address: true, atom.Article: true, atom.Aside: true, atom.Audio: true, atom.B: true,
	atom.Base: true, atom.Big: true, atom.Blockquote: true, atom.Body: true, atom.Br: true, atom.Button: true, atom.Caption: true,
	atom.Center: true, atom.Cite: true, atom.Code: true, atom.Col: true, atom.Colgroup: true, atom.Dd: true, atom.Del: true,
	atom.Details: true, atom.Dfn: true, atom.Div: true, atom.Dl: true, atom.Dt: true, atom.Em: true, atom.Embed: true,
	atom.Fieldset: true, atom.Figcaption: true, atom.Figure: true, atom.Font: true, atom.Footer: true, atom.Form: true,
	atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true, atom.Head: true, atom.Header: true,
	atom.Hr: true, atom.Html: true, atom.I: true, atom.Iframe: true, atom.Img: true, atom.Input: true, atom.Ins: true,
	atom.Kbd: true, atom.Label: true, atom.Legend: true, atom.Li: true, atom.Link: true, atom.Main: true, atom.Mark: true,
	atom.Meta: true, atom.Nav: true, atom.Ol: true, atom.Optgroup: true, atom.Option: true, atom.P: true, atom.Picture: true,
	atom.Pre: true, atom.Q: true, atom.S: true, atom.Samp: true, atom.Script: true, atom.Section: true, atom.Select: true,
	atom.Small: true, atom.Source: true, atom.Span: true, atom.Strike: true, atom.Strong: true, atom.Style: true, atom.Sub: true,
	atom.Summary: true, atom.Sup: true, atom.Svg: true, atom.Table: true, atom.Tbody: true, atom.Td: true, atom.Template: true,
	atom.Tfoot: true, atom.Th: true, atom.Thead: true, atom.Time: true, atom.Tr: true, atom.Tt: true, atom.U: true, atom.Ul: true,
	atom.Var: true, atom.Video: true, atom.Wbr: true,
}

func textReader(src []byte) text.Reader { return text.NewReader(src) }
