package ingest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Pieces of the one document that is written in every format.
const (
	sampleTable = "Error code | Description | Solution\nDSK.0001 | No space | Delete files"
	sampleCode  = "df -h\n  du -sx /"
	sampleURL   = "https://x.example/disk"
)

// written is the document in one format.
type written struct {
	path   string
	raw    []byte
	record bool   // raw is one record of the file
	format string // empty: by the path
	lacks  string // what the format has no place for: "meta" (time, product, category), "file links"
}

func everyFormat(t *testing.T) map[string]written {
	md := lines("## On Linux", "", "Do this, see [more](b.md) and <https://x.example/disk>:", "", "1. Log in.", "2. Delete files.", "", "```", sampleCode, "```", "",
		"| Error code | Description | Solution |", "|---|---|---|", "| DSK.0001 | No space | Delete files |", "")
	front := lines("---", "title: Disk full", "language: en", "product: disk", "category: storage", "updated: 2026-01-02", "---", "Why.", "", "# Solution", "", "")
	html := `<p>Why.</p><h2>Solution</h2><h3>On Linux</h3><p>Do this, see <a href="b.md">more</a> and <a href="https://x.example/disk">https://x.example/disk</a>:</p>` +
		`<ol><li>Log in.</li><li>Delete files.</li></ol><pre>` + sampleCode + `</pre><table><tr><th>Error code</th><th>Description</th><th>Solution</th></tr>` +
		`<tr><td>DSK.0001</td><td>No space</td><td>Delete files</td></tr></table>`
	rst := lines(":title: Disk full", ":language: en", ":product: disk", ":category: storage", ":updated: 2026-01-02", "", "Why.", "", "Solution", "========", "", "On Linux", "--------", "",
		"Do this, see `more <b.md>`_ and https://x.example/disk:", "", "#. Log in.", "#. Delete files.", "", ".. code-block::", "", "   df -h", "     du -sx /", "",
		"==========  ===========  ============", "Error code  Description  Solution", "==========  ===========  ============", "DSK.0001    No space     Delete files", "==========  ===========  ============", "")
	text := lines("# Disk full", "", "Why.", "", "# Solution", "", "## On Linux", "", "Do this, see more and https://x.example/disk:", "", "1. Log in.", "2. Delete files.", "", sampleCode, "", sampleTable, "")
	page := `<html lang="en"><head><title>Disk full</title><meta name="product" content="disk"><meta name="category" content="storage"><meta name="last-modified" content="2026-01-02"></head><body><main><h1>Disk full</h1>` + html + `</main></body></html>`
	record := func(fields map[string]string) []byte {
		all := map[string]string{"id": "1", "title": "Disk full", "language": "en", "product": "disk", "category": "storage", "updated": "2026-01-02"}
		for k, v := range fields {
			all[k] = v
		}
		raw, err := json.Marshal(all)
		require.NoError(t, err)
		return raw
	}
	return map[string]written{
		"markdown":          {path: "a.md", raw: []byte(front + md)},
		"mdx":               {path: "a.mdx", raw: []byte(front + "import X from 'x'\n\n" + md)},
		"restructured text": {path: "a.rst", raw: []byte(rst)},
		"html page":         {path: "a.html", raw: []byte(page)},
		"html fragment":     {path: "a", raw: []byte(html), format: FormatFragment, lacks: "meta"},
		"confluence": {path: "a", format: FormatConfluence, lacks: "meta", raw: bytes.Replace([]byte(html), []byte("<pre>"+sampleCode+"</pre>"),
			[]byte(`<ac:structured-macro ac:name="code"><ac:plain-text-body><![CDATA[`+sampleCode+`]]></ac:plain-text-body></ac:structured-macro>`), 1)},
		"text":            {path: "a.txt", raw: []byte(text), lacks: "meta, file links"},
		"word":            {path: "a.docx", raw: sampleDOCX(t), lacks: "product"},
		"pdf":             {path: "a.pdf", raw: samplePDF(t), lacks: "product, category"},
		"markdown record": {path: "a.jsonl", record: true, raw: record(map[string]string{"format": "markdown", "body": "Why.\n\n# Solution\n\n" + md})},
		"html record":     {path: "a.jsonl", record: true, raw: record(map[string]string{"format": "html", "body": html})},
	}
}

