package ingest

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// wide reports whether r takes two columns.
func wide(r rune) bool {
	k := width.LookupRune(r).Kind()
	return k == width.EastAsianWide || k == width.EastAsianFullwidth
}

// inline turns a text with reStructuredText's inline markup into plain text: emphasis, literals, roles, references and
// substitutions, in linear time.
func (r *rst) inline(s string) string {
	if !strings.ContainsAny(s, "*`|\\_:") {
		return s
	}
	var b strings.Builder
	var none [256]bool // closing marks that do not come any more
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			if s[i+1] != ' ' {
				_, n := utf8.DecodeRuneInString(s[i+1:])
				b.WriteString(s[i+1 : i+1+n])
				i += n - 1
			}
			i += 2
			continue
		case c == ':' && strings.HasPrefix(s[i:], "://"):
			n := r.bareURL(s, i)
			if n > i {
				b.WriteString(s[i:n])
				i = n
				continue
			}
		case c == '`' || c == '*' || c == '|' || c == ':':
			if text, n := r.marked(s, i, &none); n > i {
				b.WriteString(text)
				i = n
				continue
			}
		case c == ']' && strings.HasPrefix(s[i:], "]_"):
			b.WriteByte(']')
			i += 2
			continue
		case c == '_' && r.namedReference(s, i):
			i++
			continue
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

// marked reads the marked text that begins at s[i], and returns what is shown of it and where it ends; i when none begins.
func (r *rst) marked(s string, i int, none *[256]bool) (string, int) {
	if s[i] == ':' {
		return r.role(s, i, none)
	}
	mark := s[i : i+1]
	if strings.HasPrefix(s[i+1:], mark) && mark != "|" {
		mark = s[i : i+2]
	}
	start := i + len(mark)
	if start >= len(s) || mark != "``" && (s[start] == ' ' || !opens(s, i)) {
		return "", i
	}
	end := closing(s, start, mark, none)
	if end < 0 {
		return "", i
	}
	text := s[start:end]
	switch mark {
	case "``":
		return text, end + 2
	case "`":
		r.linkReference(text, s[end+1:])
		return reference(text), afterReference(s, end+1)
	case "|":
		sub, known := r.subst[text]
		if *r.spare -= len(sub); !known || *r.spare < 0 {
			return "", i
		}
		return sub, afterReference(s, end+1)
	}
	return r.unmark(text), end + len(mark)
}

// role reads ":name:`text`".
func (r *rst) role(s string, i int, none *[256]bool) (string, int) {
	n := i + 1
	for n < len(s) && n < i+40 && (s[n] == '-' || s[n] == '_' || s[n] == ':' || s[n] == '.' || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z' || s[n] >= '0' && s[n] <= '9') {
		n++
	}
	if n < i+3 || n >= len(s) || s[n] != '`' || s[n-1] != ':' {
		return "", i
	}
	end := closing(s, n+1, "`", none)
	if end < 0 {
		return "", i
	}
	if s[i+1:n-1] == "doc" {
		r.linkDocument(s[n+1 : end])
	}
	return strings.TrimLeft(reference(s[n+1:end]), "~!"), end + 1
}

// unmark handles a role or reference inside emphasis, one level deep.
func (r *rst) unmark(s string) string {
	if strings.Contains(s, ":`") || strings.Contains(s, "\\") {
		return strings.ReplaceAll(strings.ReplaceAll(s, "\\ ", ""), "\\", "")
	}
	return s
}

// embedded is the target in angle brackets of a reference; empty when it has none.
func embedded(s string) string {
	if i := strings.LastIndex(s, "<"); i >= 0 && strings.HasSuffix(s, ">") {
		return s[i+1 : len(s)-1]
	}
	return ""
}

// reference is what is shown of a reference: its text without the target in angle brackets.
func reference(s string) string {
	if i := strings.LastIndex(s, "<"); i >= 0 && strings.HasSuffix(s, ">") {
		if t := strings.TrimSpace(s[:i]); t != "" {
			return strings.ReplaceAll(t, "\\", "")
		}
		return s[i+1 : len(s)-1]
	}
	return strings.ReplaceAll(s, "\\", "")
}

// afterReference passes over the underscores that make a text a reference.
func afterReference(s string, i int) int {
	for n := 0; n < 2 && i < len(s) && s[i] == '_'; n++ {
		i++
	}
	return i
}

// opens reports whether inline markup may begin at s[i]: after white space or punctuation. Scripts that are written
// without spaces count as such.
func opens(s string, i int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	return i == 0 || boundary(before)
}

func boundary(r rune) bool {
	return r >= 0x2e80 || !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// closing finds the mark that ends a marked text. What it did not find once it does not look for again.
func closing(s string, from int, mark string, none *[256]bool) int {
	memo := mark[0]
	if len(mark) == 2 {
		memo |= 0x80
	}
	if none[memo] {
		return -1
	}
	for at := from; at < len(s); {
		n := strings.Index(s[at:], mark)
		if n < 0 {
			break
		}
		at += n
		if at > from && s[at-1] != ' ' && (s[at-1] != '\\' || mark == "``") {
			after, _ := utf8.DecodeRuneInString(s[at+len(mark):])
			if mark[0] == '`' || at+len(mark) == len(s) || boundary(after) {
				return at
			}
		}
		at++
	}
	none[memo] = true
	return -1
}
