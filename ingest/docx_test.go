package ingest

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// zipOf makes a zip of name → content.
func zipOf(t require.TestingT, parts map[string]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = w.Write([]byte(parts[name]))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

// docxOf makes a Word document of the XML of a body.
func docxOf(t require.TestingT, body string, more map[string]string) []byte {
	parts := map[string]string{"word/document.xml": `<?xml version="1.0"?><w:document xmlns:w="w" xmlns:mc="mc"><w:body>` + body + `<w:sectPr/></w:body></w:document>`}
	for name, s := range more {
		parts[name] = s
	}
	return zipOf(t, parts)
}

func par(style, text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text))
	return `<w:p><w:pPr><w:pStyle w:val="` + style + `"/></w:pPr><w:r><w:t xml:space="preserve">` + b.String() + `</w:t></w:r></w:p>`
}

func listItem(num, level, text string) string {
	return `<w:p><w:pPr><w:numPr><w:ilvl w:val="` + level + `"/><w:numId w:val="` + num + `"/></w:numPr></w:pPr><w:r><w:t>` + text + `</w:t></w:r></w:p>`
}

func cell(props, text string) string {
	return `<w:tc><w:tcPr>` + props + `</w:tcPr>` + par("", text) + `</w:tc>`
}

const (
	docxStyles = `<w:styles xmlns:w="w"><w:style w:styleId="1"><w:name w:val="heading 1"/></w:style><w:style w:styleId="berschrift2"><w:name w:val="heading 2"/></w:style>
<w:style w:styleId="T"><w:name w:val="Title"/></w:style><w:style w:styleId="own"><w:name w:val="Own"/><w:basedOn w:val="1"/></w:style></w:styles>`
	docxNumbers = `<w:numbering xmlns:w="w"><w:abstractNum w:abstractNumId="7"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl><w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>
<w:num w:numId="3"><w:abstractNumId w:val="7"/></w:num></w:numbering>`
	docxCore = `<cp:coreProperties xmlns:cp="c" xmlns:dc="d"><dc:title>From a template</dc:title><dc:language>de-DE</dc:language><dcterms:modified xmlns:dcterms="t">2026-02-03T04:05:06Z</dcterms:modified></cp:coreProperties>`
)

func TestDOCX(t *testing.T) {
	body := par("T", "Disk full") + par("", "Text first.") + par("1", "Causes") +
		`<w:p><w:r><w:t>Shown </w:t></w:r><w:del><w:r><w:delText>deleted</w:delText></w:r></w:del><w:ins><w:r><w:t>inserted</w:t></w:r></w:ins>` +
		`<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r><w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t> again</w:t><w:br/><w:t>next</w:t></w:r>` +
		`<w:hyperlink><w:r><w:t> link</w:t></w:r></w:hyperlink></w:p>` +
		par("own", "Steps") + listItem("3", "0", "One") + listItem("3", "1", "Sub") + listItem("3", "0", "Two") + par("", "Between.") + listItem("3", "0", "Three") +
		par("berschrift2", "Codes") + `<w:tbl><w:tr>` + cell("", "Error code") + cell("", "Description") + cell("", "Solution") + `</w:tr>` +
		`<w:tr>` + cell("", "DSK.0001") + cell("", "No space") + cell(`<w:vMerge w:val="restart"/>`, "Delete files") + `</w:tr>` +
		`<w:tr>` + cell("", "DSK.0002") + cell("", "No inodes") + cell(`<w:vMerge/>`, "") + `</w:tr></w:tbl>` +
		`<w:p><w:r><mc:AlternateContent><mc:Choice><w:t>Box</w:t></mc:Choice><mc:Fallback><w:t>Box</w:t></mc:Fallback></mc:AlternateContent></w:r></w:p>`
	raw := docxOf(t, body, map[string]string{"word/styles.xml": docxStyles, "word/numbering.xml": docxNumbers, "docProps/core.xml": docxCore})
	a, reason := parseFile("s", "a.docx", raw)
	require.Empty(t, reason)
	require.Equal(t, "Disk full", a.Title)
	require.Equal(t, "de", a.Language)
	require.Equal(t, 2026, a.Updated.Year())
	require.Equal(t, "Text first.\n\nCauses\n\nShown inserted again\nnext link\n\nSteps\n\n1. One\n  - Sub\n2. Two\n\nBetween.\n\n3. Three\n\nCodes\n\n"+
		"Error code | Description | Solution\nDSK.0001 | No space | Delete files\nDSK.0002 | No inodes | Delete files\n\nBox", a.Body)
	require.Equal(t, []string{"Steps", "Codes"}, a.Sections[len(a.Sections)-1].Path)
	require.Len(t, a.Codes, 2)
	require.Equal(t, "Delete files", a.Codes[1].Solution)
	checkArticle(t, "docx", a, reason)

	a, reason = parseFile("s", "notes_on-x.docx", docxOf(t, par("", "Text."), map[string]string{"docProps/core.xml": docxCore}))
	require.Empty(t, reason)
	require.Equal(t, "From a template", a.Title)
	a, reason = parseFile("s", "a.docx", docxOf(t, par("Heading1", "Found")+par("", "Text."), map[string]string{"docProps/core.xml": docxCore}))
	require.Empty(t, reason)
	require.Equal(t, "Found", a.Title, "a heading is a better title than what a template left")
}

