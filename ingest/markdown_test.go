package ingest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// lines joins its arguments as lines.
func lines(l ...string) string { return strings.Join(l, "\n") }

func TestMarkdownBody(t *testing.T) {
	for _, c := range []struct{ name, path, in, want string }{
		{"emphasis, links and code", "a.md", "Run **`ark login`** or [ask us](https://x.example \"t\").\n", "Run ark login or ask us."},
		{"link with spaces in its target", "a.md", "See [API](../API Reference/Get (List).md#).\n", "See API."},
		{"image", "a.md", "Click ![icon](i.png) here.\n", "Click here."},
		{"nested list", "a.md", lines("Steps:", "", "1. One", "2. Two", "   - a", "   - b", "", "   more", "3. Three", "", "End"),
			lines("Steps:", "", "1. One", "2. Two", "  - a", "  - b", "  more", "3. Three", "", "End")},
		{"list from seven", "a.md", "7. a\n8. b\n", "7. a\n8. b"},
		{"code in a list keeps its lines", "a.md", "1. Run:\n\n   ```bash\n   a |  b\n     c\n   ```\n2. Done\n", "1. Run:\na |  b\n  c\n2. Done"},
		{"table", "a.md", "|Code|Meaning|\n|--|:--|\n|`A`|x<br>y|\n|B|x\\|y|\n", "Code | Meaning\nA | x y\nB | x|y"},
		{"table with cells over many lines", "a.md", "|K|V|\n|--|--|\n|a|one\n\n two\n\n |\n|b|three|\n\nEnd\n", "K | V\na | one two\nb | three\n\nEnd"},
		{"html table with spans", "a.md", "<table><tr><th>A</th><th>B</th></tr><tr><td rowspan=2>1</td><td>x</td></tr><tr><td>y<ul><li>z</li></ul></td></tr></table>\n",
			"A | B\n1 | x\n1 | y - z"},
		{"comments, scripts and hidden text", "a.md", "a <!-- no --> b\n\n<script>alert(1)</script>\n\n<div style=\"display: none\">\n\nhidden *text*\n\n</div>\n\nc <span hidden>no</span>d\n",
			"a b\n\nc d"},
		{"inline html and breaks", "a.md", "one<br>two <kbd>Ctrl</kbd>+<b>C</b> H<sub>2</sub>O\n", "one\ntwo Ctrl+C H2O"},
		{"placeholders stay", "a.md", "ssh <user>@<yourHost> and <https://x.example>\n", "ssh <user>@<yourHost> and https://x.example"},
		{"unknown element with an end goes", "a.md", "a <note>b</note>\n", "a b"},
		{"elements that swallow text do not", "a.md", "use <title> here\n\nand <textarea> there\n", "use <title> here\n\nand <textarea> there"},
		{"hugo shortcodes", "a.md", "a {{< warning >}}b{{< /warning >}} {{% x \"y\" %}}c\n", "a b c"},
		{"anchors", "a.md", "# T {#t .concept}\n\n## S {#s .section}\n\nx {#y}z\n\n## Q { .section}\n\ny\n", "S\n\nxz\n\nQ\n\ny"},
		{"code is left alone", "a.md", "```\n{{< keep >}} {#keep} <keep>\nimport x from 'y'\n```\n", "{{< keep >}} {#keep} <keep>\nimport x from 'y'"},
		{"mdx", "a.mdx", lines("import Tabs from '@theme/Tabs';", "import { a,", "  b } from \"x\";", "", "<Tabs>", "<TabItem value=\"x\">", "", "Text {/* no */}here", "", "</TabItem>", "</Tabs>", ":::note[Mind]", "", "This", "", ":::"),
			"Text here\n\nMind\n\nThis"},
		{"entities", "a.md", "a &lt;b&gt; &amp; &copy;\n", "a <b> & ©"},
		{"hard line breaks and soft ones", "a.md", "a  \nb\nc\n", "a\nb c"},
		{"quote", "a.md", "> a\n> b\n", "a b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, reason := parseFile("s", c.path, []byte(c.in))
			require.Empty(t, reason)
			require.Equal(t, c.want, a.Body)
			checkArticle(t, c.name, a, reason)
		})
	}
}

