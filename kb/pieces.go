package kb

import (
	"strings"

	"prediag"
	"prediag/internal/text"
)

// An article is embedded piece by piece: each section by itself under its title and headings, long ones in parts that end where a
// sentence does. Models read a few hundred words, and a vector of much text says little about any of it.
const (
	maxPieceBytes = 1500
	maxPieces     = 256 // of one article, the first ones
)

// piecesVersion changes with how pieces are made: what was embedded before is then embedded anew.
const piecesVersion = 1

// piece is a part of an article that has a vector of its own.
type piece struct {
	text string       // that is embedded
	span prediag.Span // in the body
	path string       // headings
}

// piecesOf cuts an article into pieces. An article without text has one, of its title.
func piecesOf(a *prediag.Article) []piece {
	var out []piece
	for _, s := range sectionsOf(a) {
		heading := s.Heading()
		head := strings.Join(nonEmpty(givenTitle(a), heading), "\n")
		for _, span := range cutSpan(a.Body, s.Span) {
			if len(out) == maxPieces {
				return out
			}
			out = append(out, piece{text: strings.Join(nonEmpty(head, a.Body[span.Start:span.End]), "\n"), span: span, path: heading})
		}
	}
	if len(out) == 0 {
		out = append(out, piece{text: a.Title})
	}
	return out
}

func nonEmpty(parts ...string) []string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return out
}

// cutSpan cuts a span of a body into parts of about maxPieceBytes without white space at their ends.
func cutSpan(body string, span prediag.Span) []prediag.Span {
	var out []prediag.Span
	add := func(from, to int) {
		part := body[from:to]
		start := from + len(part) - len(strings.TrimSpace(part+"x")) + 1
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, prediag.Span{Start: start, End: start + len(part)})
		}
	}
	part := body[span.Start:span.End]
	if len(part) <= maxPieceBytes {
		add(span.Start, span.End)
		return out
	}
	from := 0
	for _, s := range text.Sentences(part) {
		for s.End-from > maxPieceBytes {
			end := s.Start
			if end <= from { // one sentence is too long
				end = from + len(cutBytes(part[from:], maxPieceBytes))
			}
			add(span.Start+from, span.Start+end)
			from = end
		}
	}
	add(span.Start+from, span.End)
	return out
}
