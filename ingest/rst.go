package ingest

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	rstBullet  = regexp.MustCompile(`^[-*+•‣⁃](?: +|$)`)
	rstNumber  = regexp.MustCompile(`^(?:\(?(?:[0-9]{1,4}|[a-z]|[ivx]{1,6}|#)\)|(?:[0-9]{1,4}|[a-zA-Z]|[ivxIVX]{1,6}|#)\.)(?: +|$)`)
	rstField   = regexp.MustCompile(`^:([^:\s][^:]*):(?:[ \t]+(.*))?$`)
	rstDirect  = regexp.MustCompile(`^\.\. +(?:\|([^|]+)\| +)?([A-Za-z][\w:.+-]*?) ?::(?:[ \t]+(.*))?$`)
	rstOption  = regexp.MustCompile(`^:[^:\s][^:]*:(?:[ \t]|$)`)
	simpleRule = regexp.MustCompile(`^=+(?: +=+)+ *$`)
)

// maxRSTDepth bounds how deeply blocks may lie in one another; what is deeper is read as one paragraph.
const maxRSTDepth = 30

// maxSubstituted is how many bytes substitutions may add to a document.
const maxSubstituted = 1 << 20

// rst reads the subset of reStructuredText that documentation is written in, losing no text: titles, paragraphs, lists,
// tables, literal blocks, and the directives that hold text. What refers to other files is dropped.
type rst struct {
	w     *body
	meta  map[string]any
	subst map[string]string
	// targets are those of the whole document.
	targets *rstTargets
	spare   *int // bytes that substitutions may still add
	// adornments maps a way of underlining titles to the level that it stands for, in the order of appearance.
	adornments map[string]int
	group      int // of the blocks of the outermost list; 0: outside
	lastList   int // the same of the list before
	lists      int // depth of lists
	marker     string
}

// parseRST reads a reStructuredText document. Its leading field list is its metadata. The second result is the reason for
// which it gives no article.
func parseRST(text string, given meta) (parsed, string) {
	var doc parsed
	front, rest, ok := readFrontMatter(text)
	if !ok {
		return doc, SkipFrontMatter
	}
	lines := strings.Split(rest, "\n")
	for i, l := range lines {
		lines[i] = expandTabs(strings.TrimRight(l, " \t"))
	}
	spare := maxSubstituted
	r := &rst{w: &body{title: given.or(front).title}, spare: &spare, meta: map[string]any{}, subst: substitutions(lines), targets: targetsOf(lines), adornments: map[string]int{}}
	r.blocks(lines, 0)
	doc.meta = front
	if len(r.meta) > 0 && front.id == "" && front.title == "" {
		if doc.meta, ok = fromTable(r.meta); !ok {
			return doc, SkipFrontMatter
		}
	}
	doc.meta = given.or(doc.meta)
	doc.from(r.w)
	return doc, ""
}

// blocks reads a sequence of blocks that stand at the same indentation, which is already taken off.
func (r *rst) blocks(lines []string, depth int) {
	if depth > maxRSTDepth {
		r.put(r.inline(strings.Join(lines, " ")))
		return
	}
	number := 0 // of the last item of an automatically numbered list
	for i := 0; i < len(lines); {
		line := lines[i]
		if line == "" {
			i++
			continue
		}
		if rstNumber.MatchString(line) && !isTitle(lines, i) {
			i = r.item(lines, i, depth, &number)
			continue
		}
		switch {
		case line[0] == ' ':
			n := indented(lines, i)
			r.blocks(dedent(lines[i:n]), depth+1)
			i = n
			continue
		case rstBullet.MatchString(line) && !isTitle(lines, i):
			i = r.item(lines, i, depth, &number)
			continue
		}
		if !strings.HasPrefix(line, "..") {
			number = 0
		}
		i = r.plainBlock(lines, i, depth)
	}
}

