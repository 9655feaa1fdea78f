package ingest

import (
	"strings"

	"prediag"
)

// Limits on what one article may hold. A heading or title over its limit is cut; a text over its limit makes the file one
// that is left out.
const (
	maxBody    = 8 << 20 // bytes of text; tables with repeated cells and substitutions can ask for more than the file had
	maxHeading = 512     // bytes of a heading or title
	maxDepth   = 12      // headings in a section's path
	maxCells   = 1000    // cells of a table's row that are told apart; the text of the others is kept in the last
)

// body collects an article's plain text block by block and remembers where sections and table rows lie in it.
type body struct {
	title    string // empty until known; the first heading becomes it
	text     strings.Builder
	sections []prediag.Section
	tables   []table
	path     []string // headings above the current position
	levels   []int    // and their levels
	start    int      // where the current section's text begins
	group    int      // of the block before; 0: none
	groups   int      // handed out so far
	over     bool     // the text is longer than maxBody
	links    []string // targets as written
}

// maxLinks is how many links of an article are kept.
const maxLinks = 500

// link remembers where a link leads.
func (w *body) link(target string) {
	if target != "" && len(target) <= maxPath && len(w.links) < maxLinks {
		w.links = append(w.links, target)
	}
}

// table is a table of the body, cell by cell.
type table struct {
	rows []row
}

// row is one row of a table and the line of the body that shows it.
type row struct {
	cells []string
	span  prediag.Span
}

// newGroup returns a number under which blocks are put on successive lines, without blank lines between them.
func (w *body) newGroup() int {
	w.groups++
	return w.groups
}

// empty reports whether nothing was written yet.
func (w *body) empty() bool { return w.text.Len() == 0 }

// put appends a block: after a blank line, or on the next line when the block before was of the same group (not 0).
func (w *body) put(text string, group int) prediag.Span {
	text = strings.TrimRight(strings.Trim(text, "\n"), " \t\n")
	w.over = w.over || w.text.Len()+len(text) > maxBody
	if w.over || strings.TrimSpace(text) == "" {
		return prediag.Span{Start: w.text.Len(), End: w.text.Len()}
	}
	if !w.empty() {
		w.text.WriteByte('\n')
		if group == 0 || group != w.group {
			w.text.WriteByte('\n')
		}
	}
	w.group = group
	start := w.text.Len()
	w.text.WriteString(text)
	return prediag.Span{Start: start, End: w.text.Len()}
}

// heading ends the current section and begins the next. A first heading that says the title, or is it, is not repeated
// in the text.
func (w *body) heading(level int, text string) {
	text = oneLine(text)
	if text == "" {
		return
	}
	full := text
	text = clip(text, maxHeading)
	isTitle := w.empty() && len(w.sections) == 0 && len(w.path) == 0 && (w.title == "" || sameText(w.title, text))
	if w.title == "" {
		w.title = text
	}
	if isTitle && full == text {
		return
	}
	w.endSection()
	for len(w.levels) > 0 && (w.levels[len(w.levels)-1] >= level || len(w.levels) >= maxDepth) {
		w.levels, w.path = w.levels[:len(w.levels)-1], w.path[:len(w.path)-1]
	}
	w.levels, w.path = append(w.levels, level), append(w.path, text)
	w.put(full, 0)
	w.group = 0
	w.start = w.text.Len()
}

// row appends a table's row as "a | b | c" and keeps its cells. The first row of a group is the table's header.
func (w *body) row(cells []string, group int) {
	if len(cells) > maxCells {
		cells = append(cells[:maxCells-1:maxCells-1], strings.Join(cells[maxCells-1:], " "))
	}
	for i, c := range cells {
		cells[i] = oneLine(c)
	}
	line := strings.TrimRight(strings.Join(cells, " | "), " ")
	if strings.Trim(line, " |") == "" {
		return
	}
	first := group != w.group
	span := w.put(line, group)
	if first || len(w.tables) == 0 {
		w.tables = append(w.tables, table{})
	}
	t := &w.tables[len(w.tables)-1]
	t.rows = append(t.rows, row{cells: cells, span: span})
}

// endSection writes down the section that ends here, unless it has no text of its own.
func (w *body) endSection() {
	text := w.text.String()[w.start:]
	start := w.start + len(text) - len(strings.TrimLeft(text, "\n"))
	if start < w.text.Len() {
		path := append([]string(nil), w.path...)
		w.sections = append(w.sections, prediag.Section{Path: path, Span: prediag.Span{Start: start, End: w.text.Len()}})
	}
	w.start = w.text.Len()
}

// finish returns the text and its sections.
func (w *body) finish() (string, []prediag.Section) {
	w.endSection()
	return w.text.String(), w.sections
}

// sameText reports whether two headings say the same but for case and spacing.
func sameText(a, b string) bool { return strings.EqualFold(oneLine(a), oneLine(b)) }
