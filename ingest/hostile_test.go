package ingest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"prediag"
)

const sharedData = "../../shared/data"

// readShared reads a JSON Lines file of the test data, and skips the test where there is none.
func readShared[T any](t *testing.T, name string) []T {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(sharedData, name))
	if err != nil {
		t.Skip("no test data: " + name)
	}
	var out []T
	for line := range strings.Lines(string(raw)) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		var v T
		require.NoError(t, json.Unmarshal([]byte(line), &v))
		out = append(out, v)
	}
	return out
}

// everyParser feeds raw to all parsers and checks what each of them returns.
func everyParser(t testing.TB, name string, raw []byte) {
	t.Helper()
	for _, p := range []string{"a.md", "a.mdx", "a.rst", "a.txt", "a.html", "a.docx", "a.pdf", "a.confluence"} {
		start := cpuTime()
		tk := &task{Source: "s", Path: p, Raw: raw}
		if p == "a.confluence" {
			tk.Format = FormatConfluence
		}
		a, reason := tk.parse()
		require.Less(t, cpuTime()-start, longest(), "%s as %s", name, p)
		checkArticle(t, name+" as "+p, a, reason)
	}
	start := cpuTime()
	_, _ = parseFeed(raw)
	_, _, _ = parseSitemap(raw)
	_ = parseRobots(string(raw)).allows("/a/b")
	_, _ = ParseSources("s.yaml", raw)
	require.Less(t, cpuTime()-start, longest(), "%s as what a server or a maintainer sends", name)
	if utf8.Valid(raw) {
		line, err := json.Marshal(map[string]string{"id": "x", "body": string(raw)})
		require.NoError(t, err)
		start := cpuTime()
		a, reason := parseRecord("s", "a.jsonl", line)
		require.Less(t, cpuTime()-start, longest(), "%s as a record", name)
		checkArticle(t, name+" as a record", a, reason)
	}
}

// longest is the processor time that one input may take; the race detector makes everything up to ten times slower.
func longest() time.Duration {
	if raceEnabled {
		return 20 * time.Second
	}
	return 2 * time.Second
}

// checkArticle checks what holds for every article: it has a title, and all of its spans are valid.
func checkArticle(t testing.TB, name string, a prediag.Article, reason string) {
	t.Helper()
	if reason != "" {
		return
	}
	require.NotEmpty(t, a.Title, name)
	require.NotContains(t, a.Title, "\n", name)
	require.NotEmpty(t, strings.TrimSpace(a.Body), name)
	require.True(t, utf8.ValidString(a.Body) && utf8.ValidString(a.Title), name)
	require.True(t, validID(a.ID), "%s: id %q", name, a.ID)
	require.NotEmpty(t, a.Language, name)
	require.NotEmpty(t, a.Revision, name)
	end := 0
	for _, s := range a.Sections {
		text, ok := s.Span.Of(a.Body)
		require.True(t, ok && s.Span.Start >= end, "%s: section %v after %d", name, s, end)
		require.True(t, utf8.ValidString(text) && strings.TrimSpace(text) != "", "%s: section %v", name, s)
		end = s.Span.End
	}
	for _, c := range a.Codes {
		text, ok := c.Citation.Span.Of(a.Body)
		require.True(t, ok && utf8.ValidString(text), "%s: code %v", name, c.Code)
		require.Equal(t, text, c.Citation.Quote, name)
		require.Equal(t, a.Revision, c.Citation.Revision, name)
		require.NotEmpty(t, c.Code, name)
	}
}

