package ingest

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// pdfOf makes a PDF with one content stream per page, in Helvetica as font F.
func pdfOf(title string, pages ...string) []byte {
	var b bytes.Buffer
	var offsets []int
	object := func(s string) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offsets), s)
	}
	b.WriteString("%PDF-1.4\n")
	var kids strings.Builder
	for i := range pages {
		fmt.Fprintf(&kids, "%d 0 R ", 5+2*i)
	}
	object("<< /Type /Catalog /Pages 2 0 R /Lang (de) >>")
	object(fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", kids.String(), len(pages)))
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding /FirstChar 32 /LastChar 126 /Widths [" + strings.Repeat("500 ", 95) + "] >>")
	object("<< /Title (" + title + ") /ModDate (D:20260102030405Z) >>")
	for i, s := range pages {
		object(fmt.Sprintf("<< /Type /Page /Parent 2 0 R /Resources << /Font << /F 3 0 R >> >> /Contents %d 0 R >>", 6+2*i))
		var z bytes.Buffer
		w := zlib.NewWriter(&z)
		_, _ = w.Write([]byte(s))
		_ = w.Close()
		object(fmt.Sprintf("<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream", z.Len(), z.String()))
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R /Info 4 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, xref)
	return b.Bytes()
}

// show places a text on a page.
func show(size, x, y int, s string) string {
	s = strings.NewReplacer("\\", "\\\\", "(", "\\(", ")", "\\)").Replace(s)
	return fmt.Sprintf("BT /F %d Tf %d %d Td (%s) Tj ET\n", size, x, y, s)
}

func TestPDF(t *testing.T) {
	first := show(8, 50, 800, "Handbook of storage, page 1") + show(20, 50, 760, "Disk full") + show(10, 50, 730, "The disk has no space left, so that writ-") +
		show(10, 50, 718, "ing fails.") + show(10, 50, 690, "A new paragraph.") + show(14, 50, 660, "Solution") + show(10, 50, 640, "1. Log in to the machine") +
		show(10, 60, 628, "as root.") + show(10, 50, 616, "2. Delete files.") + show(8, 50, 20, "Confidential")
	second := show(8, 50, 800, "Handbook of storage, page 2") + show(14, 50, 760, "Codes") + show(10, 50, 740, "Error code") + show(10, 200, 740, "Description") +
		show(10, 350, 740, "Solution") + show(10, 50, 725, "DSK.0001") + show(10, 200, 725, "No space") + show(10, 350, 725, "Delete files") + show(8, 50, 20, "Confidential")
	third := show(8, 50, 800, "Handbook of storage, page 3") + show(10, 50, 760, "The end.") + show(8, 50, 20, "Confidential")
	a, reason := parseFile("s", "a.pdf", pdfOf("Storage", first, second, third))
	require.Empty(t, reason)
	require.Equal(t, "Disk full", a.Title)
	require.Equal(t, "de", a.Language)
	require.Equal(t, 2026, a.Updated.Year())
	require.Equal(t, "The disk has no space left, so that writing fails.\n\nA new paragraph.\n\nSolution\n\n1. Log in to the machine as root.\n2. Delete files.\n\nCodes\n\n"+
		"Error code | Description | Solution\nDSK.0001 | No space | Delete files\n\nThe end.", a.Body)
	require.Len(t, a.Codes, 1)
	checkArticle(t, "pdf", a, reason)
	a, reason = parseFile("s", "a.pdf", append(bytes.Replace(pdfOf("Storage", first), []byte("%PDF-1.4"), []byte("%PDF-2.0"), 1), "\n\n<!-- served by x -->"...))
	require.Empty(t, reason)
	require.Equal(t, "Disk full", a.Title)
}

func TestPDFThatIsNone(t *testing.T) {
	good := pdfOf("T", show(10, 50, 700, "Text."))
	for name, c := range map[string]struct {
		raw    []byte
		reason string
	}{
		"no pdf":    {[]byte("hello"), SkipPDF},
		"cut":       {good[:len(good)/2], SkipPDF},
		"no pages":  {pdfOf("T"), SkipPDFGarbled},
		"no text":   {pdfOf("T", "0 0 10 10 re f"), SkipPDFGarbled},
		"garbled":   {pdfOf("T", show(10, 50, 700, "a\x01\x02\x03\x04b")), SkipPDFGarbled},
		"bad page":  {pdfOf("T", show(10, 50, 700, "Text."), "1 2 cm"), SkipPDF},
		"encrypted": {bytes.Replace(good, []byte("/Root 1 0 R"), []byte("/Root 1 0 R /ID [(0123456789abcdef)(0123456789abcdef)] /Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O ("+strings.Repeat("o", 32)+") /U ("+strings.Repeat("u", 32)+") >>"), 1), SkipPDFEncrypted},
	} {
		t.Run(name, func(t *testing.T) {
			_, reason := parseFile("s", "a.pdf", c.raw)
			require.Equal(t, c.reason, reason)
		})
	}
}

// TestPDFKeepsTheText writes lines and reads them back.
func TestPDFKeepsTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringMatching(`[A-Z][a-z(\\)]{2,9}( [a-z]{1,8}){0,5}`), 1, 12).Draw(t, "lines")
		var page strings.Builder
		for i, l := range lines {
			page.WriteString(show(10, 50, 780-40*i, l))
		}
		a, reason := parseFile("s", "a.pdf", pdfOf("T", page.String()))
		require.Empty(t, reason)
		require.Equal(t, strings.Join(lines, "\n\n"), a.Body)
	})
}

func FuzzPDFLayout(f *testing.F) {
	f.Add(show(10, 50, 700, "Text.") + show(20, 50, 650, "Head") + "1 0 0 1 0 0 cm q Q [(a) -2000 (b)] TJ T*")
	f.Fuzz(func(t *testing.T, page string) {
		a, reason := parseFile("s", "a.pdf", pdfOf("T", page, page, page))
		checkArticle(t, "pdf", a, reason)
	})
}
