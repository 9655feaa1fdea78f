package ingest

import (
	"bytes"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// page turns HTML into plain text, token by token: in linear time whatever the nesting, and without a tree.
type page struct {
	w      *body
	inline strings.Builder // text of the block that is being read
	level  int             // of the heading that is being read; 0: none
	pre    int             // depth of <pre>
	lists  []listState
	marker string // of the list item whose first block is still to come
	group  int    // of the blocks of the outermost list; 0: outside
	hidden string // element whose content nobody sees; empty: none
	depth  int    // how many elements of that name are open
	grid   *grid  // of the table that is being read; nil: none
	nested int    // tables inside that table
	spare  int    // cells that spans may still add
}

// listState is one open list.
type listState struct {
	ordered bool
	next    int
}

const (
	maxListDepth = 20       // deeper lists are not indented further
	maxHTMLToken = 16 << 20 // bytes of one token
)

// renderHTML appends the visible text of an HTML document or fragment to w.
func renderHTML(w *body, src []byte) {
	p := &page{w: w, spare: maxRepeated}
	z := html.NewTokenizer(bytes.NewReader(src))
	z.SetMaxBuf(maxHTMLToken)
	for {
		switch z.Next() {
		case html.ErrorToken:
			p.flush()
			p.endTable()
			return
		case html.TextToken:
			if p.hidden == "" {
				p.text(clean(string(z.Text())))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			p.start(z)
		case html.EndTagToken:
			name, _ := z.TagName()
			p.end(string(name))
		}
	}
}

// start acts on an opening tag.
func (p *page) start(z *html.Tokenizer) {
	raw, more := z.TagName()
	name := string(raw)
	tag := atom.Lookup(raw)
	attrs := attributes(z, more)
	if p.hidden != "" {
		if name == p.hidden {
			p.depth++
		}
		return
	}
	if !isVoid(tag) && unseen(tag, attrs) {
		p.hidden, p.depth = name, 1
		return
	}
	switch tag {
	case atom.Br:
		p.lineBreak()
	case atom.A:
		p.w.link(attrs["href"])
	case atom.Table, atom.Thead, atom.Tbody, atom.Tfoot, atom.Tr, atom.Td, atom.Th:
		p.tableTag(tag, attrs)
	case atom.Ul, atom.Ol:
		p.openList(tag == atom.Ol, attrs["start"])
	case atom.Li:
		p.flush()
		p.nextItem()
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		p.flush()
		p.level = int(name[1] - '0')
	case atom.Pre:
		p.flush()
		p.pre++
	default:
		if isBlock(tag) {
			p.flush()
		}
	}
}

// end acts on a closing tag.
func (p *page) end(name string) {
	tag := atom.Lookup([]byte(name))
	if p.hidden != "" {
		if name == p.hidden {
			if p.depth--; p.depth == 0 {
				p.hidden = ""
			}
		}
		return
	}
	switch tag {
	case atom.Table:
		if p.nested > 0 {
			p.nested--
			return
		}
		p.flush()
		p.endTable()
	case atom.Tr:
		if p.grid != nil && p.nested == 0 {
			p.flush()
			p.grid.endRow()
		}
	case atom.Ul, atom.Ol:
		p.closeList()
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		p.flush()
		p.level = 0
	case atom.Pre:
		p.flush()
		p.pre = max(p.pre-1, 0)
	default:
		if isBlock(tag) {
			p.flush()
		}
	}
}

// text takes visible characters in.
func (p *page) text(s string) {
	if p.grid != nil && !p.grid.inCell && strings.TrimSpace(s) == "" {
		return
	}
	p.inline.WriteString(s)
}

// lineBreak is <br>.
func (p *page) lineBreak() {
	if p.pre > 0 {
		p.inline.WriteByte('\n')
		return
	}
	p.inline.WriteByte(breakMark)
}

// breakMark stands for <br> until white space has been folded. Controls in the text itself were removed.
const breakMark byte = '\x01'

// flush ends the block that is being read and writes it out.
func (p *page) flush() {
	s := p.inline.String()
	p.inline.Reset()
	if p.pre == 0 {
		s = foldLines(s)
	}
	if strings.TrimSpace(s) == "" {
		return
	}
	switch {
	case p.grid != nil && p.grid.inCell:
		p.grid.add(p.marker + s)
		p.marker = ""
	case p.level > 0:
		p.w.heading(p.level, s)
	case p.pre > 0 || len(p.lists) == 0:
		p.w.put(p.marker+s, p.group)
		p.marker = ""
	default:
		p.item(s)
	}
}

// item writes a block of a list item, indented to its depth.
func (p *page) item(s string) {
	indent := strings.Repeat("  ", min(len(p.lists), maxListDepth)-1)
	first := p.marker
	if first == "" {
		first = "  "
	}
	p.marker = ""
	s = strings.ReplaceAll(s, "\n", "\n"+indent+"  ")
	p.w.put(indent+first+s, p.group)
}

func (p *page) openList(ordered bool, start string) {
	p.flush()
	if len(p.lists) == 0 {
		p.group = p.w.newGroup()
	}
	l := listState{ordered: ordered, next: 1}
	if n, err := strconv.Atoi(start); err == nil && n >= 0 && n < 1_000_000 {
		l.next = n
	}
	if len(p.lists) < 200 {
		p.lists = append(p.lists, l)
	}
}

func (p *page) closeList() {
	p.flush()
	if len(p.lists) > 0 {
		p.lists = p.lists[:len(p.lists)-1]
	}
	if len(p.lists) == 0 {
		p.group, p.marker = 0, ""
	}
}

// nextItem prepares the marker of a list item.
func (p *page) nextItem() {
	p.marker = "- "
	if n := len(p.lists); n > 0 && p.lists[n-1].ordered {
		p.marker = strconv.Itoa(p.lists[n-1].next) + ". "
		p.lists[n-1].next++
	}
}

// foldLines folds white space as a browser does, keeping the breaks that were asked for.
func foldLines(s string) string {
	s = strings.ReplaceAll(s, "\n", " ")
	if strings.IndexByte(s, breakMark) < 0 {
		return oneLine(s)
	}
	lines := strings.Split(s, string(rune(breakMark)))
	for i, l := range lines {
		lines[i] = oneLine(l)
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// unseen reports whether an element's content is not shown.
func unseen(tag atom.Atom, attrs map[string]string) bool {
	switch tag {
	case atom.Script, atom.Style, atom.Template, atom.Head, atom.Title, atom.Iframe, atom.Object, atom.Svg, atom.Math, atom.Select, atom.Audio,
		atom.Video, atom.Canvas:
		return true
	}
	if _, ok := attrs["hidden"]; ok || strings.EqualFold(attrs["aria-hidden"], "true") {
		return true
	}
	if attrs["style"] == "" {
		return false
	}
	style := strings.ToLower(strings.Join(strings.Fields(attrs["style"]), "")) + ";"
	for _, s := range hidingStyles {
		if strings.Contains(style, s) {
			return true
		}
	}
	return whiteOnWhite(style)
}

// hidingStyles are the declarations by which a style attribute hides an element. What style sheets hide is not known.
var hidingStyles = [...]string{"display:none", "visibility:hidden", "visibility:collapse", "font-size:0;", "font-size:0p", "font-size:0e", "font-size:0r",
	"font-size:0%", "font-size:0.0", "font-size:1px", "opacity:0;", "opacity:0.0;", "opacity:0%", "color:transparent", "text-indent:-99", "left:-999", "top:-999", "clip:rect(0",
	"clip-path:inset(50%", "clip-path:inset(100%", "max-height:0;", "max-height:0p", "transform:scale(0)"}

// whiteOnWhite reports whether a style gives text the colour that it gives its ground.
func whiteOnWhite(style string) bool {
	var text, ground string
	for d := range strings.SplitSeq(style, ";") {
		name, value, _ := strings.Cut(d, ":")
		switch name {
		case "color":
			text = colour(value)
		case "background", "background-color":
			ground = colour(value)
		}
	}
	return text != "" && text == ground
}

// colour writes a colour in one of several ways; names are kept.
func colour(v string) string {
	v = strings.TrimSuffix(v, "!important")
	switch v {
	case "#fff", "#ffffff", "rgb(255,255,255)":
		return "white"
	case "#000", "#000000", "rgb(0,0,0)":
		return "black"
	}
	return v
}

func isVoid(tag atom.Atom) bool {
	switch tag {
	case atom.Area, atom.Base, atom.Br, atom.Col, atom.Embed, atom.Hr, atom.Img, atom.Input, atom.Link, atom.Meta, atom.Source,
		atom.Track, atom.Wbr:
		return true
	}
	return false
}

// isBlock reports whether an element begins and ends a block.
func isBlock(tag atom.Atom) bool {
	switch tag {
	case atom.Address, atom.Article, atom.Aside, atom.Blockquote, atom.Body, atom.Caption, atom.Center, atom.Dd, atom.Details, atom.Div,
		atom.Dl, atom.Dt, atom.Fieldset, atom.Figcaption, atom.Figure, atom.Footer, atom.Form, atom.Header, atom.Hr, atom.Html, atom.Li,
		atom.Main, atom.Nav, atom.P, atom.Section, atom.Summary:
		return true
	}
	return false
}
