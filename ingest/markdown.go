package ingest

import (
	"bytes"
	"regexp"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

var (
	shortcode   = regexp.MustCompile(`\{\{[<%][^{}]*[%>]\}\}`)
	anchor      = regexp.MustCompile(`[ \t]*\{#[^{}\n]*\}`)
	spacedLink  = regexp.MustCompile(`\]\(([^()<>"'\n]*(?:\([^()<>"'\n]*\)[^()<>"'\n]*)* (?:[^()<>"'\n]|\([^()<>"'\n]*\))*)\)`)
	headingTail = regexp.MustCompile(`\{[ \t]*[#.:][^{}]*\}[ \t]*(#*[ \t]*\n?)$`)
	mdxComment  = regexp.MustCompile(`\{/\*[^{}]*\*/\}`)
	moduleStart = regexp.MustCompile(`^(?:import\s+(?:['"{*]|\w+\s*(?:,|from\b))|export\s+(?:const|let|var|default|function|async|class|\{))`)
	moduleEnd   = regexp.MustCompile(`(?:['"];?|;)\s*$`)
	admonition  = regexp.MustCompile(`^[ \t]*:{3,}[ \t]*(\w*)[ \t]*(?:\[(.*)\]|(.*))$`)
	tableRuler  = regexp.MustCompile(`^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$`)
	fenceOpener = regexp.MustCompile("^[ \t>]*(?:[-*+]|[0-9]+[.)])?[ \t]*(`{3,}|~{3,})")
)

// goldmarkParser builds the CommonMark parser with tables and strike-through once; it is safe for concurrent use.
var goldmarkParser = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.Table, extension.Strikethrough),
		goldmark.WithRendererOptions(html.WithUnsafe(), renderer.WithNodeRenderers(util.Prioritized(rawKeeper{}, 1))),
	)
})

// parseMarkdown reads CommonMark with tables, and what site generators add to it: front matter, Hugo's shortcodes,
// heading anchors, and in MDX imports and components. The second result is the reason for which it gives no article.
//
// The text goes through HTML, as a browser would show it, so that hidden elements and tables written as HTML come out
// right. What would keep the CommonMark parser busy for seconds is read line by line instead.
func parseMarkdown(text string, mdx bool, given meta) (parsed, string) {
	var doc parsed
	m, rest, ok := readFrontMatter(text)
	if !ok {
		return doc, SkipFrontMatter
	}
	if mdx {
		m.id = "" // site generators mean by it the page's name within its folder
	}
	doc.meta = given.or(m)
	w := &body{title: doc.title}
	markdownBody(w, rest, mdx)
	doc.from(w)
	return doc, ""
}

// markdownBody writes a Markdown text without front matter.
func markdownBody(w *body, text string, mdx bool) {
	text = prepareMarkdown(text, mdx)
	var out bytes.Buffer
	if costly(text) || convert(text, newRawTags(text, mdx), &out) != nil {
		plainLines(w, text)
		return
	}
	renderHTML(w, out.Bytes())
}

// convert renders Markdown as HTML. Tags that are placeholders rather than markup come out as text.
func convert(text string, tags rawTags, out *bytes.Buffer) error {
	src := []byte(text)
	gm := goldmarkParser()
	root := gm.Parser().Parse(textReader(src))
	root.SetAttributeString(rawTagsKey, tags)
	return gm.Renderer().Render(out, src, root)
}

// prepareMarkdown takes out of the source what is neither Markdown nor text, leaving code blocks as they are.
func prepareMarkdown(text string, mdx bool) string {
	var b strings.Builder
	b.Grow(len(text))
	var fence string
	module := false
	lines := strings.SplitAfter(joinTableRows(text), "\n")
	for _, line := range lines {
		bare := strings.TrimRight(line, "\n")
		if m := fenceIn(bare); m != nil {
			switch {
			case fence == "":
				fence = m[1]
			case m[1][0] == fence[0] && len(m[1]) >= len(fence):
				fence = ""
			}
			b.WriteString(line)
			continue
		}
		if fence != "" {
			b.WriteString(line)
			continue
		}
		if mdx {
			if module = bare != "" && (module || moduleStart.MatchString(bare)); module {
				module = !moduleEnd.MatchString(bare)
				continue
			}
			line = mdxComment.ReplaceAllString(line, "")
		}
		b.WriteString(prepareLine(line, bare))
	}
	return b.String()
}

// fenceIn matches a line that opens or closes a code block.
func fenceIn(line string) []string {
	if !strings.Contains(line, "```") && !strings.Contains(line, "~~~") {
		return nil
	}
	return fenceOpener.FindStringSubmatch(line)
}

// prepareLine cleans one line outside of code.
func prepareLine(line, bare string) string {
	if strings.Contains(bare, ":::") {
		if m := admonition.FindStringSubmatch(bare); m != nil {
			return strings.TrimSpace(m[2]+m[3]) + "\n"
		}
	}
	if strings.Contains(line, "{{") {
		line = shortcode.ReplaceAllString(line, "")
	}
	if strings.Contains(line, "{#") {
		line = anchor.ReplaceAllString(line, "")
	}
	if strings.HasPrefix(line, "#") && strings.Contains(line, "{") {
		line = headingTail.ReplaceAllString(line, "$1")
	}
	if strings.Contains(line, "](") {
		line = spacedLink.ReplaceAllString(line, "](<$1>)")
	}
	return line
}

