package ingest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLinksAreResolved(t *testing.T) {
	targets := []string{"b.md#part", "../top.rst", "/root.html", "../../outside.md", "#here", "mailto:a@b.c", "javascript:alert(1)", "picture.png",
		"https://x.example/a?b=1#c", "b.md", "", "%zz", "//host/x.md", "sub"}
	require.Equal(t, []string{"s/guide/b.md", "s/top.rst", "s/root.html", "https://x.example/a?b=1#c"}, resolveLinks("s", "guide/a.md", "", targets))
	require.Equal(t, []string{"https://y.example/docs/sub"}, resolveLinks("s", "p", "https://y.example/docs/page", []string{"sub", "data:text/html,x"}))
}

func TestLinksAreKeptAndBrokenOnesCounted(t *testing.T) {
	index := newMemory()
	tree := map[string]string{
		"a.md":      "# A\n\nSee [b](b.md), [own](own.md#x), [nothing](gone.md), [again](gone.md) and [out](https://x.example/).",
		"b.md":      "# B\n\n<a hidden href=hidden.md>x</a> [back](a.md)",
		"own.md":    "---\nid: own-id\n---\n# Own\n\nText.",
		"sub/c.rst": "C\n=\n\nSee `the page <../a.md>`_ and :doc:`d`.\n",
	}
	refresh := func() SourceReport {
		rep, err := New(index, Options{}).Refresh(t.Context(), []Source{FS("s", files(tree))})
		require.NoError(t, err)
		return rep.Sources[0]
	}
	require.Equal(t, 2, refresh().Broken, "one in a.md, said once, and one in c.rst")
	require.Equal(t, []string{"s/b.md", "s/own.md", "s/gone.md", "https://x.example/"}, index.articles["s/a.md"].Links)
	require.Equal(t, []string{"s/a.md"}, index.articles["s/b.md"].Links)
	require.Equal(t, []string{"s/a.md", "s/sub/d.rst"}, index.articles["s/sub/c.rst"].Links)
	tree["gone.md"] = "# Here\n\nNow."
	tree["a.md"] += "\n\nMore."
	require.Zero(t, refresh().Broken, "only what was parsed is counted")
}

func TestRSTLinks(t *testing.T) {
	text := func(in ...string) (body string, links []string) {
		a, reason := parseFile("s", "guide/a.rst", []byte(lines(in...)))
		require.Empty(t, reason)
		checkArticle(t, "rst", a, reason)
		return a.Body, a.Links
	}
	for _, c := range []struct {
		name  string
		in    []string
		body  string
		links []string
	}{
		{"named", []string{"See Python_, `the Site`_ and other_.", "", ".. _python: https://python.example/a_b", ".. _The Site: b.rst"}, "See Python, the Site and other_.",
			[]string{"https://python.example/a_b", "s/guide/b.rst"}},
		{"indirect and in a circle", []string{"`one`_ and round_", "", ".. _one: two_", ".. _two: https://x.example/", ".. _round: `again`_", ".. _again: round_"}, "one and round_",
			[]string{"https://x.example/"}},
		{"alias", []string{"`shown <one_>`_", "", ".. _one: https://x.example/"}, "shown", []string{"https://x.example/"}},
		{"anonymous", []string{"`first`__ then `second`__", "", "__ https://x.example/1", "", ".. __: https://x.example/2"}, "first then second",
			[]string{"https://x.example/1", "https://x.example/2"}},
		{"too long for a line", []string{"long_", "", ".. _long:", "   https://x.example/long", "", "End."}, "long\n\nEnd.", []string{"https://x.example/long"}},
		{"bare", []string{"(https://x.example/a_b_c?d=*e). See http://y.example/w_(z), xhttp://no and http:// too。"},
			"(https://x.example/a_b_c?d=*e). See http://y.example/w_(z), xhttp://no and http:// too。", []string{"https://x.example/a_b_c?d=", "http://y.example/w_(z)"}},
		{"in tables", []string{"+----------+", "| :doc:`b` |", "+----------+", "", "==================  ==", "https://x.example/  b", "==================  ==", "", ".. list-table::", "", "   * - `c <c.md>`_"},
			"b\n\nhttps://x.example/ | b\n\nc", []string{"s/guide/b.rst", "https://x.example/", "s/guide/c.md"}},
		{"documents and contents", []string{"Text :doc:`b <../b>`, :ref:`nowhere`.", "", ".. toctree::", "   :maxdepth: 2", "", "   c", "   Title </d>", "   self", "   all/*", "   Out <https://x.example/>"},
			"Text b, nowhere.", []string{"s/b.rst", "s/guide/c.rst", "s/d.rst", "https://x.example/"}},
		{"in code", []string{"Run ``https://x.example/no``::", "", "   https://x.example/no"}, "Run https://x.example/no:\n\nhttps://x.example/no", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			body, links := text(c.in...)
			require.Equal(t, c.body, body)
			require.Equal(t, c.links, links)
		})
	}
}

