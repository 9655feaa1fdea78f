package ingest

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// seeds are pieces of every format that a mutation can go on from.
var seeds = [...]string{
	"# T {#t}\n\nText **b** `c` [l](u) ![i](j)\n\n1. a\n   - b\n\n     c\n2. d\n",
	"---\ntitle: T\naudience: [a]\ncodes: [A.1]\n---\n## S\n\n|Code|Meaning|\n|--|--|\n|A.1|m\n\n n|\n",
	"+++\ntitle = \"T\"\n+++\n{{< x >}} <b>y</b> <!-- z -->\n",
	"<table><tr><td rowspan=2 colspan=3>a<td>b<tr><th>c</table><div hidden>x</div><pre>a\n b</pre>",
	"import x from 'y'\n\n<Tabs>\n\n:::note A\n\ntext\n\n:::\n\n```\ncode\n```\n</Tabs>",
	":id: x\n\n.. _l:\n\nT\n=\n\nText :ref:`a <b>` ``c`` |s|\n\n.. |s| replace:: d\n\n.. note::\n\n   n\n",
	"+---+---+\n| A | B |\n+===+===+\n| a | b |\n|   +---+\n|   | c |\n+---+---+\n",
	"=== ===\nA   B\n=== ===\na   错\n    c\n=== ===\n\na::\n\n  b\n\n#. x\n\n   y\n",
	"See a_, `b c`_, `d`__ and https://x.example/a_(b).\n\n.. _a: `b c`_\n.. _b c:\n   https://x.example\n\n__ e.rst\n\n.. toctree::\n\n   f\n",
	".. list-table:: T\n\n   * - a\n     - b\n\n.. csv-table::\n\n   a,\"b\n",
	"Heading\n\nText.\n\nError code | Meaning | Solution\nA.1, A.2 | m | s\n\n|a|b|\n\u200b\u202e\U000e0041",
}

// fuzzParser fuzzes the parser of files with the name.
func fuzzParser(f *testing.F, name string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, reason := parseFile("s", name, raw)
		checkArticle(t, name, a, reason)
		b, again := parseFile("s", name, raw)
		require.Equal(t, reason, again)
		require.Equal(t, a, b, "the same bytes give the same article")
	})
}

func FuzzMarkdown(f *testing.F) { fuzzParser(f, "a.md") }

func FuzzMDX(f *testing.F) { fuzzParser(f, "zh/a.mdx") }

func FuzzRST(f *testing.F) { fuzzParser(f, "a.rst") }

func FuzzPlain(f *testing.F) { fuzzParser(f, "a.txt") }

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"id":"a","title":"t","body":"b","lang":"zh","updated":"2026-01-02","audience":["x"],"codes":["A.1",{"code":"A.2"}]}`))
	for _, s := range seeds {
		for _, format := range []string{"", "markdown"} {
			line, err := json.Marshal(map[string]string{"id": "a", "body": s, "format": format})
			require.NoError(f, err)
			f.Add(line)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, reason := parseRecord("s", "a.jsonl", raw)
		checkArticle(t, "record", a, reason)
	})
}

func FuzzClean(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := clean(s)
		require.True(t, utf8.ValidString(once))
		require.Equal(t, -1, strings.IndexFunc(once, func(r rune) bool { return invisible(r) && r != '\u200c' && r != '\u200d' }))
		require.Equal(t, once, clean(once))
	})
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("{\"id\":\"a\",\"body\":\"b\"}\n\n{\"id\":\"c\",\"body\":\"d\"}"), true)
	f.Add([]byte(zipped(f, `{"id":"a","body":"b"}`)), false)
	f.Fuzz(func(t *testing.T, raw []byte, plain bool) {
		name := "a.jsonl.gz"
		if plain {
			name = "a.jsonl"
		}
		index := newMemory()
		rep, err := New(index, Options{MaxItemBytes: 1000}).Refresh(t.Context(), []Source{FS("s", files(map[string]string{name: string(raw)}))})
		require.NoError(t, err)
		require.Equal(t, 1, rep.Sources[0].Files)
		require.Equal(t, len(index.articles), rep.Sources[0].Articles)
		require.True(t, rep.Sources[0].Articles > 0 || len(rep.Sources[0].Skipped) > 0, "nothing is left out silently")
	})
}