func TestMarkdownSections(t *testing.T) {
	in := lines("---", "title: Cannot log in", "---", "# Cannot log in", "", "Intro.", "", "## Cause", "", "c", "", "### Network", "", "n", "",
		"## Empty", "", "# Other", "", "Under", "-----", "", "o")
	a, reason := parseFile("s", "a.md", []byte(in))
	require.Empty(t, reason)
	require.Equal(t, "Cannot log in", a.Title)
	var got []string
	for _, s := range a.Sections {
		text, _ := s.Span.Of(a.Body)
		got = append(got, s.Heading()+": "+text)
	}
	require.Equal(t, []string{": Intro.", "Cause: c", "Cause > Network: n", "Other > Under: o"}, got)
	require.Equal(t, "Intro.\n\nCause\n\nc\n\nNetwork\n\nn\n\nEmpty\n\nOther\n\nUnder\n\no", a.Body)
}

func TestFrontMatter(t *testing.T) {
	yaml := lines("---", "id: x-1", "title: \"T: one\"", "language: zh-CN", "product: compute", "category: compute/login-failure", "kind: faq", "group: x",
		"updated: 2026-09-01", "codes: [ACS.0105, ALM-21004]", "url: https://h.example/x", "audience: [internal, partner]", "unknown: {a: [1]}", "---", "Text")
	a, reason := parseFile("s", "en/a.md", []byte(yaml))
	require.Empty(t, reason)
	require.Equal(t, []string{"x-1", "T: one", "zh", "compute", "compute/login-failure", "faq", "x", "https://h.example/x", "2026-09-01"},
		[]string{a.ID, a.Title, a.Language, a.Product, a.Category, a.Kind, a.Group, a.URL, a.Updated.Format("2006-01-02")})
	require.Equal(t, []string{"internal", "partner"}, a.Audience)
	require.Len(t, a.Codes, 2)

	a, reason = parseFile("s", "a.md", []byte("+++\ntitle = \"Toml\"\ndate = 2024-05-06\n[menu]\ntitle = \"no\"\n+++\nText"))
	require.Empty(t, reason)
	require.Equal(t, "Toml", a.Title)
	require.Equal(t, "2024-05-06", a.Updated.Format("2006-01-02"))

	for name, c := range map[string]struct{ in, reason string }{
		"broken":              {"---\na: [b\n---\nText", SkipFrontMatter},
		"audience of objects": {"---\naudience: [{a: b}]\n---\nText", SkipFrontMatter},
		"audience of numbers": {"---\naudience: 7\n---\nText", SkipFrontMatter},
		"not closed":          {"---\na: b\n\nText", ""},
		"a ruler":             {"---\n\nText\n\n---\n\nMore", ""},
		"only metadata":       {"---\ntitle: a\n---\n", SkipEmpty},
	} {
		_, reason := parseFile("s", "a.md", []byte(c.in))
		require.Equal(t, c.reason, reason, name)
	}
}

func TestCostlyMarkdownIsReadLineByLine(t *testing.T) {
	in := "# T\n\nText **b**\n\n## S\n\n" + strings.Repeat("[a](b", 5000) + "\n"
	a, reason := parseFile("s", "a.md", []byte(in))
	require.Empty(t, reason)
	require.Equal(t, "T", a.Title)
	require.Len(t, a.Sections, 2)
	require.True(t, strings.HasPrefix(a.Body, "Text **b**\n\nS\n\n[a](b[a]"))
	require.False(t, costly("---------------------------------------\n"+strings.Repeat("- ", 200)+"\n"))
}

// TestPlainMarkdownRoundTrip writes random paragraphs and headings and finds them again.
func TestPlainMarkdownRoundTrip(t *testing.T) {
	word := rapid.StringMatching(`[a-z云服务器]{1,8}`)
	rapid.Check(t, func(t *rapid.T) {
		text := func() string { return strings.Join(rapid.SliceOfN(word, 1, 8).Draw(t, "words"), " ") }
		n := rapid.IntRange(1, 6).Draw(t, "sections")
		var in strings.Builder
		in.WriteString("# Title\n\n")
		var want []string
		for range n {
			h, p := text(), text()
			in.WriteString("## " + h + "\n\n" + p + "\n\n")
			want = append(want, h+": "+p)
		}
		a, reason := parseFile("s", "a.md", []byte(in.String()))
		require.Empty(t, reason)
		var got []string
		for _, s := range a.Sections {
			body, _ := s.Span.Of(a.Body)
			got = append(got, s.Heading()+": "+body)
		}
		require.Equal(t, want, got)
	})
}