func TestHostileFiles(t *testing.T) {
	type part struct {
		S string `json:"s"`
		N int    `json:"n"`
	}
	t.Run("pathological", func(t *testing.T) {
		for _, c := range readShared[struct {
			ID    string `json:"id"`
			Parts []part `json:"parts"`
		}](t, "hostile/pathological/inputs.jsonl") {
			for _, times := range []int{1, 10} {
				var b strings.Builder
				for _, p := range c.Parts {
					n := p.N
					if n > 1 {
						n *= times
					}
					b.WriteString(strings.Repeat(p.S, n))
				}
				everyParser(t, c.ID, []byte(b.String()))
			}
		}
	})
	t.Run("markdown-commonmark", func(t *testing.T) {
		for _, c := range readShared[struct {
			ID       any    `json:"id"`
			Markdown string `json:"markdown"`
		}](t, "hostile/markdown-commonmark/examples.jsonl") {
			everyParser(t, fmt.Sprint(c.ID), []byte(c.Markdown))
		}
	})
	t.Run("html-html5lib", func(t *testing.T) {
		for _, c := range readShared[struct {
			ID    any    `json:"id"`
			Input string `json:"input"`
		}](t, "hostile/html-html5lib/tokenizer.jsonl") {
			everyParser(t, fmt.Sprint(c.ID), []byte(c.Input))
		}
	})
	t.Run("json-nst", func(t *testing.T) {
		for _, c := range readShared[struct {
			ID     string `json:"id"`
			Expect string `json:"expect"`
			Data   string `json:"data_b64"`
			Repeat *part  `json:"repeat"`
		}](t, "hostile/json-nst/cases.jsonl") {
			raw, err := base64.StdEncoding.DecodeString(c.Data)
			require.NoError(t, err)
			if c.Repeat != nil {
				raw = []byte(strings.Repeat(c.Repeat.S, c.Repeat.N))
			}
			everyParser(t, c.ID, raw)
			_, reason := parseRecord("s", "a.jsonl", raw)
			require.NotEmpty(t, reason, c.ID)
			nested := append(append([]byte(`{"id":"x","body":"b","extra":`), raw...), '}')
			if _, reason = parseRecord("s", "a.jsonl", nested); c.Expect == "reject" && !json.Valid(nested) {
				require.NotEmpty(t, reason, c.ID)
			}
		}
	})
	t.Run("utf8-own", hostileBytes)
}

// hostileBytes feeds every parser broken UTF-8 and texts in other encodings.
func hostileBytes(t *testing.T) {
	for _, c := range readShared[struct {
		ID    string `json:"id"`
		Hex   string `json:"bytes_hex"`
		Valid bool   `json:"valid_utf8"`
	}](t, "hostile/utf8-own/cases.jsonl") {
		raw, err := hex.DecodeString(c.Hex)
		require.NoError(t, err)
		everyParser(t, c.ID, raw)
		if _, reason := parseFile("s", "a.md", raw); !c.Valid {
			require.Equal(t, SkipInvalidUTF8, reason, c.ID)
		}
	}
	for _, c := range readShared[struct {
		ID  string `json:"id"`
		Hex string `json:"bytes_hex"`
	}](t, "hostile/utf8-own/wrong_encoding.jsonl") {
		raw, err := hex.DecodeString(c.Hex)
		require.NoError(t, err)
		_, reason := parseFile("s", "a.md", raw)
		require.Contains(t, []string{SkipInvalidUTF8, SkipBinary}, reason, c.ID)
	}
}

