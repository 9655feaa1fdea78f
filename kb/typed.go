package kb

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"prediag/internal/code"
)

// Limits on what is read as an operator. A longer text was pasted, and what it holds is text.
const (
	maxTypedRunes = 200
	maxOperators  = 8
	minWithout    = 3 // letters of a word behind a minus; shorter ones are flags of commands
)

// typed is a query as a person types it into a search box.
type typed struct {
	text    string   // without operators; the words of the phrases stand in it
	phrases []string // must stand in an article as they are
	without []string // must not
}

// parseTyped reads the operators of a typed query: "a phrase" in straight, curly or corner quotes, -word and -"a phrase"
// behind a space or at the beginning. What is not surely an operator is text: a flag such as -v or -Xmx4g, a minus within
// a word, a quote without its pair, anything in a long text or in several lines, and operators that leave nothing to look for.
func parseTyped(s string) typed {
	plain := typed{text: s}
	if utf8.RuneCountInString(s) > maxTypedRunes || strings.ContainsAny(s, "\n\r") {
		return plain
	}
	var t typed
	var text strings.Builder
	for i, start := 0, true; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		minus := r == '-' && start
		at := i
		if minus {
			at++
		}
		if phrase, n := quoted(s[at:]); n > 0 && len(t.phrases)+len(t.without) < maxOperators {
			if minus {
				t.without = append(t.without, phrase)
			} else {
				t.phrases = append(t.phrases, phrase)
				text.WriteString(" " + phrase + " ")
			}
			i, start = at+n, true
			continue
		}
		if word := firstField(s[at:]); minus && excludable(word) && len(t.phrases)+len(t.without) < maxOperators {
			t.without = append(t.without, word)
			i = at + len(word)
			continue
		}
		text.WriteRune(r)
		i, start = i+size, unicode.IsSpace(r)
	}
	if t.text = strings.TrimSpace(text.String()); t.text == "" {
		return plain
	}
	return t
}

// quoted is the phrase that s begins with, without its quotes, and its length with them; 0: there is none.
func quoted(s string) (phrase string, n int) {
	for _, q := range [...][2]string{{`"`, `"`}, {"“", "”"}, {"「", "」"}, {"『", "』"}, {"＂", "＂"}} {
		rest, ok := strings.CutPrefix(s, q[0])
		if !ok {
			continue
		}
		end := strings.Index(rest, q[1])
		if end < 0 || strings.TrimSpace(rest[:end]) == "" {
			return "", 0
		}
		return strings.TrimSpace(rest[:end]), len(q[0]) + end + len(q[1])
	}
	return "", 0
}

func firstField(s string) string {
	if end := strings.IndexFunc(s, unicode.IsSpace); end >= 0 {
		return s[:end]
	}
	return s
}

// excludable reports whether what stands behind a minus is a word or a fault code.
func excludable(word string) bool {
	letters := 0
	for _, r := range word {
		switch {
		case r >= 0x0e00 && unicode.IsLetter(r): // a character of a script without spaces says more than a letter
			letters += minWithout
		case unicode.IsLetter(r):
			letters++
		case !unicode.IsMark(r):
			found := code.Find(word)
			return len(found) == 1 && found[0].Span.Start == 0 && found[0].Span.End == len(word)
		}
	}
	return letters >= minWithout
}
