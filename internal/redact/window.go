package redact

import (
	"sort"
	"strings"
)

// window is a part [start, end) of the text that an expression is run on.
type window struct{ start, end int }

// finder returns the windows worth looking at, sorted and without overlap. Low is s with ASCII letters in small.
type finder func(s, low string) []window

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
	return func(s, low string) []window {
		var out []window
		for _, word := range words {
			for i := 0; ; {
				at := strings.Index(low[i:], word)
				if at < 0 {
					break
				}
				w := lineAround(s, i+at, i+at+len(word))
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
	return func(s, low string) []window {
		if i := strings.Index(low, word); i >= 0 {
			return []window{{max(0, i-reachBack), len(s)}}
		}
		return nil
	}
}

// numbers finds runs of digits and the signs that group them, with at least as many digits and, unless it is 0, with the
// sign.
func numbers(atLeast int, sign byte) finder {
	return func(s, _ string) []window {
		var out []window
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
func longRuns(s, _ string) []window {
	var out []window
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
func accounts(s, _ string) []window {
	var out []window
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
