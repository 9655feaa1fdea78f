package draft

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"prediag"
)

// whole lets every span that ends in a colon reach as far as what it announces goes: of a list the items under it, else the next
// paragraph or block of code. One with nothing behind it in its section, or with more than a statement holds, is left out: a reader
// would wait for the rest. Spans are trimmed, in order, and within section.
func whole(body string, section prediag.Span, spans []prediag.Span, list bool) []prediag.Span {
	var out []prediag.Span
	for i := 0; i < len(spans); i++ {
		s := spans[i]
		if s.End == s.Start+maxStatementBytes || !announces(body[s.Start:s.End]) { // a cut one ends in a colon by chance
			out = append(out, s)
			continue
		}
		var end int
		if list {
			end = itemsUnder(body, spans, i)
		} else {
			end = blockBehind(body, s.End, section.End)
		}
		if end == s.End || end-s.Start > maxStatementBytes {
			continue
		}
		s.End = end
		out = append(out, s)
		for i+1 < len(spans) && spans[i+1].Start < end {
			i++
		}
	}
	return out
}

// announces reports whether a text ends in a colon of any script.
func announces(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(strings.TrimRight(s, "*_` \t"))
	return r == ':' || r == '：' || r == '︰' || r == '﹕'
}

// itemsUnder is the end of the items that spans[i] announces: those that stand further in, or else the next one.
func itemsUnder(body string, spans []prediag.Span, i int) int {
	own, last := column(body, spans[i].Start), i
	for n := i + 1; n < len(spans) && column(body, spans[n].Start) > own; n++ {
		last = n
	}
	if last == i && i+1 < len(spans) {
		last = i + 1
	}
	if last > i && announces(body[spans[last].Start:spans[last].End]) {
		return spans[i].End // it announces in turn what is not among these items
	}
	return spans[last].End
}

// column is how far in a place stands on its line, in bytes.
func column(body string, at int) int { return at - strings.LastIndexByte(body[:at], '\n') - 1 }

// blockBehind is the end of the paragraph behind a place, and of the next one as long as a paragraph announces one; at itself
// where nothing follows before limit.
func blockBehind(body string, at, limit int) int {
	for end := at; ; {
		rest := body[end:limit]
		start := len(rest) - len(strings.TrimLeftFunc(rest, unicode.IsSpace))
		if start == len(rest) {
			return at
		}
		stop := len(rest)
		if blank := strings.Index(rest[start:], "\n\n"); blank >= 0 {
			stop = start + blank
		}
		block := strings.TrimRightFunc(rest[:stop], unicode.IsSpace)
		if end += len(block); !announces(block) {
			return end
		}
	}
}
