// Package text turns raw text in any script into folded strings, tokens and sentences, with offsets into the original.
//
// It is the one place that decides what a word, a code or a character is; search, classification and drafting all
// build on it, so that what one of them indexes the others find.
package text

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Limits on what one character may become. Text beyond them is dropped: no writing system needs it.
const (
	maxMarksIn  = 24 // combining marks read after one base character
	maxMarksOut = 16 // combining marks kept after one base character
)

// Fold returns s in the form used for comparison: NFKC (UAX #15), lower case, full- and half-width forms and decimal
// digits of all scripts as their plain forms, zero-width, format and control characters dropped, each run of white
// space one space, or its newlines when it has any. Typographic hyphens and apostrophes become ASCII.
//
// The result is at most six times as long as s: U+FDFA, which NFKC makes eleven times longer, is kept as it is.
// Each run of bytes that are not UTF-8 becomes one U+FFFD. Fold is idempotent.
func Fold(s string) string {
	if isFolded(s) {
		return s
	}
	f := folder{out: make([]byte, 0, len(s)+len(s)/8)}
	f.fold(s)
	return string(f.out)
}

// isFolded reports whether s is ASCII text that Fold would return unchanged.
func isFolded(s string) bool {
	var last byte
	for i := range len(s) {
		c := s[i]
		if c >= utf8.RuneSelf || c < ' ' && c != '\n' || c == 0x7f || 'A' <= c && c <= 'Z' {
			return false
		}
		if (c == ' ' || c == '\n') && last == ' ' || c == ' ' && last == '\n' {
			return false
		}
		last = c
	}
	return true
}

// piece says where a part of the folded text came from. In an exact piece byte i of one became byte i of the other; any
// other piece maps as a whole.
type piece struct {
	out, in, outLen, inLen int
	exact                  bool
}

// folder folds a string and, when asked to, remembers where the parts came from.
type folder struct {
	out    []byte
	pieces []piece
	track  bool
	seg    []byte // scratch: the segment as read, normalised, in lower case
	nfkc   []byte
	small  []byte
}

func (f *folder) fold(s string) {
	for i := 0; i < len(s); {
		n := f.plain(s[i:])
		if n > 0 {
			f.note(i, n, len(f.out)-n, true)
			i += n
			continue
		}
		before := len(f.out)
		n = f.segment(s[i:])
		f.note(i, n, min(before, len(f.out)), false)
		i += n
	}
}

// plain copies characters that fold one by one to as many bytes, and returns how many bytes that were.
func (f *folder) plain(s string) int {
	i := 0
	for i < len(s) {
		r, n := plainAt(s[i:])
		if n == 0 || r == ' ' && f.afterSpace() {
			break
		}
		if next := s[i+n:]; next != "" {
			if _, size := plainAt(next); size == 0 && (next[0] >= utf8.RuneSelf || ignorable(rune(next[0]))) {
				break // it may be a mark that combines with r
			}
		}
		f.out = utf8.AppendRune(f.out, r)
		i += n
	}
	return i
}

func (f *folder) afterSpace() bool {
	n := len(f.out)
	return n > 0 && (f.out[n-1] == ' ' || f.out[n-1] == '\n')
}

// plainAt returns the folded form and the length of the first character if it is one of the frequent ones that need
// no tables: ASCII, Western Latin, Cyrillic and Arabic letters, common Han, kana, Hangul syllables and CJK stops.
// Length 0: it is not. The form has the same length.
func plainAt(s string) (rune, int) {
	c := s[0]
	switch {
	case 'A' <= c && c <= 'Z':
		return rune(c) + 'a' - 'A', 1
	case ' ' <= c && c < 0x7f:
		return rune(c), 1
	case c < 0xc3 || c > 0xed || len(s) < 2:
		return 0, 0
	}
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case r >= 0x4e00 && r <= 0x9fff, r >= 0xac00 && r <= 0xd7a3,
		r >= 0x3041 && r <= 0x3096, r >= 0x30a1 && r <= 0x30fa, r == 0x30fc, r == 0x3001, r == 0x3002,
		r >= 0x621 && r <= 0x63a, r >= 0x641 && r <= 0x64a,
		r >= 0x430 && r <= 0x45f, r >= 0xe0 && r <= 0xff:
		return r, n
	case r >= 0x410 && r <= 0x42f, r >= 0xc0 && r <= 0xde && r != 0xd7:
		return r + 0x20, n
	case r >= 0x400 && r <= 0x40f:
		return r + 0x50, n
	}
	return 0, 0
}

