package ingest

import (
	"encoding/xml"
	"html"
	"strconv"
	"strings"
)

// docx reads the body of a Word document.
type docx struct {
	out     *docxWriter
	styles  map[string]style
	numbers numbering

	relations map[string]string // where links lead, by ID
	fields    []*docxField      // that are open
	links     []string          // of the text that is shown, in order
	shown     int               // bytes of text so far

	text       strings.Builder // of the paragraph that is being read
	par        style           // of it
	run        bool            // a run is open
	hidden     bool            // and it is not shown
	monospaced bool            // and it is set like code
	mono       int             // bytes of the paragraph's text that are
	inText     bool            // its text is open
	inCode     bool            // the instruction of a field is open
	dead       int             // depth of the element whose content is not part of the document; 0: none
	tables     []*docxTable
}

// docxTable is a table that is being read.
type docxTable struct {
	rows  [][]string
	row   []string
	cell  []string // paragraphs of the cell
	width int      // columns that the cell reaches over
	joins bool     // the cell goes on with the one above
}

// read walks the body.
func (d *docx) read(part []byte) error {
	return walkXML(part, func(t xml.Token, depth int) error {
		switch t := t.(type) {
		case xml.StartElement:
			if d.dead == 0 {
				d.start(t, depth)
			}
		case xml.EndElement:
			if d.dead > 0 {
				if depth < d.dead {
					d.dead = 0
				}
				return nil
			}
			d.end(t.Name.Local)
		case xml.CharData:
			switch {
			case d.dead > 0:
			case d.inCode:
				d.instruct(t)
			case d.inText && !d.hidden && d.text.Len() < maxBody:
				d.text.Write(t)
				d.shown += len(t)
				if d.monospaced {
					d.mono += len(t)
				}
			}
		}
		return nil
	})
}