func TestDOCXLinks(t *testing.T) {
	run := func(text string) string { return `<w:r><w:t>` + text + `</w:t></w:r>` }
	char := func(kind string) string { return `<w:r><w:fldChar w:fldCharType="` + kind + `"/></w:r>` }
	code := func(text string) string { return `<w:r><w:instrText> ` + text + `</w:instrText></w:r>` }
	body := `<w:p><w:hyperlink r:id="rId1">` + run("guide") + `</w:hyperlink><w:hyperlink w:anchor="here">` + run(" here") + `</w:hyperlink>` +
		`<w:hyperlink r:id="rId2"><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r></w:hyperlink><w:hyperlink r:id="rId3">` + run(" part") + `</w:hyperlink>` +
		`<w:del><w:hyperlink r:id="rId2"><w:r><w:delText>deleted</w:delText></w:r></w:hyperlink></w:del></w:p>` +
		`<w:tbl><w:tr><w:tc><w:p><w:fldSimple w:instr=' HYPERLINK "https://x.example/simple" \o "tip"'>` + run("simple") + `</w:fldSimple></w:p></w:tc></w:tr></w:tbl>` +
		`<w:p>` + char("begin") + code(`HYPER`) + `<w:r><w:instrText>LINK "sub\\b.md" \l "x"</w:instrText></w:r>` + char("separate") + run("field ") +
		char("begin") + code("PAGE") + char("separate") + run("7") + char("end") + char("end") +
		char("begin") + code(`HYPERLINK \l "here"`) + char("separate") + run(" local") + char("end") + char("end") + `</w:p>`
	rels := `<Relationships><Relationship Id="rId1" Target="../guide%201.docx" TargetMode="External"/><Relationship Id="rId2" Target="https://x.example/hidden" TargetMode="External"/>
<Relationship Id="rId3" Target="styles.xml"/></Relationships>`
	a, reason := parseFile("s", "docs/a.docx", docxOf(t, body, map[string]string{docxRelations: rels}))
	require.Empty(t, reason)
	require.Equal(t, "guide here part\n\nsimple\n\nfield 7 local", a.Body)
	require.Equal(t, []string{"s/" + slug("guide 1.docx"), "https://x.example/simple", "s/docs/sub/b.md"}, a.Links)
	checkArticle(t, "docx", a, reason)
}

func TestPDFLinks(t *testing.T) {
	link := func(action, more string) string {
		return "<< /Type /Annot /Subtype /Link /Rect [0 0 1 1] /A << " + action + " >> " + more + ">> "
	}
	notes := "[" + link("/S /URI /URI (https://x.example/a\\(b\\))", "") + link("/S /URI /URI (https://x.example/hidden)", "/F 2 ") +
		link("/S /GoTo /D [0 /Fit]", "") + link("/S /GoToR /F (../guide.pdf) /D [0 /Fit]", "") + link("/S /Launch /F << /Type /Filespec /UF (100% sure.docx) >>", "") +
		"<< /Subtype /Text /A << /S /URI /URI (https://x.example/note) >> >> 7 99 0 R" + link("/S /URI /URI 12", "") + "]"
	raw := bytes.Replace(pdfOf("T", show(10, 50, 700, "Text.")), []byte("/Type /Page /Parent"), []byte("/Type /Page /Annots "+notes+" /Parent"), 1)
	a, reason := parseFile("s", "docs/a.pdf", fixedXref(t, raw))
	require.Empty(t, reason)
	require.Equal(t, "Text.", a.Body)
	require.Equal(t, []string{"https://x.example/a(b)", "s/guide.pdf", "s/" + slug("docs/100% sure.docx")}, a.Links)
}

// fixedXref writes the table of objects of a document anew, in which something was put in by hand.
func fixedXref(t *testing.T, raw []byte) []byte {
	body, _, ok := bytes.Cut(raw, []byte("xref\n"))
	require.True(t, ok)
	var b bytes.Buffer
	b.Write(body)
	n := 0
	var entries bytes.Buffer
	for at := 0; ; n++ {
		i := bytes.Index(body[at:], fmt.Appendf(nil, "%d 0 obj\n", n+1))
		if i < 0 {
			break
		}
		at += i
		fmt.Fprintf(&entries, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R /Info 4 0 R >>\nstartxref\n%d\n%%%%EOF\n", n+1, entries.String(), n+1, len(body))
	return b.Bytes()
}