// segment folds the first normalisation segment of s, or drops what is to be dropped, and returns its length.
func (f *folder) segment(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n <= 1 {
		for n < len(s) && invalidAt(s[n:]) {
			n++
		}
		f.out = utf8.AppendRune(f.out, utf8.RuneError)
		return n
	}
	if ignorable(r) {
		return n
	}
	seg, end, marks := append(f.seg[:0], s[:n]...), n, 0
	for i := n; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n <= 1 {
			break
		}
		if !ignorable(r) {
			if norm.NFKC.PropertiesString(s[i : i+n]).BoundaryBefore() {
				break
			}
			if marks++; marks <= maxMarksIn {
				seg = append(seg, s[i:i+n]...)
			}
			end = i + n
		}
		i += n
	}
	f.seg = seg
	if c := narrow(r); c != 0 && len(seg) == n {
		f.rune(lowerRune(rune(c)))
		return end
	}
	f.emit(seg)
	return end
}

func invalidAt(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return r == utf8.RuneError && n <= 1
}

// emit normalises one segment and appends it.
func (f *folder) emit(seg []byte) {
	if r, _ := utf8.DecodeRune(seg); r == 0xfdfa {
		f.out = append(f.out, seg...)
		return
	}
	if norm.NFKC.IsNormal(seg) {
		f.nfkc = append(f.nfkc[:0], seg...)
	} else {
		f.nfkc = norm.NFKC.Append(f.nfkc[:0], seg...)
	}
	lower := f.lower(f.nfkc)
	marks := 0
	for i := 0; i < len(lower); {
		r, n := utf8.DecodeRune(lower[i:])
		i += n
		if unicode.Is(unicode.Mn, r) {
			if marks++; marks > maxMarksOut {
				continue
			}
		}
		f.rune(r)
	}
}

// lower returns b in lower case, normalised again where that made a difference.
func (f *folder) lower(b []byte) []byte {
	out, changed := f.small[:0], false
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		i += n
		l := lowerRune(r)
		changed = changed || l != r || l == 'ß'
		if l == 'ß' {
			out = append(out, "ss"...)
			continue
		}
		out = utf8.AppendRune(out, l)
	}
	f.small = out
	if !changed {
		return out
	}
	f.nfkc = norm.NFKC.Append(b[:0], out...)
	return f.nfkc
}

func lowerRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}
	switch r {
	case 0x2010, 0x2011, 0x2012, 0x2013, 0x2212:
		return '-'
	case 0x2018, 0x2019:
		return '\''
	case 0x1e9e:
		return 'ß'
	}
	if d := digit(r); d >= 0 {
		return '0' + d
	}
	if l := unicode.ToLower(unicode.ToUpper(r)); l != r {
		return l
	}
	return r
}

// digit returns the value of a decimal digit of any script, or -1. Unicode keeps each set of ten in one range.
func digit(r rune) rune {
	if r < 0x660 || !unicode.Is(unicode.Nd, r) {
		return -1
	}
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	return -1
}

// rune appends one folded character; white space joins the white space before it.
func (f *folder) rune(r rune) {
	switch {
	case ignorable(r):
	case r == '\n' || r == '\v' || r == '\f' || r == '\r' || r == 0x85 || r == 0x2028 || r == 0x2029:
		f.newline(r)
	case unicode.IsSpace(r):
		if !f.afterSpace() {
			f.out = append(f.out, ' ')
		}
	default:
		f.out = utf8.AppendRune(f.out, r)
	}
}

// newline appends a line end. A lone carriage return is one; the one of a CR LF pair is ignorable white space.
func (f *folder) newline(r rune) {
	if r == '\r' {
		if !f.afterSpace() {
			f.out = append(f.out, ' ')
		}
		return
	}
	if n := len(f.out); n > 0 && f.out[n-1] == ' ' {
		f.out[n-1] = '\n'
		return
	}
	f.out = append(f.out, '\n')
}

// ignorable reports whether a character is dropped: controls that are not white space, format characters (zero-width,
// bidirectional, tags, soft hyphen), variation selectors and fillers.
func ignorable(r rune) bool {
	switch {
	case r < ' ':
		return r < '\t' || r > '\r'
	case r < 0x7f:
		return false
	case r <= 0x9f:
		return r != 0x85
	case r == 0xad, r == 0x34f, r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0:
		return true
	case r < 0x600:
		return false
	}
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector) || r >= 0xe0000 && r <= 0xe0fff ||
		r == 0x17b4 || r == 0x17b5
}

// note remembers that n bytes of the original at in became the output from out on, one for one if exact.
func (f *folder) note(in, n, out int, exact bool) {
	if !f.track {
		return
	}
	if last := len(f.pieces) - 1; exact && last >= 0 && f.pieces[last].exact {
		if p := &f.pieces[last]; p.in+p.inLen == in && p.out+p.outLen == out {
			p.outLen, p.inLen = p.outLen+n, p.inLen+n
			return
		}
	}
	f.pieces = append(f.pieces, piece{out: out, in: in, outLen: len(f.out) - out, inLen: n, exact: exact})
}