// start acts on an opening tag at a depth.
func (d *docx) start(e xml.StartElement, depth int) {
	switch e.Name.Local {
	case "del", "moveFrom", "Fallback", "delInstrText", "delText", "pict", "rPrChange", "pPrChange", "sectPr", "sdtPr":
		d.dead = depth
	case "p":
		if d.text.Len() > 0 { // a text box inside a paragraph
			d.paragraph()
		}
		d.par = style{}
	case "pStyle":
		d.par = d.inherited(attr(e, "val"))
	case "outlineLvl":
		if n, err := strconv.Atoi(attr(e, "val")); err == nil && n >= 0 && n < 9 {
			d.par.level = n + 1
		}
	case "numId":
		d.par.num = attr(e, "val")
	case "ilvl":
		d.par.ilvl, _ = strconv.Atoi(attr(e, "val"))
	case "r":
		d.run, d.hidden, d.monospaced = true, false, false
	case "rFonts":
		d.monospaced = d.run && isMonospaced(attr(e, "ascii"))
	case "vanish", "webHidden":
		d.hidden = d.hidden || !isOff(e)
	case "t":
		d.inText = true
	case "instrText":
		d.inCode = true
	case "hyperlink":
		d.openField(d.relations[attr(e, "id")], "")
	case "fldSimple":
		d.openField("", attr(e, "instr"))
	case "fldChar":
		switch attr(e, "fldCharType") {
		case "begin":
			d.openField("", "")
		case "end":
			d.closeField()
		}
	case "tab", "br", "cr", "noBreakHyphen":
		if d.run && !d.hidden {
			d.text.WriteString(map[string]string{"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}[e.Name.Local])
		}
	default:
		d.startTable(e)
	}
}

// startTable acts on the opening tags of tables.
func (d *docx) startTable(e xml.StartElement) {
	switch e.Name.Local {
	case "tbl":
		d.tables = append(d.tables, &docxTable{})
		return
	}
	if len(d.tables) == 0 {
		return
	}
	t := d.tables[len(d.tables)-1]
	switch e.Name.Local {
	case "tr":
		t.row = nil
	case "tc":
		t.cell, t.width, t.joins = nil, 1, false
	case "gridSpan":
		n, _ := strconv.Atoi(attr(e, "val"))
		t.width = max(1, min(n, maxSpan))
	case "vMerge":
		t.joins = attr(e, "val") != "restart"
	}
}

// end acts on a closing tag.
func (d *docx) end(name string) {
	switch name {
	case "t":
		d.inText = false
		return
	case "instrText":
		d.inCode = false
		return
	case "hyperlink", "fldSimple":
		d.closeField()
		return
	case "r":
		d.run = false
		return
	case "p":
		d.paragraph()
		return
	}
	if len(d.tables) == 0 {
		return
	}
	t := d.tables[len(d.tables)-1]
	switch name {
	case "tc":
		t.endCell()
	case "tr":
		if len(t.row) > 0 {
			t.rows = append(t.rows, t.row)
		}
		t.row = nil
	case "tbl":
		d.tables = d.tables[:len(d.tables)-1]
		if len(d.tables) > 0 { // a table in a cell is that cell's text
			outer := d.tables[len(d.tables)-1]
			for _, row := range t.rows {
				outer.cell = append(outer.cell, strings.Join(row, " | "))
			}
			return
		}
		d.out.table(t.rows)
	}
}

// endCell puts a cell into its row; one that goes on from above says the same, for readers look at rows alone.
func (t *docxTable) endCell() {
	text := strings.Join(t.cell, "\n")
	if t.joins && len(t.rows) > 0 {
		if above := t.rows[len(t.rows)-1]; len(t.row) < len(above) {
			text = above[len(t.row)]
		}
	}
	for i := range t.width {
		if i > 0 {
			text = ""
		}
		if len(t.row) < maxCells {
			t.row = append(t.row, text)
		}
	}
	t.cell, t.width, t.joins = nil, 1, false
}

// inherited is what a style means, with what it takes from those that it is based on.
func (d *docx) inherited(id string) style {
	out := d.styles[id]
	if _, known := d.styles[id]; !known { // minimal writers have no part for styles
		name := strings.ToLower(strings.ReplaceAll(id, " ", ""))
		out.title, out.code = name == "title", isCodeStyle(name)
		if n, ok := strings.CutPrefix(name, "heading"); ok {
			out.level, _ = strconv.Atoi(n)
		}
	}
	for base, n := out.base, 0; base != "" && n < 10; n++ {
		s := d.styles[base]
		out.code = out.code || s.code
		if out.level == 0 && !out.title {
			out.level, out.title = s.level, s.title
		}
		if out.num == "" {
			out.num, out.ilvl = s.num, s.ilvl
		}
		base = s.base
	}
	return out
}

// paragraph ends the paragraph that is being read.
func (d *docx) paragraph() {
	text := strings.TrimRight(d.text.String(), " \t\n")
	code := d.isCode(text)
	d.mono = 0
	d.text.Reset()
	if strings.TrimSpace(text) == "" {
		if d.par.code && len(d.out.pre) > 0 {
			d.out.code("")
		}
		return
	}
	if len(d.tables) > 0 {
		t := d.tables[len(d.tables)-1]
		t.cell = append(t.cell, text)
		return
	}
	switch p := d.par; {
	case p.title:
		d.out.titled(text)
	case p.level > 0:
		d.out.heading(p.level, text)
	case p.num != "" && p.num != "0":
		d.out.item(p.ilvl, p.num, d.numbers.isOrdered(p.num, p.ilvl), text)
	case code:
		d.out.code(text)
	default:
		d.out.paragraph(text)
	}
}

// docxWriter writes a document as HTML.
type docxWriter struct {
	b      strings.Builder
	title  string
	headed bool     // there is a heading
	pre    []string // code that is not written yet
	lists  []docxList
	counts map[string]int // items so far of each numbered list and level
}

// docxList is a list that is open.
type docxList struct {
	num     string
	ordered bool
}

// escaped writes text as HTML, its line breaks kept.
func escaped(s string) string {
	return strings.ReplaceAll(html.EscapeString(strings.TrimSpace(s)), "\n", "<br>")
}

// titled takes a paragraph in the style of titles: the first is the document's title.
func (w *docxWriter) titled(text string) {
	if w.title == "" {
		w.title = text
		return
	}
	w.paragraph(text)
}

func (w *docxWriter) heading(level int, text string) {
	w.closeLists(0)
	w.headed = true
	tag := "h" + strconv.Itoa(min(max(level, 1), 6))
	w.b.WriteString("<" + tag + ">" + escaped(text) + "</" + tag + ">\n")
}

func (w *docxWriter) paragraph(text string) {
	w.closeLists(0)
	w.b.WriteString("<p>" + escaped(text) + "</p>\n")
}

// item writes an item of a list. A numbered list that was left for something else goes on counting, as Word does.
func (w *docxWriter) item(level int, num string, ordered bool, text string) {
	level = max(0, min(level, 8))
	if w.counts == nil {
		w.counts = map[string]int{}
	}
	w.closeLists(level + 1)
	if n := len(w.lists); n == level+1 && w.lists[level] != (docxList{num, ordered}) {
		w.closeLists(level)
	}
	for len(w.lists) <= level {
		if ordered {
			w.b.WriteString(`<ol start="` + strconv.Itoa(w.counts[countKey(num, len(w.lists))]+1) + `">`)
		} else {
			w.b.WriteString("<ul>")
		}
		w.lists = append(w.lists, docxList{num, ordered})
	}
	w.counts[countKey(num, level)]++
	for deeper := level + 1; deeper <= 8; deeper++ {
		delete(w.counts, countKey(num, deeper))
	}
	w.b.WriteString("<li>" + escaped(text) + "</li>\n")
}

func countKey(num string, level int) string { return num + "/" + strconv.Itoa(level) }

// closeLists closes the code and the open lists down to so many.
func (w *docxWriter) closeLists(keep int) {
	w.endCode()
	for len(w.lists) > keep {
		last := w.lists[len(w.lists)-1]
		w.lists = w.lists[:len(w.lists)-1]
		if last.ordered {
			w.b.WriteString("</ol>\n")
		} else {
			w.b.WriteString("</ul>\n")
		}
	}
}

func (w *docxWriter) table(rows [][]string) {
	w.closeLists(0)
	w.b.WriteString("<table>")
	for _, row := range rows {
		w.b.WriteString("<tr>")
		for _, cell := range row {
			w.b.WriteString("<td>" + escaped(cell) + "</td>")
		}
		w.b.WriteString("</tr>\n")
	}
	w.b.WriteString("</table>\n")
}

// html returns the document.
func (w *docxWriter) html() string {
	w.closeLists(0)
	return w.b.String()
}
