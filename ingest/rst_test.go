package ingest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRSTBody(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"inline markup", "Run **this** or *that*, ``code * x``, :ref:`the list <a__b>`, `site <https://x.example>`__ and `other`_ \\*.",
			"Run this or that, code * x, the list, site and other *."},
		{"what is no markup", "2 * 3 * 4, a*b*c, |none|, a`b, :notrole: and 10:30:15", "2 * 3 * 4, a*b*c, |none|, a`b, :notrole: and 10:30:15"},
		{"escaped space joins", "**Ctrl**\\ +\\ **C**", "Ctrl+C"},
		{"no spaces in chinese", "单击\\ **创建**\\ ，然后*确定*。", "单击创建，然后确定。"},
		{"substitutions", lines("Click |image1| in |name|.", "", ".. |image1| image:: x.png", ".. |name| replace:: Ark Cloud"), "Click  in Ark Cloud."},
		{"labels and comments", lines(".. _label:", "", "Text.", "", ".. a comment", "   of two lines", "", "More."), "Text.\n\nMore."},
		{"lists", lines("-  One", "", "   more", "", "-  Two", "", "   #. a", "   #. b", "", "#. x", "#. .. _li:", "", "   y"),
			lines("- One", "  more", "- Two", "  1. a", "  2. b", "", "1. x", "2. y")},
		{"literal block", lines("Run::", "", "   a  b", "     c", "", "Then."), "Run:\n\na  b\n  c\n\nThen."},
		{"code block", lines(".. code-block:: bash", "   :linenos:", "", "   $ ls", "", "   $ pwd"), "$ ls\n\n$ pwd"},
		{"admonition", lines(".. note::", "", "   Mind *this*.", "", "   -  a"), "Note:\n\nMind this.\n\n- a"},
		{"figure, image, toctree and include", lines("Text", "", ".. figure:: a.png", "   :alt: **no**", "", "   **Figure 1** Caption", "", ".. image:: b.png", "",
			".. toctree::", "   :hidden:", "", "   page", "", ".. include:: x.rst"), "Text\n\nFigure 1 Caption"},
		{"grid table", lines(
			".. table:: **Table 1** Codes", "",
			"   +------+---------------+",
			"   | Code | Meaning       |",
			"   +======+===============+",
			"   | A.1  | -  first      |",
			"   |      | -  second     |",
			"   +------+---------------+",
			"   | A.2  | Text that     |",
			"   |      | goes on       |",
			"   +------+---------------+"), "Table 1 Codes\n\nCode | Meaning\nA.1 | - first - second\nA.2 | Text that goes on"},
		{"grid table with spans", lines(
			"+-----+-----+-----+",
			"| A   | B   | C   |",
			"+=====+=====+=====+",
			"| one | x   | y   |",
			"|     +-----+-----+",
			"|     | both      |",
			"+-----+-----+-----+"), "A | B | C\none | x | y\none | both |"},
		{"grid table with wide characters", lines(
			"+--------+------+",
			"| 错误码 | 含义 |",
			"+========+======+",
			"| A.1    | 磁盘 |",
			"+--------+------+"), "错误码 | 含义\nA.1 | 磁盘"},
		{"simple table", lines(
			"==== ===========",
			"Key  Value",
			"==== ===========",
			"a    ``b`` c",
			"     goes on",
			"",
			"d    e",
			"==== ===========", "", "End"), "Key | Value\na | b c goes on\nd | e\n\nEnd"},
		{"list table", lines(".. list-table:: T", "   :header-rows: 1", "", "   * - A", "     - B", "   * - 1", "     - 2", "       3"), "T\n\nA | B\n1 | 2 3"},
		{"csv table", lines(".. csv-table:: T", "", "   a,\"b, c\"", "   d,e"), "T\n\na | b, c\nd | e"},
		{"field list in the text", lines("Text", "", ":Name: value", "   more"), "Text\n\nName: value more"},
		{"definition list", lines("term", "   what it *is*"), "term\n\nwhat it is"},
		{"line block and transition", lines("| a", "| b", "", "-----", "", "c"), "a\n\nb\n\nc"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, reason := parseFile("s", "a.rst", []byte(c.in))
			require.Empty(t, reason)
			require.Equal(t, c.want, a.Body)
			checkArticle(t, c.name, a, reason)
		})
	}
}

func TestRSTSectionsAndMetadata(t *testing.T) {
	in := lines(":original_name: x.html", ":id: rst-1", ":language: en", ":kind: faq", ":codes: ABS.1407, ABS.1408", ":updated: 2026-09-01", "",
		".. _x:", "", "=========", "The title", "=========", "", "Intro.", "", "Cause", "-----", "", "c", "", "Network", "~~~~~~~", "", "n", "", "Solution", "--------", "", "s")
	a, reason := parseFile("s", "a.rst", []byte(in))
	require.Empty(t, reason)
	require.Equal(t, []string{"rst-1", "The title", "en", "faq"}, []string{a.ID, a.Title, a.Language, a.Kind})
	require.Equal(t, 2026, a.Updated.Year())
	var got []string
	for _, s := range a.Sections {
		text, _ := s.Span.Of(a.Body)
		got = append(got, s.Heading()+": "+text)
	}
	require.Equal(t, []string{": Intro.", "Cause: c", "Cause > Network: n", "Solution: s"}, got)
	require.Len(t, a.Codes, 2)
	require.Equal(t, "s", a.Codes[0].Solution)

	_, reason = parseFile("s", "a.rst", []byte(":audience:\n\nTitle\n=====\n\nText"))
	require.Equal(t, SkipFrontMatter, reason)
}
