package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"prediag"
)

// Sentences returns the sentences of s in order, without the white space around them.
//
// A sentence ends at a newline, at 。！？ and their kin in other scripts, and at . ! ? before white space or the end of the
// text. A dot does not end it after the number of a list item, after a single letter or a known abbreviation, or
// before a small letter; codes, versions, addresses and URLs hold no white space and are never split.
func Sentences(s string) []prediag.Span {
	var spans []prediag.Span
	start := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		if r == '\n' || r == '\r' || r == 0x2029 || endsSentence(s, start, i, r) {
			if r != '\n' {
				i += closers(s[i:])
			}
			spans = appendTrimmed(spans, s, start, i)
			start = i
		}
	}
	return appendTrimmed(spans, s, start, len(s))
}

func appendTrimmed(spans []prediag.Span, s string, start, end int) []prediag.Span {
	for start < end {
		r, n := utf8.DecodeRuneInString(s[start:end])
		if !unicode.IsSpace(r) {
			break
		}
		start += n
	}
	for start < end {
		r, n := utf8.DecodeLastRuneInString(s[start:end])
		if !unicode.IsSpace(r) {
			break
		}
		end -= n
	}
	if start == end {
		return spans
	}
	return append(spans, prediag.Span{Start: start, End: end})
}

// endsSentence reports whether the stop r, which ends at i, ends the sentence that began at start.
func endsSentence(s string, start, i int, r rune) bool {
	switch r {
	case '。', '！', '？', '．', '｡', '؟', '۔', '।', '॥', '။', '។':
		return true
	case '!', '?', '…', '.':
	default:
		return false
	}
	rest := s[i+closers(s[i:]):]
	if rest == "" {
		return true
	}
	next, _ := utf8.DecodeRuneInString(rest)
	if !unicode.IsSpace(next) {
		return false
	}
	return r != '.' && r != '…' || dotEnds(s[start:i], rest)
}

// dotEnds reports whether the dot at the end of said is a full stop before rest, which begins with white space.
func dotEnds(said, rest string) bool {
	next, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(rest, unicode.IsSpace))
	if unicode.IsLower(next) {
		return false
	}
	word := strings.TrimSuffix(said, ".")
	if i := strings.LastIndexFunc(word, unicode.IsSpace); i >= 0 {
		word = word[i+1:]
	} else if strings.Trim(word, "0123456789") == "" {
		return false // "1. Open the console"
	}
	word = strings.ToLower(strings.TrimLeft(word, "(\"'"))
	return utf8.RuneCountInString(word) != 1 && !abbreviations[word]
}

// closers returns the length of the closing quotes and brackets that s begins with.
func closers(s string) int {
	n := 0
	for _, r := range s {
		if !strings.ContainsRune("\"')]}”’»」』）】》", r) {
			break
		}
		n += utf8.RuneLen(r)
	}
	return n
}

// abbreviations that are rarely the last word of a sentence, without the dot.
var abbreviations = map[string]bool{
	"e.g": true, "i.e": true, "vs": true, "cf": true, "no": true, "nr": true, "fig": true, "approx": true, "dr": true,
	"mr": true, "mrs": true, "ms": true, "z.b": true, "d.h": true, "u.a": true, "bzw": true, "ca": true, "ggf": true,
	"usw": true, "p.ex": true, "p.e": true, "sr": true, "sra": true, "núm": true, "стр": true, "т.е": true, "т.д": true,
}