// plainBlock reads one block that is neither a list item nor indented, and returns where the next begins.
func (r *rst) plainBlock(lines []string, i, depth int) int {
	line := lines[i]
	switch {
	case line == ".." || strings.HasPrefix(line, ".. "):
		return r.explicit(lines, i, depth)
	case strings.HasPrefix(line, "__ "):
		return i + 1
	case isGridRule(line):
		return r.gridTable(lines, i)
	case simpleRule.MatchString(line):
		return r.simpleTable(lines, i)
	case depth == 0 && isTitle(lines, i):
		return r.title(lines, i)
	case isAdornment(line) && len(line) >= 4 && (i+1 >= len(lines) || lines[i+1] == ""):
		return i + 1
	case rstField.MatchString(line):
		return r.field(lines, i, depth)
	case strings.HasPrefix(line, "| ") || line == "|":
		n := i
		for ; n < len(lines) && (strings.HasPrefix(lines[n], "| ") || lines[n] == "|"); n++ {
			r.put(r.inline(strings.TrimPrefix(strings.TrimPrefix(lines[n], "|"), " ")))
		}
		return n
	}
	return r.paragraph(lines, i, depth)
}

// paragraph reads a paragraph, a definition, or the introduction of a literal block.
func (r *rst) paragraph(lines []string, i, depth int) int {
	n := i + 1
	for n < len(lines) && lines[n] != "" && lines[n][0] != ' ' && !(n > i+1 && isTitle(lines, n) && depth == 0) {
		n++
	}
	text := strings.Join(lines[i:n], " ")
	literal := strings.HasSuffix(text, "::")
	if literal {
		text = strings.TrimSpace(strings.TrimSuffix(text, ":"))
		if text == ":" {
			text = ""
		}
	}
	r.put(r.inline(text))
	if !literal {
		return n
	}
	for n < len(lines) && lines[n] == "" {
		n++
	}
	if n < len(lines) && lines[n][0] == ' ' {
		end := indented(lines, n)
		r.code(dedent(lines[n:end]))
		n = end
	}
	return n
}

// put writes a block of text at the current place in the lists.
func (r *rst) put(text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	indent := ""
	if r.lists > 0 {
		indent = strings.Repeat("  ", min(r.lists, maxListDepth)-1)
		if r.marker == "" {
			indent += "  "
		}
	}
	r.w.put(indent+r.marker+text, r.group)
	r.marker = ""
}

// code writes lines as they are.
func (r *rst) code(lines []string) {
	if r.marker != "" {
		r.put(" ")
	}
	r.w.put(strings.Join(lines, "\n"), r.group)
}

// item reads one list item and returns where the next block begins.
func (r *rst) item(lines []string, i, depth int, number *int) int {
	line := lines[i]
	mark := rstBullet.FindString(line)
	shown := "- "
	if mark == "" {
		mark = rstNumber.FindString(line)
		shown = strings.TrimSpace(mark) + " "
		if strings.Contains(mark, "#") {
			*number++
			shown = strings.Replace(shown, "#", strconv.Itoa(*number), 1)
		}
	}
	width := utf8.RuneCountInString(mark)
	n := i + 1
	for n < len(lines) && (lines[n] == "" || leading(lines[n]) >= min(width, 2)) {
		n++
	}
	content := append([]string{strings.TrimSpace(line[len(mark):])}, dedent(lines[i+1:n])...)
	if r.lists == 0 {
		r.group = r.w.newGroup()
		if i > 0 && *number != 1 && r.lastGroup(lines, i) {
			r.group = r.lastList
		}
	}
	r.lists++
	r.marker = shown
	r.blocks(content, depth+1)
	r.marker = ""
	if r.lists--; r.lists == 0 {
		r.lastList, r.group = r.group, 0
	}
	return n
}

// lastGroup reports whether the block before lines[i] was an item of the same list.
func (r *rst) lastGroup(lines []string, i int) bool {
	for i--; i >= 0; i-- {
		switch {
		case lines[i] == "" || lines[i][0] == ' ':
		default:
			return (rstBullet.MatchString(lines[i]) || rstNumber.MatchString(lines[i])) && r.lastList != 0
		}
	}
	return false
}

// field reads one field: metadata at the top of the document, text elsewhere.
func (r *rst) field(lines []string, i, depth int) int {
	m := rstField.FindStringSubmatch(lines[i])
	n := i + 1
	for n < len(lines) && lines[n] != "" && lines[n][0] == ' ' {
		n++
	}
	value := strings.TrimSpace(m[2] + " " + strings.Join(trimAll(lines[i+1:n]), " "))
	if depth == 0 && r.w.empty() && r.w.title == "" {
		if key := strings.ToLower(strings.TrimSpace(m[1])); rstMeta[key] {
			r.meta[key] = value
			if key == "codes" || key == "audience" {
				r.meta[key] = splitNames(value)
			}
			return n
		}
	}
	r.put(r.inline(m[1] + ": " + value))
	return n
}

