package ngram

import (
	"strings"
	"unicode/utf8"
)

// Scanner reads the words of a text and passes over what is no language: code in backquotes, URLs, e-mail addresses,
// paths, ids, assignments and CamelCase names.
type Scanner struct {
	Word    Word
	Skipped int // pieces passed over so far

	s  string
	at int
}

// NewScanner returns a scanner that stands before the first word of s.
func NewScanner(s string) Scanner { return Scanner{s: s} }

// Next reads the next word; false: there is none.
func (sc *Scanner) Next() bool {
	s := sc.s
	for sc.at < len(s) {
		c := s[sc.at]
		if c == '`' || c == 'h' || c == 'w' || c == 'H' {
			if n := skip(s, sc.at); n > 0 {
				sc.at += n
				sc.Skipped++
				continue
			}
		}
		if c < utf8.RuneSelf && !isLetter(c) {
			if isDigit(c) {
				sc.number()
				continue
			}
			sc.at++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[sc.at:])
		kind := ScriptOf(r)
		if kind == None {
			sc.at += n
			continue
		}
		w := &sc.Word
		w.Read(s, sc.at, kind)
		sc.at = w.End
		if kind == Latin && noisy(s, w.Start, w.End, w.Camel) {
			sc.at = tokenEnd(s, w.End)
			sc.Skipped++
			continue
		}
		return true
	}
	return false
}

// number passes over a token that starts with a digit.
func (sc *Scanner) number() {
	start := sc.at
	for sc.at < len(sc.s) && (isDigit(sc.s[sc.at]) || sc.s[sc.at] == '.' || sc.s[sc.at] == ':') {
		sc.at++
	}
	if sc.at-start > 3 {
		sc.Skipped++
	}
}

// skip returns the length of the code block, inline code or URL at s[i:], or 0.
func skip(s string, i int) int {
	rest := s[i:]
	for _, fence := range []string{"```", "`"} {
		if strings.HasPrefix(rest, fence) {
			if end := strings.Index(rest[len(fence):], fence); end >= 0 {
				return end + 2*len(fence)
			}
			return len(fence)
		}
	}
	for _, prefix := range []string{"http://", "https://", "www.", "HTTP://", "HTTPS://"} {
		if strings.HasPrefix(rest, prefix) {
			if end := strings.IndexFunc(rest, endsURL); end >= 0 {
				return end
			}
			return len(rest)
		}
	}
	return 0
}

func endsURL(r rune) bool { return r >= utf8.RuneSelf || r <= ' ' || r == '"' || r == '>' || r == ')' }

// noisy reports whether the Latin word s[i:end] is part of an id, path, address, assignment or CamelCase name.
func noisy(s string, i, end int, camel bool) bool {
	if camel {
		return true
	}
	if i > 0 && (isDigit(s[i-1]) || strings.IndexByte("_/@\\=$%<{", s[i-1]) >= 0) {
		return true
	}
	if i > 1 && s[i-1] == '.' && s[i-2] > ' ' && s[i-2] != '.' && s[i-2] < utf8.RuneSelf {
		return true
	}
	if end >= len(s) {
		return false
	}
	if isDigit(s[end]) || strings.IndexByte("_/@\\=$%({", s[end]) >= 0 {
		return true
	}
	return end+1 < len(s) && (s[end] == '.' || s[end] == '-' || s[end] == ':') &&
		(isDigit(s[end+1]) || s[end] != '-' && isLetter(s[end+1]))
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// tokenEnd returns the end of the ASCII token without white space that goes on at i.
func tokenEnd(s string, i int) int {
	for i < len(s) && s[i] > ' ' && s[i] < 0x7f && strings.IndexByte(",;'\"()", s[i]) < 0 {
		i++
	}
	return i
}
