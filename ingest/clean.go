package ingest

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// readable checks that raw is text that a parser may read, and returns it with line ends as "\n" and without a byte
// order mark and characters that nobody sees. The second result is the reason for which it is not readable, or empty.
func readable(raw []byte) (text, reason string) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	switch {
	case !utf8.Valid(raw):
		return "", SkipInvalidUTF8
	case bytes.IndexByte(raw, 0) >= 0:
		return "", SkipBinary
	}
	text = clean(string(raw))
	if strings.TrimSpace(text) == "" {
		return "", SkipEmpty
	}
	return text, ""
}

// clean drops control and invisible characters, in which instructions and look-alikes can hide, and makes "\n" the only
// line end. Joiners stay between letters of the scripts whose spelling needs them.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if !needsCleaning(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	var last rune
	for i, r := range s {
		size := utf8.RuneLen(r)
		switch {
		case r == '\r':
			if i+1 < len(s) && s[i+1] == '\n' {
				continue
			}
			r = '\n'
		case r == '\u2028' || r == '\u2029' || r == '\u0085' || r == '\v' || r == '\f':
			r = '\n'
		case r == '\u200c' || r == '\u200d':
			next, _ := utf8.DecodeRuneInString(s[i+size:])
			if !joins(last) || !joins(next) {
				continue
			}
		case invisible(r):
			continue
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}

// needsCleaning reports whether s holds a character that clean acts upon.
func needsCleaning(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			return true
		}
	}
	for _, r := range s {
		if r >= 0x80 && (invisible(r) || r == '\u2028' || r == '\u2029' || r == '\u200c' || r == '\u200d') {
			return true
		}
	}
	return false
}

// invisible reports whether r shows nothing: controls other than tab and newline, zero-width and bidirectional format
// characters, fillers, tags and the supplementary variation selectors.
func invisible(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r == '\u115f' || r == '\u1160' || r == '\u3164' || r == '\uffa0' || r == '\u2800' || r == '\u034f':
		return true
	case r >= 0xfe00 && r <= 0xfe0e: // text variants; U+FE0F asks for an emoji's colours and is seen
		return true
	case r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co)
}

// joins reports whether r belongs to a script in which a zero-width joiner or non-joiner changes the spelling: Arabic,
// Syriac, Mongolian and those of India and its neighbours.
func joins(r rune) bool {
	return r >= 0x0600 && r <= 0x07ff || r >= 0x08a0 && r <= 0x0dff || r >= 0x0f00 && r <= 0x109f || r >= 0x1780 && r <= 0x18af ||
		r >= 0xa8e0 && r <= 0xa8ff
}

// oneLine makes every run of white space one space.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// clip shortens s to at most n bytes at a character's end.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
