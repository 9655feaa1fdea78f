package ingest

import "strings"

// maxGridColumns bounds the columns of a grid table; with more it is written line by line.
const maxGridColumns = 200

// isGridRule reports whether a line is a full horizontal border of a grid table, "+---+===+".
func isGridRule(line string) bool {
	return len(line) >= 3 && line[0] == '+' && line[len(line)-1] == '+' && strings.Trim(line, "+-=") == "" && strings.ContainsAny(line, "-=")
}

// gridTable reads a grid table. A cell that reaches over several rows is repeated in each of them; one that reaches over
// several columns stands in the first.
func (r *rst) gridTable(lines []string, i int) int {
	end := i
	for end < len(lines) && lines[end] != "" && (lines[end][0] == '+' || lines[end][0] == '|') {
		end++
	}
	table := lines[i:end]
	bounds := gridBounds(table)
	if len(bounds) < 2 || len(bounds) > maxGridColumns {
		r.code(table)
		return end
	}
	columns := len(bounds) - 1
	open := make([]*[]string, columns) // the lines of the cell that is open in each column
	fresh := func(k int) { open[k] = &[]string{} }
	for k := range columns {
		fresh(k)
	}
	var rows [][]*[]string
	for _, line := range table[1:] {
		cells := newColumns(line)
		if !strings.Contains(line, "+-") && !strings.Contains(line, "+=") {
			cells.content(bounds, open)
			continue
		}
		rows = append(rows, append([]*[]string(nil), open...))
		for k := range columns {
			segment := cells.cut(bounds[k]+1, bounds[k+1])
			if segment != "" && strings.Trim(segment, "-=+") == "" {
				fresh(k)
			} else {
				*open[k] = append(*open[k], strings.TrimRight(segment, " |"))
			}
		}
	}
	group := r.w.newGroup()
	texts := map[*[]string]string{}
	for _, cells := range rows {
		out := make([]string, columns)
		for k, c := range cells {
			text, done := texts[c]
			if !done {
				text = r.cell(dedent(trimRights(append([]string(nil), *c...))))
				texts[c] = text
			}
			out[k] = text
		}
		r.w.row(out, group)
	}
	return end
}

// gridBounds are the columns in which a table's full borders have their corners, first and last included.
func gridBounds(table []string) []int {
	set := map[int]bool{}
	width := len(table[0])
	for _, line := range table {
		if !isGridRule(line) || len(line) != width {
			continue
		}
		for k := 0; k < len(line); k++ {
			if line[k] == '+' {
				set[k] = true
			}
		}
	}
	var out []int
	for k := range width {
		if set[k] {
			out = append(out, k)
		}
	}
	return out
}

// columns gives access to a line by the columns that it is shown in.
type columns struct {
	line string
	at   []int // byte offset of every column; nil: the same, the line is ASCII
}

func newColumns(line string) columns {
	for i := 0; i < len(line); i++ {
		if line[i] >= 0x80 {
			c := columns{line: line}
			for pos, r := range line {
				for range runeWidth(r) {
					c.at = append(c.at, pos)
				}
			}
			return c
		}
	}
	return columns{line: line}
}

// offset is the byte at which a column begins.
func (c columns) offset(col int) int {
	switch {
	case c.at == nil:
		return min(col, len(c.line))
	case col >= len(c.at):
		return len(c.line)
	}
	return c.at[col]
}

// cut returns the text from one column up to another.
func (c columns) cut(from, to int) string {
	a, b := c.offset(from), c.offset(to)
	if a >= b {
		return ""
	}
	return c.line[a:b]
}

// content adds a line of text to the open cells. Where a border is missing the cell goes on into the next column.
func (c columns) content(bounds []int, open []*[]string) {
	for k := 0; k < len(open); {
		last := k
		for last+1 < len(open) && c.cut(bounds[last+1], bounds[last+1]+1) != "|" {
			last++
		}
		segment := strings.TrimRight(c.cut(bounds[k]+1, bounds[last+1]), " ")
		*open[k] = append(*open[k], strings.TrimPrefix(segment, " "))
		k = last + 1
	}
}

// simpleTable reads a simple table: columns under rulers of "=", rows line by line, lines with an empty first column
// belonging to the row above.
func (r *rst) simpleTable(lines []string, i int) int {
	bounds := ruleBounds(lines[i])
	end, rules := i+1, 1
	for ; end < len(lines); end++ {
		if simpleRule.MatchString(lines[end]) {
			rules++
			if end+1 >= len(lines) || lines[end+1] == "" || rules == 3 {
				end++
				break
			}
		}
	}
	if rules < 2 || len(bounds) > maxGridColumns {
		r.put(r.inline(strings.Join(trimAll(lines[i+1:end]), " ")))
		return end
	}
	group := r.w.newGroup()
	var cells [][]string
	flush := func() {
		if cells == nil {
			return
		}
		out := make([]string, len(cells))
		for k, c := range cells {
			out[k] = r.cell(dedent(trimRights(c)))
		}
		r.w.row(out, group)
		cells = nil
	}
	for _, line := range lines[i+1 : end] {
		if simpleRule.MatchString(line) || line != "" && strings.Trim(line, "- ") == "" && len(line) >= bounds[len(bounds)-1] {
			flush()
			continue
		}
		c := newColumns(line)
		if first := strings.TrimSpace(c.cut(bounds[0], nextBound(bounds, 0))); first != "" || cells == nil {
			if line == "" {
				continue
			}
			flush()
			cells = make([][]string, len(bounds))
		}
		for k := range bounds {
			cells[k] = append(cells[k], strings.TrimRight(c.cut(bounds[k], nextBound(bounds, k)), " "))
		}
	}
	flush()
	return end
}

// ruleBounds are the columns at which the parts of a simple table's ruler begin.
func ruleBounds(rule string) []int {
	var out []int
	for k := range len(rule) {
		if rule[k] == '=' && (k == 0 || rule[k-1] != '=') {
			out = append(out, k)
		}
	}
	return out
}

// nextBound is where column k ends; the last one goes on to the end of the line.
func nextBound(bounds []int, k int) int {
	if k+1 < len(bounds) {
		return bounds[k+1]
	}
	return 1 << 30
}
