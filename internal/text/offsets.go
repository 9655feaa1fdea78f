package text

import (
	"unicode/utf8"

	"prediag"
)

// offsets maps positions in folded text back to the original. No pieces: they are the same.
type offsets struct {
	pieces []piece
	at     int // piece of the last answer: tokens are looked up nearly in order
}

// span returns the bytes of the original that became folded[start:end]; end > start.
func (o *offsets) span(start, end int) (from, to int) {
	if len(o.pieces) == 0 {
		return start, end
	}
	p := o.seek(start)
	from = p.in
	if p.exact {
		from += start - p.out
	}
	p = o.seek(end - 1)
	to = p.in + p.inLen
	if p.exact {
		to = p.in + end - p.out
	}
	return from, to
}

func (o *offsets) seek(pos int) piece {
	for o.at > 0 && o.pieces[o.at].out > pos {
		o.at--
	}
	for o.at+1 < len(o.pieces) && o.pieces[o.at+1].out <= pos {
		o.at++
	}
	return o.pieces[o.at]
}

// Narrowed is a text with its full-width forms made plain, and the way back to the original.
type Narrowed struct {
	Text    string // same characters, one for one
	offsets offsets
}

// Narrow replaces full-width ASCII (U+FF01 to U+FF5E), the ideographic space and typographic hyphens by plain ASCII and
// leaves all else, letter case and bytes that are not UTF-8 included, as it is. It costs nothing when there are none.
func Narrow(s string) Narrowed {
	if !hasWide(s) {
		return Narrowed{Text: s}
	}
	f := folder{out: make([]byte, 0, len(s)), track: true}
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		before := len(f.out)
		if c := narrow(r); c != 0 {
			f.out = append(f.out, c)
		} else {
			f.out = append(f.out, s[i:i+n]...)
		}
		f.note(i, n, before, narrow(r) == 0)
		i += n
	}
	return Narrowed{Text: string(f.out), offsets: offsets{pieces: f.pieces}}
}

// Span returns the part of the original that became Text[start:end].
func (n *Narrowed) Span(start, end int) prediag.Span {
	if end <= start {
		from, _ := n.offsets.span(start, start+1)
		return prediag.Span{Start: from, End: from}
	}
	from, to := n.offsets.span(start, end)
	return prediag.Span{Start: from, End: to}
}

func hasWide(s string) bool {
	for i := 0; i+2 < len(s); i++ {
		if s[i] == 0xef && (s[i+1] == 0xbc || s[i+1] == 0xbd) || s[i] == 0xe2 && (s[i+1] == 0x80 || s[i+1] == 0x88) ||
			s[i] == 0xe3 && s[i+1] == 0x80 && s[i+2] == 0x80 {
			return true
		}
	}
	return false
}

func narrow(r rune) byte {
	switch {
	case r >= 0xff01 && r <= 0xff5e:
		return byte(r - 0xfee0)
	case r == 0x3000:
		return ' '
	case r >= 0x2010 && r <= 0x2013 || r == 0x2212:
		return '-'
	}
	return 0
}

// FoldedText is a text as Fold makes it, and the way back to the original.
type FoldedText struct {
	Text    string
	offsets offsets
}

// Folded is Fold for whoever has to say where in the original something stands.
func Folded(s string) FoldedText {
	if isFolded(s) {
		return FoldedText{Text: s}
	}
	if low, ok := lowerASCII(s); ok {
		return FoldedText{Text: low}
	}
	f := folder{out: make([]byte, 0, len(s)+len(s)/8), track: true}
	f.fold(s)
	return FoldedText{Text: string(f.out), offsets: offsets{pieces: f.pieces}}
}

// lowerASCII is Fold for ASCII text of which it changes nothing but the case of letters.
func lowerASCII(s string) (string, bool) {
	out := make([]byte, len(s))
	last := byte(0)
	for i := range len(s) {
		c := s[i]
		if c >= 0x7f || c < ' ' && c != '\n' || c == ' ' && (last == ' ' || last == '\n') || c == '\n' && last == ' ' {
			return "", false
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		out[i], last = c, c
	}
	return string(out), true
}

// Span returns the part of the original that became Text[start:end]; end > start.
func (f *FoldedText) Span(start, end int) prediag.Span {
	from, to := f.offsets.span(start, end)
	return prediag.Span{Start: from, End: to}
}
