package ingest

import (
	"strconv"
	"strings"

	"golang.org/x/net/html/atom"
)

// grid collects a table's cells, so that cells that reach over several rows are repeated in each and cells that reach
// over several columns keep the following ones in their place.
type grid struct {
	rows   [][]string
	cells  []string // of the row that is being read
	inRow  bool
	inCell bool
	cell   strings.Builder
	span   [2]int       // columns and rows that the current cell reaches over
	below  map[int]down // by column: cells that reach into the next rows
	spare  *int         // cells that spans may still add, in the whole document
}

// down is a cell that reaches into rows below its own.
type down struct {
	text string
	rows int
}

const (
	maxSpan     = 100     // columns or rows that a cell may reach over
	maxRepeated = 100_000 // cells that spans may add to a document
)

// tableTag acts on the opening tag of a table, row or cell. A table inside a table's cell is read as that cell's text.
func (p *page) tableTag(tag atom.Atom, attrs map[string]string) {
	if tag == atom.Table {
		if p.grid != nil && p.grid.inCell {
			p.nested++
			return
		}
		p.flush()
		p.endTable()
		p.grid = &grid{below: map[int]down{}, spare: &p.spare}
		return
	}
	p.flush()
	if p.grid == nil || p.nested > 0 {
		return
	}
	switch tag {
	case atom.Tr:
		p.grid.endRow()
		p.grid.inRow = true
	case atom.Td, atom.Th:
		p.grid.endCell()
		p.grid.inRow, p.grid.inCell = true, true
		p.grid.span = [2]int{spanOf(attrs["colspan"]), spanOf(attrs["rowspan"])}
	}
}

func spanOf(s string) int {
	n, _ := strconv.Atoi(strings.TrimSpace(s))
	return max(1, min(n, maxSpan))
}

// add appends a block of text to the current cell.
func (g *grid) add(s string) {
	if g.cell.Len() > 0 {
		g.cell.WriteByte(' ')
	}
	g.cell.WriteString(oneLine(s))
}

// fill puts the cells from above that reach into the current column.
func (g *grid) fill() {
	for {
		d, ok := g.below[len(g.cells)]
		if !ok || len(g.cells) >= maxCells || *g.spare <= 0 {
			return
		}
		*g.spare--
		col := len(g.cells)
		g.cells = append(g.cells, d.text)
		if d.rows--; d.rows > 0 {
			g.below[col] = d
		} else {
			delete(g.below, col)
		}
	}
}

func (g *grid) endCell() {
	if !g.inCell {
		return
	}
	g.inCell = false
	g.fill()
	text := g.cell.String()
	g.cell.Reset()
	for i := range g.span[0] {
		if i > 0 {
			if *g.spare--; *g.spare < 0 {
				return
			}
			text = ""
		}
		if g.span[1] > 1 {
			g.below[len(g.cells)] = down{text: text, rows: g.span[1] - 1}
		}
		g.cells = append(g.cells, text)
	}
}

func (g *grid) endRow() {
	g.endCell()
	if !g.inRow {
		return
	}
	g.inRow = false
	g.fill()
	if len(g.cells) > 0 {
		g.rows = append(g.rows, g.cells)
	}
	g.cells = nil
}

// endTable writes the table out.
func (p *page) endTable() {
	if p.grid == nil {
		return
	}
	g := p.grid
	p.grid, p.nested = nil, 0
	g.endRow()
	group := p.w.newGroup()
	for _, cells := range g.rows {
		p.w.row(cells, group)
	}
}