// rstMeta are the fields at the top of a document that are about it and not part of its text.
var rstMeta = map[string]bool{
	"id": true, "article_id": true, "title": true, "language": true, "lang": true, "locale": true, "product": true, "category": true,
	"kind": true, "group": true, "url": true, "updated": true, "lastmod": true, "date": true, "codes": true, "audience": true,
	"author": true, "authors": true, "organization": true, "contact": true, "version": true, "revision": true, "status": true,
	"copyright": true, "orphan": true, "tocdepth": true, "nocomments": true, "nosearch": true, "original_name": true,
}

// splitNames reads "a, b" or "[a, b]" as a list.
func splitNames(s string) []any {
	var out []any
	for part := range strings.FieldsFuncSeq(strings.Trim(s, "[] "), func(r rune) bool { return r == ',' || r == ' ' }) {
		out = append(out, strings.Trim(part, `"'`))
	}
	return out
}

// isTitle reports whether a section title begins at lines[i], with or without a line above it.
func isTitle(lines []string, i int) bool {
	under := func(title, adornment string) bool {
		return title != "" && title[0] != ' ' && isAdornment(adornment) &&
			(len(adornment) >= 4 || len(adornment) >= displayWidth(title))
	}
	if isAdornment(lines[i]) {
		return i+2 < len(lines) && lines[i+2] == lines[i] && len(lines[i]) >= 4 && strings.TrimSpace(lines[i+1]) != "" && !isAdornment(lines[i+1])
	}
	return i+1 < len(lines) && under(lines[i], lines[i+1]) && !strings.HasPrefix(lines[i], ".. ")
}

// title reads a section title.
func (r *rst) title(lines []string, i int) int {
	text, style, n := lines[i], lines[min(i+1, len(lines)-1)][:1], i+2
	if isAdornment(lines[i]) {
		text, style, n = strings.TrimSpace(lines[i+1]), lines[i][:1]+"^", i+3
	}
	level, ok := r.adornments[style]
	if !ok {
		level = len(r.adornments) + 1
		r.adornments[style] = level
	}
	if title, ok := r.meta["title"].(string); ok && r.w.title == "" {
		r.w.title = title
	}
	r.w.heading(level, r.inline(text))
	return n
}

// isAdornment reports whether a line is a row of one and the same punctuation character.
func isAdornment(line string) bool {
	if len(line) < 2 || !strings.ContainsRune("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", rune(line[0])) {
		return false
	}
	return strings.Trim(line, line[:1]) == ""
}

// indented returns the end of the block of indented and blank lines that begins at i.
func indented(lines []string, i int) int {
	n := i
	for n < len(lines) && (lines[n] == "" || lines[n][0] == ' ') {
		n++
	}
	return n
}

// leading counts the spaces at the beginning of a line.
func leading(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// dedent takes the common indentation off.
func dedent(lines []string) []string {
	least := -1
	for _, l := range lines {
		if l != "" && (least < 0 || leading(l) < least) {
			least = leading(l)
		}
	}
	out := make([]string, len(lines))
	for i, l := range lines {
		if l != "" {
			out[i] = l[least:]
		}
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

func trimAll(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = strings.TrimSpace(l)
	}
	return out
}

// expandTabs replaces the tabs at the beginning of a line, to columns of eight.
func expandTabs(line string) string {
	i, col := 0, 0
	for ; i < len(line) && (line[i] == ' ' || line[i] == '\t'); i++ {
		if line[i] == '\t' {
			col += 8 - col%8
		} else {
			col++
		}
	}
	if !strings.Contains(line[:i], "\t") {
		return line
	}
	return strings.Repeat(" ", col) + line[i:]
}

// displayWidth is the number of columns that a text takes.
func displayWidth(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// runeWidth is 2 for the wide characters of East Asia, 0 for combining marks and 1 for all others.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case wide(r):
		return 2
	}
	return 1
}
