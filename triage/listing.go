package triage

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// fewestEntries make a list a table of contents.
const fewestEntries = 3

// listing is the share of a text, by characters, in lines of a list that end no sentence, as those of a table of contents and of
// a list of links; a question counts as none. A text with fewer than three has none: 0 to 1.
func listing(s string) float64 {
	all, listed, entries := 0, 0, 0
	for line := range strings.Lines(s) {
		line = strings.TrimSpace(line)
		n := utf8.RuneCountInString(line)
		all += n
		if isEntry(line) {
			listed += n
			entries++
		}
	}
	if entries < fewestEntries {
		return 0
	}
	return float64(listed) / float64(all)
}

// isEntry reports whether a line begins with the mark of a list and does not end as a sentence does.
func isEntry(line string) bool {
	mark, text, found := strings.Cut(line, " ")
	if !found || !isMark(mark) {
		return false
	}
	last, _ := utf8.DecodeLastRuneInString(text)
	return !strings.ContainsRune(".。।．｡;；:：!！", last)
}

// isMark knows "-", "*", "•" and "12.".
func isMark(s string) bool {
	switch s {
	case "-", "*", "•", "+":
		return true
	}
	number, dotted := strings.CutSuffix(s, ".")
	return dotted && number != "" && !strings.ContainsFunc(number, func(r rune) bool { return !unicode.IsDigit(r) })
}
