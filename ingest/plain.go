package ingest

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// parsePlain reads a text file: Markdown's headings if it has any, else lines that look like headings.
func parsePlain(text string, given meta) parsed {
	doc := parsed{meta: given}
	w := &body{title: given.title}
	if !plainLines(w, text) {
		w = &body{title: given.title}
		guessSections(w, text)
		if first, _, ok := strings.Cut(strings.TrimSpace(text), "\n"); w.title == "" || ok && given.title == "" && len(first) <= 120 && w.title != first {
			w.title = clip(oneLine(first), 120)
		}
	}
	w.linkURLs(text)
	doc.from(w)
	return doc
}

// plainLines writes a Markdown text line by line, taking only its headings out, and reports whether there were any. It
// takes linear time whatever the text is.
func plainLines(w *body, text string) (headings bool) {
	var block strings.Builder
	fence := false
	flush := func() {
		if text := block.String(); !fence && isTable(text) {
			w.tableLines(text)
		} else {
			w.put(text, 0)
		}
		block.Reset()
	}
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, " \t\n")
		if strings.HasPrefix(strings.TrimSpace(bare), "```") {
			fence = !fence
		}
		level := 0
		if !fence {
			level = atxLevel(bare)
		}
		switch {
		case level > 0:
			flush()
			w.heading(level, strings.TrimRight(strings.Trim(bare, " \t"), "# ")[level:])
			headings = true
		case bare == "" && !fence:
			flush()
		default:
			block.WriteString(bare)
			block.WriteByte('\n')
		}
	}
	flush()
	return headings
}

// atxLevel is the level of a heading written as "## text", 0 when the line is none.
func atxLevel(line string) int {
	n := 0
	for n < len(line) && line[n] == '#' {
		n++
	}
	if n == 0 || n > 6 || n >= len(line) || line[n] != ' ' || strings.Trim(line, "# \t") == "" {
		return 0
	}
	return n
}

// guessSections writes a plain text whose headings are lines that stand alone and read like one. Table rows in it, cells
// between " | ", are told apart.
func guessSections(w *body, text string) {
	blocks := splitBlocks(text)
	for i, b := range blocks {
		switch {
		case i+1 < len(blocks) && headingLike(b) && !headingLike(blocks[i+1]):
			w.guessed(b)
		case strings.Contains(b, "|"):
			w.tableLines(b)
		default:
			w.put(b, 0)
		}
	}
}

// guessed begins a section without taking the line for the article's title.
func (w *body) guessed(line string) {
	title := w.title
	if title == "" {
		w.title = line
	}
	w.endSection()
	w.path, w.levels = []string{clip(oneLine(line), maxHeading)}, []int{2}
	w.put(line, 0)
	w.group = 0
	w.start = w.text.Len()
	w.title = title
}

// splitBlocks cuts a text at its blank lines.
func splitBlocks(text string) []string {
	var out []string
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			out = append(out, strings.TrimRight(b.String(), "\n"))
			b.Reset()
		}
	}
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, " \t\n")
		if bare == "" {
			flush()
			continue
		}
		b.WriteString(bare)
		b.WriteByte('\n')
	}
	flush()
	return out
}

// headingLike reports whether a block of plain text reads like a heading: one short line that begins like one and does
// not end like a sentence, a list item, a command or a table.
func headingLike(block string) bool {
	if len(block) > 120 || strings.ContainsAny(block, "\n|=;{}<>\\`\"") || utf8.RuneCountInString(block) > 70 {
		return false
	}
	first, _ := utf8.DecodeRuneInString(block)
	last, _ := utf8.DecodeLastRuneInString(block)
	if !unicode.IsLetter(first) && !unicode.IsDigit(first) || unicode.IsLower(first) {
		return false
	}
	if strings.ContainsRune(".,:;!。，：；！、)]", last) || strings.Contains(block, "://") {
		return false
	}
	if unicode.IsDigit(first) && strings.Trim(block, "0123456789. ") == "" {
		return false
	}
	words := strings.Fields(block)
	switch words[0] {
	case "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "None", "Table", "Figure", "Example", "N/A":
		return len(words) == 1 && words[0] != "None" && words[0] != "N/A"
	}
	return len(words) <= 10
}

// tableLines writes a block, telling apart the cells of its lines that are table rows.
func (w *body) tableLines(block string) {
	group := 0
	for line := range strings.Lines(block) {
		line = strings.TrimRight(line, "\n")
		cells := lineCells(line)
		switch {
		case len(cells) < 2:
			w.put(line, group)
			continue
		case group == 0:
			group = w.newGroup()
		}
		w.row(cells, group)
	}
}

// isTable reports whether a block is a table and nothing else: two or more rows with as many cells each.
func isTable(block string) bool {
	rows, cells := 0, 0
	for line := range strings.Lines(block) {
		n := len(lineCells(strings.TrimRight(line, "\n")))
		if n < 2 || rows > 0 && n != cells {
			return false
		}
		rows, cells = rows+1, n
	}
	return rows > 1
}

// lineCells splits a table row, "a | b | c" or "|a|b|c|"; it returns nil when the line is none.
func lineCells(line string) []string {
	if strings.HasPrefix(line, "|") && strings.HasSuffix(line, "|") && len(line) > 2 {
		return strings.Split(line[1:len(line)-1], "|")
	}
	if strings.Contains(line, " | ") {
		return strings.Split(line, " | ")
	}
	return nil
}