// joinTableRows mends tables whose cells hold several paragraphs: some documentation systems write a row over many lines,
// blank ones included, and end it with "|". A row with too few cells is joined with the lines that follow until it has
// them all; when it never gets them, the lines stay as they are.
func joinTableRows(text string) string {
	if !strings.Contains(text, "|-") && !strings.Contains(text, "|:") && !strings.Contains(text, "| -") && !strings.Contains(text, "| :") {
		return text
	}
	lines := strings.Split(text, "\n")
	out := make([]string, 0, len(lines))
	for i := 0; i < len(lines); i++ {
		out = append(out, lines[i])
		if i == 0 || !strings.Contains(lines[i], "-") || !tableRuler.MatchString(lines[i]) || !strings.HasPrefix(strings.TrimSpace(lines[i-1]), "|") {
			continue
		}
		want := pipes(lines[i])
		for i+1 < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[i+1]), "|") {
			row, n := joinRow(lines[i+1:], want)
			out = append(out, row)
			i += n
		}
	}
	return strings.Join(out, "\n")
}

// maxRowLines is how many lines of source one table row may take.
const maxRowLines = 300

// joinRow joins the lines of one table row and tells how many there were.
func joinRow(lines []string, want int) (string, int) {
	have := pipes(lines[0])
	if have >= want {
		return lines[0], 1
	}
	var b strings.Builder
	b.WriteString(lines[0])
	for n := 1; n < len(lines) && n < maxRowLines; n++ {
		line := strings.TrimSpace(lines[n])
		if strings.HasPrefix(line, "#") || tableRuler.MatchString(line) && strings.Contains(line, "-") {
			break
		}
		if line != "" {
			b.WriteString(" ")
			b.WriteString(line)
		}
		have += pipes(lines[n])
		switch {
		case have == want && strings.HasSuffix(line, "|"):
			return b.String(), n + 1
		case have > want:
			return lines[0], 1
		}
	}
	return lines[0], 1
}

// pipes counts the cell borders in a line: bars that are not escaped.
func pipes(line string) int {
	n := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '|':
			n++
		}
	}
	return n
}

// costly tells whether the CommonMark parser, which is quadratic in several ways, could take too long for a text: it is
// big, or a paragraph of it has more special characters than any real one, or it nests too deeply.
func costly(text string) bool {
	const maxText, maxSpecial, maxNesting = 1 << 20, 3000, 120
	if len(text) > maxText {
		return true
	}
	var special, blank int
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			if blank++; blank > 50_000 {
				return true
			}
			special = 0
			continue
		}
		special += strings.Count(line, "[") + strings.Count(line, "*") + strings.Count(line, "_") + strings.Count(line, "`") +
			strings.Count(line, "<") + strings.Count(line, "~") + strings.Count(line, "!")
		if special > maxSpecial && !strings.HasPrefix(strings.TrimSpace(line), "|") || special > 20*maxSpecial || nesting(line) > maxNesting {
			return true
		}
	}
	return false
}

// nesting is how deep the block structure at the beginning of a line can be: quotes, list markers and indentation.
func nesting(line string) int {
	n := 0
	line = strings.TrimRight(line, " \t\n")
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '>' || c == '-' || c == '*' || c == '+':
			n++
		case c == '\t':
			n += 2
		case c >= '0' && c <= '9' || c == '.' || c == ')':
		case c == ' ':
			if i%2 == 1 {
				n++
			}
		default:
			return n
		}
	}
	if rule := strings.TrimLeft(line, " \t"); rule != "" && strings.Trim(rule, rule[:1]+" \t") == "" && rule[0] != '>' {
		return 0
	}
	return n
}

// rawTagsKey is the attribute of the document node under which rawKeeper finds what to keep.
var rawTagsKey = "prediag-raw-tags"

// rawKeeper renders raw HTML, with tags that are no markup as text.
type rawKeeper struct{}

// RegisterFuncs is what goldmark asks a renderer for.
func (rawKeeper) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindRawHTML, renderRaw)
	reg.Register(ast.KindHTMLBlock, renderRaw)
}

func renderRaw(w util.BufWriter, src []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkSkipChildren, nil
	}
	tags := rawTags{}
	if v, ok := n.OwnerDocument().AttributeString(rawTagsKey); ok {
		tags, _ = v.(rawTags)
	}
	switch n := n.(type) {
	case *ast.RawHTML:
		_, _ = w.WriteString(tags.keep(string(n.Segments.Value(src))))
	case *ast.HTMLBlock:
		raw := string(n.Lines().Value(src))
		if n.HasClosure() {
			raw += string(n.ClosureLine.Value(src))
		}
		_, _ = w.WriteString(tags.keep(raw))
	}
	return ast.WalkSkipChildren, nil
}