func TestDOCXThatIsNone(t *testing.T) {
	deep := strings.Repeat("<w:p>", 400) + strings.Repeat("</w:p>", 400)
	bomb := strings.Repeat(" ", 8<<20)
	for name, c := range map[string]struct {
		raw    []byte
		reason string
	}{
		"no zip":        {[]byte("PK\x03\x04 no"), SkipDOCX},
		"empty":         {docxOf(t, "", nil), SkipEmpty},
		"other zip":     {zipOf(t, map[string]string{"../../evil.md": "# x"}), SkipDOCX},
		"bad xml":       {zipOf(t, map[string]string{"word/document.xml": "<a><b></a>"}), SkipDOCX},
		"entities":      {zipOf(t, map[string]string{"word/document.xml": `<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><a>&d;</a>`}), SkipDOCX},
		"deep":          {docxOf(t, deep, nil), SkipDOCX},
		"bomb":          {zipOf(t, map[string]string{"word/document.xml": bomb}), SkipCompression},
		"bomb of style": {docxOf(t, par("", "x"), map[string]string{"word/styles.xml": bomb}), SkipCompression},
		"cut":           {docxOf(t, par("", "x"), nil)[:100], SkipDOCX},
	} {
		t.Run(name, func(t *testing.T) {
			_, reason := parseFile("s", "a.docx", c.raw)
			require.Equal(t, c.reason, reason)
		})
	}
	many := map[string]string{}
	for i := range maxZipEntries + 1 {
		many[strings.Repeat("x", i%7+1)+string(rune('a'+i%26))+strings.Repeat("y", i/100)+strings.Repeat("z", i%100)] = ""
	}
	_, reason := parseFile("s", "a.docx", zipOf(t, many))
	require.Equal(t, SkipTooLarge, reason)
}

// TestDOCXKeepsTheText writes paragraphs and headings and reads them back.
func TestDOCXKeepsTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[A-Za-z一-龥<&>"]{1,10}( [a-z]{1,8}){0,5}`)
		var body strings.Builder
		want := []string{}
		for range rapid.IntRange(1, 8).Draw(t, "n") {
			s := word.Draw(t, "text")
			want = append(want, s)
			if len(want) > 1 && rapid.Bool().Draw(t, "heading") {
				body.WriteString(par("Heading"+rapid.StringMatching(`[1-6]`).Draw(t, "level"), s))
			} else {
				body.WriteString(par("", s))
			}
		}
		a, reason := parseFile("s", "a.docx", docxOf(t, body.String(), nil))
		require.Empty(t, reason)
		require.Equal(t, strings.Join(want, "\n\n"), a.Body)
	})
}

func FuzzDOCX(f *testing.F) {
	f.Add([]byte(par("T", "a")+listItem("3", "0", "b")+`<w:tbl><w:tr>`+cell(`<w:gridSpan w:val="9"/>`, "c")+`</w:tr></w:tbl>`), []byte(docxStyles), []byte(docxNumbers))
	f.Add([]byte(`<w:p><w:r><w:fldChar w:fldCharType="begin"/><w:instrText>HYPERLINK "a"</w:instrText><w:t>b</w:t><w:fldChar w:fldCharType="end"/></w:r><w:fldSimple w:instr="HYPERLINK b.md"><w:hyperlink r:id="1"/></w:fldSimple></w:p>`),
		[]byte(docxStyles), []byte(docxNumbers))
	f.Fuzz(func(t *testing.T, body, styles, numbers []byte) {
		a, reason := parseFile("s", "a.docx", docxOf(t, string(body), map[string]string{"word/styles.xml": string(styles), "word/numbering.xml": string(numbers)}))
		checkArticle(t, "docx", a, reason)
		a, reason = parseFile("s", "a.docx", body)
		checkArticle(t, "docx", a, reason)
	})
}