func sampleDOCX(t *testing.T) []byte {
	body := par("T", "Disk full") + par("", "Why.") + par("1", "Solution") + par("berschrift2", "On Linux") +
		`<w:p><w:r><w:t xml:space="preserve">Do this, see </w:t></w:r><w:hyperlink r:id="r1"><w:r><w:t>more</w:t></w:r></w:hyperlink><w:r><w:t xml:space="preserve"> and </w:t></w:r>` +
		`<w:hyperlink r:id="r2"><w:r><w:t>https://x.example/disk</w:t></w:r></w:hyperlink><w:r><w:t>:</w:t></w:r></w:p>` +
		listItem("3", "0", "Log in.") + listItem("3", "0", "Delete files.") +
		`<w:p><w:r><w:rPr><w:rFonts w:ascii="Consolas"/></w:rPr><w:t>df -h</w:t></w:r></w:p>` + par("HTMLPreformatted", "  du -sx /") +
		`<w:tbl><w:tr>` + cell("", "Error code") + cell("", "Description") + cell("", "Solution") + `</w:tr><w:tr>` + cell("", "DSK.0001") + cell("", "No space") + cell("", "Delete files") + `</w:tr></w:tbl>`
	return docxOf(t, body, map[string]string{"word/styles.xml": docxStyles, "word/numbering.xml": docxNumbers,
		docxRelations:       `<Relationships><Relationship Id="r1" Target="b.md" TargetMode="External"/><Relationship Id="r2" Target="` + sampleURL + `" TargetMode="External"/></Relationships>`,
		"docProps/core.xml": `<c><language>en</language><category>storage</category><modified>2026-01-02</modified></c>`})
}

func samplePDF(t *testing.T) []byte {
	page := show(20, 50, 760, "Disk full") + show(10, 50, 730, "Why.") + show(16, 50, 700, "Solution") + show(14, 50, 670, "On Linux") +
		show(10, 50, 640, "Do this, see more and https://x.example/disk:") + show(10, 50, 610, "1. Log in.") + show(10, 50, 598, "2. Delete files.") +
		showCode(10, 50, 560, "df -h") + showCode(10, 62, 548, "du -sx /") +
		show(10, 50, 500, "Error code") + show(10, 200, 500, "Description") + show(10, 350, 500, "Solution") + show(10, 50, 488, "DSK.0001") + show(10, 200, 488, "No space") + show(10, 350, 488, "Delete files")
	notes := "/Annots [<< /Subtype /Link /A << /S /GoToR /F (b.md) >> >> << /Subtype /Link /A << /S /URI /URI (" + sampleURL + ") >> >>]"
	raw := bytes.Replace(pdfOf("", page), []byte("/Type /Page /Parent"), []byte("/Type /Page "+notes+" /Parent"), 1)
	raw = bytes.Replace(raw, []byte("/F 3 0 R >>"), []byte("/F 3 0 R /M << /Type /Font /Subtype /Type1 /BaseFont /ABCDEF+Courier-Bold /Encoding /WinAnsiEncoding /FirstChar 32 /LastChar 126 /Widths ["+
		strings.Repeat("600 ", 95)+"] >> >>"), 1)
	raw = bytes.Replace(bytes.Replace(raw, []byte("(de)"), []byte("(en)"), 1), []byte("D:20260102030405Z"), []byte("D:20260102000000Z"), 1)
	return fixedXref(t, raw)
}

// showCode places a text in the monospaced font M.
func showCode(size, x, y int, s string) string {
	return strings.Replace(show(size, x, y, s), "/F ", "/M ", 1)
}

// TestEveryFormatGivesTheStructure reads one document in every format: title, sections with their headings above them and
// spans, the table's fault code, steps, code, links, language, product, category and time.
func TestEveryFormatGivesTheStructure(t *testing.T) {
	for name, in := range everyFormat(t) {
		t.Run(name, func(t *testing.T) {
			task := &task{Source: "s", Path: in.path, Raw: in.raw, Record: in.record, Format: in.format}
			has := func(what string) bool { return !bytes.Contains([]byte(in.lacks), []byte(what)) }
			if !has("meta") {
				task.Given = Meta{Title: "Disk full", Updated: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)} // as APIs say it
			}
			task.Defaults = Defaults{Language: "en"}
			if !has("meta") || !has("product") {
				task.Defaults.Product = "disk"
			}
			if !has("meta") || !has("category") {
				task.Defaults.Category = "storage"
			}
			a, reason := task.parse()
			require.Empty(t, reason)
			require.Equal(t, []string{"Disk full", "en", "disk", "storage"}, []string{a.Title, a.Language, a.Product, a.Category})
			require.Equal(t, "2026-01-02", a.Updated.Format(time.DateOnly))
			last := a.Sections[len(a.Sections)-1]
			require.Equal(t, "Solution > On Linux", last.Heading())
			text, ok := last.Span.Of(a.Body)
			require.True(t, ok)
			require.Contains(t, text, "1. Log in.\n2. Delete files.\n")
			require.Contains(t, text, sampleTable)
			require.Contains(t, text, "\n"+sampleCode+"\n")
			require.Len(t, a.Codes, 1)
			require.Equal(t, []string{"DSK.0001", "Delete files"}, []string{a.Codes[0].Code, a.Codes[0].Solution})
			want := []string{"s/b.md", sampleURL}
			if !has("file links") {
				want = want[1:]
			}
			require.Equal(t, want, a.Links)
			checkArticle(t, name, a, reason)
		})
	}
}
