package ingest

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ledongthuc/pdf"
)

const (
	maxPages   = 3000
	maxGarbled = 0.02 // share of characters that are none: fonts without a map to Unicode give these
)

// parsePDF reads the text of a PDF in the order in which it was written: lines by position, headings by size, rows of
// tables by their gaps. What repeats at the top or bottom of pages is left out. Pictures of text are not read. The second
// result is the reason for which it gives no article.
func parsePDF(raw []byte, given meta) (parsed, string) {
	r, reason := openPDF(raw)
	if reason != "" {
		return parsed{}, reason
	}
	text, reason := readPDF(r)
	if reason != "" {
		return parsed{}, reason
	}
	doc := parsed{meta: given.or(text.meta)}
	w := &body{title: given.title}
	writePDF(w, dropRunning(text.pages))
	for _, target := range text.links {
		w.link(target)
	}
	if w.title != "" {
		doc.title = w.title
	}
	doc.from(w)
	return doc, ""
}

// openPDF opens a document, forgiving what follows its end and a version that the reader does not know.
func openPDF(raw []byte) (*pdf.Reader, string) {
	end := bytes.LastIndex(raw, []byte("%%EOF"))
	if !bytes.HasPrefix(raw, []byte("%PDF-")) || end < 0 {
		return nil, SkipPDF
	}
	raw = raw[:end+len("%%EOF")]
	if bytes.HasPrefix(raw, []byte("%PDF-2.")) {
		raw = append([]byte("%PDF-1.7"), raw[len("%PDF-2.0"):]...)
	}
	r, err := pdf.NewReader(bytes.NewReader(raw), int64(len(raw)))
	switch {
	case errors.Is(err, pdf.ErrInvalidPassword):
		return nil, SkipPDFEncrypted
	case err != nil:
		return nil, SkipPDF
	}
	return r, ""
}

// pdfLine is a line of text as it stands on a page.
type pdfLine struct {
	cells []string
	size  float64 // of the font, in points
	x, y  float64 // where it begins, and of the baseline, upwards
	code  bool    // all of it is monospaced
}

func (l pdfLine) text() string { return strings.Join(l.cells, " ") }

// pdfText is what a document says.
type pdfText struct {
	meta  meta
	pages [][]pdfLine
	links []string // targets as written
}

// readPDF reads the lines and links of all pages. The reader panics at what it does not understand: a document of which a
// page is lost is not used.
func readPDF(r *pdf.Reader) (d pdfText, reason string) {
	defer func() {
		if recover() != nil {
			d, reason = pdfText{}, SkipPDF
		}
	}()
	info := r.Trailer().Key("Info")
	d.meta = meta{title: clip(oneLine(clean(info.Key("Title").Text())), maxHeading), updated: pdfDate(info.Key("ModDate").Text()),
		lang: r.Trailer().Key("Root").Key("Lang").Text()}
	n := r.NumPage()
	if n > maxPages {
		return d, SkipTooLarge
	}
	all, bad := 0, 0
	for i := 1; i <= n; i++ {
		page := r.Page(i)
		chars := page.Content().Text
		all, bad = all+len(chars), bad+garbled(chars)
		d.pages = append(d.pages, pdfLines(chars))
		if len(d.links) < maxLinks {
			d.links = append(d.links, pageLinks(page)...)
		}
	}
	if all == 0 || float64(bad) > maxGarbled*float64(all) {
		return d, SkipPDFGarbled
	}
	return d, ""
}

// pdfDate reads a date such as D:20240102030405+01'00'; the zone is not needed to the hour.
func pdfDate(s string) time.Time {
	s = strings.TrimPrefix(s, "D:")
	if len(s) < 8 {
		return time.Time{}
	}
	t, err := time.Parse("20060102", s[:8])
	if err != nil {
		return time.Time{}
	}
	return t
}

