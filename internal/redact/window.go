package redact

import (
	"sort"
	"strings"
)

// window is a part [start, end) of the text that an expression is run on.
type window struct{ start, end int }

// subject is a text that is looked through, and what tells quickly that something is not in it.
type subject struct {
	s      string
	low    string             // with ASCII letters in small
	digits int                // how many it has
	pairs  [pairs / 64]uint64 // a bit for each pair of bytes of low next to each other
}

// pairs is how many different pairs of bytes are told apart.
const pairs = 1 << 13

func pairOf(a, b byte) uint { return (uint(a)<<6 ^ uint(b)) % pairs }

func newSubject(s string) *subject {
	t := &subject{s: s, low: lowerASCII(s)}
	last := byte(0)
	for i := range len(t.low) {
		c := t.low[i]
		if isDigit(c) {
			t.digits++
		}
		p := pairOf(last, c)
		t.pairs[p/64] |= 1 << (p % 64)
		last = c
	}
	return t
}

// lacks reports whether a word is surely not in the text: one of its pairs is not.
func (t *subject) lacks(word string) bool {
	for i := 1; i < len(word); i++ {
		if p := pairOf(word[i-1], word[i]); t.pairs[p/64]&(1<<(p%64)) == 0 {
			return true
		}
	}
	return false
}

// finder returns the windows worth looking at, sorted and without overlap.
type finder func(*subject) []window

// Reach of a window around a word, within its line.
const (
	reachBack  = 200
	reachAhead = 4096
)

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// near finds the lines that hold one of the words, which are in small letters.
func near(words ...string) finder {
	return func(t *subject) []window {
		var out []window
		for _, word := range words {
			if t.lacks(word) {
				continue
			}
			for i := 0; ; {
				at := strings.Index(t.low[i:], word)
				if at < 0 {
					break
				}
				w := lineAround(t.s, i+at, i+at+len(word))
				out = append(out, w)
				i = max(i+at+len(word), w.end-reachBack)
			}
		}
		return joined(out)
	}
}

// lineAround returns the line that holds s[start:end], cut on both sides where it is long but never inside a word.
func lineAround(s string, start, end int) window {
	from := start
	for from > 0 && start-from < reachBack && s[from-1] != '\n' {
		from--
	}
	to := end
	for to < len(s) && s[to] != '\n' && (to-end < reachAhead || s[to] > ' ') {
		to++
	}
	return window{from, to}
}

// after finds the rest of the text from the first occurrence of the word on.
func after(word string) finder {
	return func(t *subject) []window {
		if t.lacks(word) {
			return nil
		}
		if i := strings.Index(t.low, word); i >= 0 {
			return []window{{max(0, i-reachBack), len(t.s)}}
		}
		return nil
	}
}

// withDigits finds nothing in a text of fewer digits.
func withDigits(atLeast int, where finder) finder {
	return func(t *subject) []window {
		if t.digits < atLeast {
			return nil
		}
		return where(t)
	}
}

// numbers finds runs of digits and the signs that group them, with at least as many digits and, unless it is 0, with the
// sign.
func numbers(atLeast int, sign byte) finder {
	return func(t *subject) []window {
		if t.digits < atLeast {
			return nil
		}
		var out []window
		s := t.s
		for i := 0; i < len(s); {
			end, digits := i, 0
			for end < len(s) && inNumber(s[end]) {
				if isDigit(s[end]) {
					digits++
				}
				end++
			}
			if digits >= atLeast && (sign == 0 || strings.IndexByte(s[i:end], sign) >= 0) {
				out = append(out, window{i, end})
			}
			i = max(end, i+1)
		}
		return out
	}
}

func inNumber(c byte) bool {
	switch c {
	case ' ', '(', ')', '+', '-', '.', 'x', 'X':
		return true
	}
	return isDigit(c)
}

// longRuns finds runs of at least 16 characters of base 64.
func longRuns(t *subject) []window {
	var out []window
	s := t.s
	for i := 0; i < len(s); {
		end := i
		for end < len(s) && (alnum(s[end]) || s[end] == '/' || s[end] == '+') {
			end++
		}
		if end-i >= 16 {
			out = append(out, window{i, min(len(s), end+2)})
		}
		i = max(end, i+1)
	}
	return joined(out)
}

// accounts finds two capitals before two digits, the start of an IBAN.
func accounts(t *subject) []window {
	if t.digits < 2 {
		return nil
	}
	var out []window
	s := t.s
	for i := 0; i+15 <= len(s); i++ {
		if isCapital(s[i]) && isCapital(s[i+1]) && isDigit(s[i+2]) && isDigit(s[i+3]) && (i == 0 || !alnum(s[i-1])) {
			out = append(out, window{i, min(len(s), i+45)})
		}
	}
	return joined(out)
}

func isCapital(c byte) bool { return 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool   { return '0' <= c && c <= '9' }

// joined sorts windows and joins those that overlap, so that no part of the text is looked at twice.
func joined(all []window) []window {
	sort.Slice(all, func(i, j int) bool { return all[i].start < all[j].start })
	var out []window
	for _, w := range all {
		if n := len(out); n > 0 && w.start < out[n-1].end {
			out[n-1].end = max(out[n-1].end, w.end)
			continue
		}
		out = append(out, w)
	}
	return out
}
