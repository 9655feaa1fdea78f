package signal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// stop says what stands between two words.
type stop uint8

const (
	near     stop = iota // nothing, spaces, quotes, brackets, a hyphen
	clause               // a comma, a colon and the like
	sentence             // a full stop, an empty line
)

// word is one unit that phrases are made of: a word of a script with spaces, or a single character of another.
type word struct {
	start, end int32 // bytes of the folded text
	sat, satTo int32 // the classes that it belongs to: scan.sat[sat:satTo]
	before     stop
	spaced     bool // white space stands before it
	glued      bool // a hyphen, dot, underscore or other joiner without space stands before it, as in "is_urgent"
	hyphen     bool // that joiner is a hyphen
	single     bool // a character of a script without spaces between words
}

// maxQuoteMarks is how many exclamation marks in a row are a word of their own, "!!!".
const marks = 3

// cursor cuts folded text into words.
type cursor struct {
	s      string
	i      int
	before stop
	spaced bool
	joiner byte // the last sign before i when it directly follows a word; 0: none
}

// next returns the next word, or false at the end.
func (c *cursor) next() (word, bool) {
	for c.i < len(c.s) {
		kind, n := charAt(c.s[c.i:])
		switch kind {
		case other:
			if end := c.exclamation(); end > 0 {
				return c.take(end, true), true
			}
			c.skip(n)
		case unspaced:
			return c.take(c.i+n, true), true
		default:
			end := c.i + n
			for end < len(c.s) {
				if b := c.s[end]; 'a' <= b && b <= 'z' { // nearly all of them
					end++
					continue
				}
				if kind, n = charAt(c.s[end:]); kind != spacedLetter {
					break
				}
				end += n
			}
			w := c.take(end, false)
			if strings.HasPrefix(c.s[end:], "://") {
				c.passURL()
			}
			return w, true
		}
	}
	return word{}, false
}

func (c *cursor) take(end int, single bool) word {
	w := word{
		start: int32(c.i), end: int32(end), before: c.before, spaced: c.spaced,
		glued: c.joiner != 0, hyphen: c.joiner == '-', single: single,
	}
	c.i, c.before, c.spaced, c.joiner = end, near, false, 0
	return w
}

// exclamation returns the end of a run of three or more exclamation marks at i, else 0.
func (c *cursor) exclamation() int {
	end := c.i
	for end < len(c.s) && c.s[end] == '!' {
		end++
	}
	if end-c.i < marks {
		return 0
	}
	return end
}

// passURL moves behind the address whose scheme was just read: its words are not the customer's.
func (c *cursor) passURL() {
	for c.i < len(c.s) && c.s[c.i] > ' ' && c.s[c.i] < utf8.RuneSelf {
		c.i++
	}
}

// skip passes over a sign and remembers what it separates.
func (c *cursor) skip(n int) {
	r, _ := utf8.DecodeRuneInString(c.s[c.i:])
	after := c.s[c.i+n:]
	first := c.before == near && !c.spaced && c.joiner == 0 && c.i > 0
	c.joiner = 0
	switch r {
	case ' ':
		c.spaced = true
	case '\n':
		if c.spaced = true; strings.HasPrefix(after, "\n") {
			c.before = sentence
		}
	case '.', '_', '=', '@', '\\', '$', '#':
		kind := other
		if after != "" {
			kind, _ = charAt(after)
		}
		switch {
		case kind == spacedLetter && (first || r != '.'):
			c.joiner = byte(r)
		case r == '.':
			c.before = sentence
		}
	case '-':
		if first && after != "" && after[0] > ' ' {
			c.joiner = '-'
		} else if c.spaced {
			c.before = max(c.before, clause)
		}
	case '!', '?', '。', '؟', '।', '…', '｡', '۔', ';', '；':
		c.before = sentence
	case ',', ':', '、', '،', '/', '|', '(', ')', '—', '·', '؛', '~':
		c.before = max(c.before, clause)
	}
	c.i += n
}

// char sorts characters by how they make words.
type char uint8

const (
	other char = iota
	spacedLetter
	unspaced
)

func charAt(s string) (char, int) {
	if b := s[0]; b < utf8.RuneSelf {
		if 'a' <= b && b <= 'z' || '0' <= b && b <= '9' {
			return spacedLetter, 1
		}
		return other, 1
	}
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case r >= 0x4e00 && r <= 0x9fff, r >= 0xac00 && r <= 0xd7a3, r >= 0x3041 && r <= 0x30fe, r >= 0xe01 && r <= 0xe4e, r == 0x3005:
		return unspaced, n
	case r < 0xaa, r == 0xd7, r == 0xf7, r >= 0x2000 && r <= 0x206f, r >= 0x3000 && r <= 0x3040, r == 0x60c, r == 0x61b, r == 0x61f:
		return other, n
	case r <= 0x52f, r >= 0x5d0 && r <= 0x669, r >= 0x671 && r <= 0x6d3, r >= 0x900 && r <= 0x963, r >= 0x1ea0 && r <= 0x1ef9:
		return spacedLetter, n
	case unicode.In(r, unicode.Han):
		return unspaced, n
	case unicode.In(r, unicode.L, unicode.M, unicode.Nd):
		return spacedLetter, n
	}
	return other, n
}