// pdfLines puts the characters of a page together to lines. Where they stand far apart is the border of a table's cells.
func pdfLines(chars []pdf.Text) []pdfLine {
	var lines []pdfLine
	var cell strings.Builder
	var l pdfLine
	pen, run := 0.0, 0.0 // where the next character is expected, and where the text was last placed
	endCell := func() {
		if s := oneLine(clean(ligatures.Replace(cell.String()))); s != "" {
			l.cells = append(l.cells, s)
		}
		cell.Reset()
	}
	endLine := func() {
		endCell()
		if len(l.cells) > 0 {
			lines = append(lines, l)
		}
		l = pdfLine{}
	}
	for i, c := range chars {
		size := max(math.Abs(c.FontSize), 1)
		if i > 0 && math.Abs(c.Y-l.y) > 0.4*size {
			endLine()
			pen = c.X
		}
		moved := i > 0 && c.X-chars[i-1].X > size // more than kerning does: the text was placed anew
		switch gap := c.X - pen; {
		case cell.Len() == 0:
		case c.W <= 0 && !moved: // composite fonts do not tell how wide they are: only new places count
		case c.W <= 0 && gap > size+0.1*(pen-run), c.W > 0 && gap > 1.8*size:
			endCell()
		case c.W > 0 && (gap > 0.22*size || gap < -2*size):
			cell.WriteByte(' ')
		}
		if c.W <= 0 && (moved || cell.Len() == 0) || c.W > 0 {
			pen, run = c.X, c.X
		}
		pen += max(c.W, 0)
		if c.W <= 0 {
			pen += estimatedWidth(c.S, size)
		}
		if fresh := cell.Len() == 0 && len(l.cells) == 0; fresh {
			l.x, l.code = c.X, true
		}
		l.code = l.code && (isMonospaced(c.Font) || strings.TrimSpace(c.S) == "")
		cell.WriteString(c.S)
		l.y, l.size = c.Y, max(l.size, size)
	}
	endLine()
	return lines
}

// estimatedWidth is how wide a character is about, as letters without serifs are.
func estimatedWidth(s string, size float64) float64 {
	r, _ := utf8.DecodeRuneInString(s)
	switch {
	case r >= 0x2e80:
		return size
	case strings.ContainsRune("iljtfrI.,:;'|! ()[]", r):
		return 0.32 * size
	case strings.ContainsRune("mwMW@%", r):
		return 0.88 * size
	case unicode.IsUpper(r):
		return 0.7 * size
	}
	return 0.58 * size
}

var ligatures = strings.NewReplacer("\ufb00", "ff", "\ufb01", "fi", "\ufb02", "fl", "\ufb03", "ffi", "\ufb04", "ffl", "\ufb05", "st", "\ufb06", "st")

// garbled counts the characters that are none, and those of fonts without a name: in these the reader takes the numbers of
// drawings for characters.
func garbled(chars []pdf.Text) int {
	bad := 0
	for _, c := range chars {
		r, _ := utf8.DecodeRuneInString(c.S)
		if c.Font == "" || r == unicode.ReplacementChar || unicode.Is(unicode.Co, r) || unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' {
			bad++
		}
	}
	return bad
}

// dropRunning takes out the lines that repeat at the top or bottom of most pages, but for numbers.
func dropRunning(pages [][]pdfLine) [][]pdfLine {
	if len(pages) < 3 {
		return pages
	}
	met := map[string]int{}
	for _, page := range pages {
		for _, i := range edges(page) {
			met[runningKey(page[i])]++
		}
	}
	out := make([][]pdfLine, len(pages))
	for n, page := range pages {
		drop := map[int]bool{}
		for _, i := range edges(page) {
			drop[i] = 2*met[runningKey(page[i])] > len(pages)
		}
		for i, l := range page {
			if !drop[i] {
				out[n] = append(out[n], l)
			}
		}
	}
	return out
}

// edges are the places of the two highest and two lowest lines of a page.
func edges(page []pdfLine) []int {
	order := make([]int, len(page))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case page[a].y > page[b].y:
			return -1
		case page[a].y < page[b].y:
			return 1
		}
		return 0
	})
	if len(order) <= 4 {
		return order
	}
	return slices.Concat(order[:2], order[len(order)-2:])
}

func runningKey(l pdfLine) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return '#'
		}
		return r
	}, l.text())
}