// TestBigAwkwardTexts feeds every parser texts of a few megabytes that are made to cost time.
func TestBigAwkwardTexts(t *testing.T) {
	if raceEnabled {
		t.Skip("measures time")
	}
	const size = 1 << 18
	fill := func(s string, n int) string { return strings.Repeat(s, n/len(s)+1) }
	table := "| Error code | Meaning |\n|---|---|\n"
	for _, c := range []struct{ name, text string }{
		{"links", fill("[a](b", size)},
		{"small links", fill("[a](b", 100_000)},
		{"link lines", fill("[a](b\n", 120_000)},
		{"link paragraphs", fill("[a](b [c][d] ![e](f\n\n", 120_000)},
		{"quotes", fill("> ", size)},
		{"quotes within the limit", fill(strings.Repeat("> ", 100)+"a\n", 120_000)},
		{"emphasis", fill("*a_ ", size)},
		{"strong", fill("**a *b ", 120_000)},
		{"nested lists", nestedLists(2000)},
		{"nested lists within the limit", fill(nestedLists(55), 120_000)},
		{"list markers", fill("- ", size)},
		{"backticks", backticks(900)},
		{"open comments", fill("<!--", 120_000)},
		{"open comment lines", fill("<!-- a\n\n", 120_000)},
		{"open instructions", fill("<? ", 120_000)},
		{"open cdata", fill("a <![CDATA[ ", 120_000)},
		{"attributes", "<a " + fill("b=c ", 120_000) + ">"},
		{"open tags", fill("<a ", 120_000)},
		{"divs", fill("<div>", 120_000)},
		{"hidden divs", fill("<div hidden>", 120_000)},
		{"tables", fill("<table><tr><td>", 120_000)},
		{"row spans", "<table>" + fill("<tr><td rowspan=100 colspan=100>a", 80_000)},
		{"reference definitions", fill("[a]: b\n", 120_000)},
		{"distinct definitions", numbered("[a%d]: b\n[a%d]\n", 20_000)},
		{"table with many columns", "|" + fill("a|", 5000) + "\n|" + fill("-|", 5000) + "\n" + fill("|b", 120_000)},
		{"table rows without end", table + fill("| a \n\n", 120_000)},
		{"table of codes", table + numbered("| ABC.%d | m%d |\n", 20_000)},
		{"code table with long cells", table + fill("| a,b,c,d,e,f,g,h,i,j | m |\n", 120_000)},
		{"headings", fill("# a\n", 120_000)},
		{"setext", fill("a\n===\n", 120_000)},
		{"deep headings", fill("# a\n\n## b\n\n###### c\n\n", 120_000)},
		{"entities", fill("&amp;&#x41;&nosuch", 120_000)},
		{"fences", fill("```\n", 120_000)},
		{"fences in lists", fill("- ```\n", 120_000)},
		{"shortcodes", fill("{{< a ", 120_000)},
		{"anchors", fill("{#a ", 120_000)},
		{"braces", "# " + fill("{ .", 120_000)},
		{"link with spaces", fill("](a b(c ", 120_000)},
		{"front matter", "---\n" + fill("a: b\n", size)},
		{"front matter aliases", "---\na: &a [x,x,x,x,x,x,x,x]\n" + aliases(9) + "---\ntext"},
		{"blank lines", fill("\n", 5*size)},
		{"one word", fill("a", 5*size)},
		{"han", fill("云服务器无法登录", 3*size)},
		{"zero width", fill("a\u200b", 3*size)},
		{"grid corners", fill("+-", 5000) + "+\n" + fill("| \n", 120_000)},
		{"grid table", gridRows(5000)},
		{"grid rules", fill("+---+---+\n", 120_000)},
		{"simple table", "=== ===\n" + fill("a   b\n", 120_000) + "=== ===\n"},
		{"simple rules", fill("= =\n", 120_000)},
		{"rst roles", fill(":a:`b ", 120_000)},
		{"rst stars", fill("*a ", 120_000)},
		{"rst substitutions", fill("|a ", 120_000)},
		{"rst substitution bomb", ".. |a| replace:: " + fill("b", 50_000) + "\n\n" + fill("|a| ", 120_000)},
		{"spans everywhere", "<table>" + fill("<tr><td colspan=100>", 120_000)},
		{"repeated cells", "<table><tr><td rowspan=100>" + fill("a", 60_000) + "<td>" + fill("<tr><td>b", 900) + fill("<table><tr><td rowspan=9>a<td>b<tr><td>c</table>", 60_000)},
		{"rst indentation", indentation(1500)},
		{"rst directives", fill(".. note::\n\n   a\n\n", 120_000)},
		{"rst nested directives", nestedDirectives(300)},
		{"rst numbers", fill("#. a\n", 120_000)},
		{"rst literal", fill("a::\n\n b\n\n", 120_000)},
		{"bars", fill("a | b\n", 120_000)},
	} {
		t.Run(c.name, func(t *testing.T) { everyParser(t, c.name, []byte(c.text)) })
	}
}

func nestedLists(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat("  ", i) + "- a\n")
	}
	return b.String() + "\n"
}

func indentation(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat(" ", i) + "a\n\n")
	}
	return b.String()
}

func nestedDirectives(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat("   ", i) + ".. note::\n\n")
	}
	return b.String() + strings.Repeat("   ", depth) + "text\n"
}

func backticks(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat("`", i+1) + "a")
	}
	return b.String()
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i+1000, i+1000)
	}
	return b.String()
}

func aliases(n int) string {
	var b strings.Builder
	for i := range n {
		c := string(rune('a' + i))
		d := string(rune('a' + i + 1))
		b.WriteString(d + ": &" + d + " [*" + c + ",*" + c + ",*" + c + ",*" + c + ",*" + c + ",*" + c + ",*" + c + ",*" + c + "]\n")
	}
	return b.String()
}

func gridRows(n int) string {
	rule := strings.Repeat("+---", 20) + "+\n"
	var b strings.Builder
	b.WriteString(rule)
	for range n {
		b.WriteString(strings.Repeat("| a ", 20) + "|\n" + rule)
	}
	return b.String()
}
