package ingest

import (
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	monoWidth = 0.6 // of a character, as a share of the letters' size, in nearly all monospaced fonts
	maxIndent = 40  // characters before a line of code
)

// writePDF writes the lines of a document as headings, paragraphs, lists and tables.
func writePDF(w *body, pages [][]pdfLine) {
	levels := headingSizes(pages)
	p := &pdfWriter{w: w}
	for _, page := range pages {
		for _, l := range page {
			level := levels[roundSize(l.size)]
			switch {
			case level > 0 && len(l.cells) == 1 && utf8.RuneCountInString(l.cells[0]) <= 120:
				p.heading(level, l)
			case l.code:
				p.code(l)
			case len(l.cells) > 1:
				p.row(l)
			default:
				p.line(l)
			}
			p.last = l
		}
	}
	p.flush()
}

// headingSizes finds which sizes of letters are headings, and of what level: those greater than the size that most of the
// text has, the greatest first.
func headingSizes(pages [][]pdfLine) map[float64]int {
	chars := map[float64]int{}
	for _, page := range pages {
		for _, l := range page {
			chars[roundSize(l.size)] += len(l.text())
		}
	}
	usual, most := 0.0, 0
	for _, size := range slices.Sorted(maps.Keys(chars)) {
		if chars[size] > most {
			usual, most = size, chars[size]
		}
	}
	levels := map[float64]int{}
	for _, size := range slices.Backward(slices.Sorted(maps.Keys(chars))) {
		if size > 1.12*usual {
			levels[size] = min(len(levels)+1, 6)
		}
	}
	return levels
}

// roundSize makes sizes that look the same the same.
func roundSize(size float64) float64 { return math.Round(2*size) / 2 }

// pdfWriter joins lines to blocks.
type pdfWriter struct {
	w       *body
	last    pdfLine
	text    strings.Builder // of the paragraph that is being read
	head    string          // the heading that is being read
	level   int             // of it; 0: none
	rows    [][]string
	lines   []pdfLine // of the code that is being read
	grouped int       // group of the list that is being read
}

// heading takes a line of a heading; one of the same size right below goes on with it.
func (p *pdfWriter) heading(level int, l pdfLine) {
	if p.level == level && p.below(l) {
		p.head = joinLines(p.head, l.text())
		return
	}
	p.flush()
	p.level, p.head = level, l.text()
}

// code takes a line of code; one right below goes on with it.
func (p *pdfWriter) code(l pdfLine) {
	if len(p.lines) == 0 || !p.below(l) {
		p.flush()
	}
	p.lines = append(p.lines, l)
}

// codeText is the code that is being read, each line as far from the left as it stands on the page.
func (p *pdfWriter) codeText() string {
	left := math.Inf(1)
	for _, l := range p.lines {
		left = min(left, l.x)
	}
	var b strings.Builder
	for _, l := range p.lines {
		indent := math.Round((l.x - left) / (monoWidth * l.size))
		b.WriteString(strings.Repeat(" ", int(min(max(indent, 0), maxIndent))) + strings.Join(l.cells, "  ") + "\n")
	}
	return b.String()
}

// row takes a line with several cells.
func (p *pdfWriter) row(l pdfLine) {
	if len(p.rows) == 0 || len(p.lines) > 0 {
		p.flush()
	}
	p.rows = append(p.rows, slices.Clone(l.cells))
}

// line takes a line of running text.
func (p *pdfWriter) line(l pdfLine) {
	s := l.text()
	item := isItem(s)
	switch {
	case p.text.Len() == 0 || p.level > 0 || len(p.rows) > 0 || len(p.lines) > 0:
		p.flush()
		if item {
			p.grouped = p.w.newGroup()
		}
	case item:
		group := p.grouped
		p.flush()
		if p.grouped = group; group == 0 {
			p.grouped = p.w.newGroup()
		}
	case !p.below(l):
		p.flush()
	default:
		joined := joinLines(p.text.String(), s)
		p.text.Reset()
		p.text.WriteString(joined)
		return
	}
	p.text.WriteString(s)
}

// below reports whether a line stands right under the last one, in letters of the same size.
func (p *pdfWriter) below(l pdfLine) bool {
	gap := p.last.y - l.y
	return gap > 0 && gap < 1.9*max(l.size, p.last.size) && roundSize(l.size) == roundSize(p.last.size)
}

// flush writes out what is being read.
func (p *pdfWriter) flush() {
	switch {
	case p.level > 0:
		p.w.heading(p.level, p.head)
	case len(p.lines) > 0:
		p.w.put(p.codeText(), 0)
	case len(p.rows) > 0:
		group := p.w.newGroup()
		for _, cells := range p.rows {
			p.w.row(cells, group)
		}
	case p.text.Len() > 0:
		p.w.put(p.text.String(), p.grouped)
	}
	p.level, p.head, p.rows, p.lines, p.grouped = 0, "", nil, nil, 0
	p.text.Reset()
}

// isItem reports whether a line begins an item of a list.
func isItem(s string) bool {
	mark, rest, ok := strings.Cut(s, " ")
	if !ok || rest == "" {
		return false
	}
	if strings.Contains("•◦▪‣·-–*", mark) {
		return true
	}
	number := strings.TrimRight(mark, ".)、")
	return number != mark && number != "" && len(number) <= 3 && strings.Trim(number, "0123456789") == ""
}

// joinLines puts two lines together: without a space between characters of scripts that have none, and a word that was
// divided at its hyphen again as one.
func joinLines(a, b string) string {
	last, size := utf8.DecodeLastRuneInString(a)
	first, _ := utf8.DecodeRuneInString(b)
	before, _ := utf8.DecodeLastRuneInString(a[:len(a)-size])
	switch {
	case last >= 0x2e80 && first >= 0x2e80:
		return a + b
	case last == '-' && unicode.IsLower(before) && unicode.IsLower(first):
		return strings.TrimSuffix(a, "-") + b
	}
	return a + " " + b
}
