package ngram

import (
	"math/bits"
	"unicode"
	"unicode/utf8"

	"prediag/internal/text"
)

// Bounds on what is read of one word.
const (
	maxLetters = 24  // letters that count
	maxBytes   = 128 // of them in UTF-8, the two boundary marks included
)

// MaxFeatures bounds the features of one word.
const MaxFeatures = 4*(maxLetters+2) + 1

// Word is a run of letters of one script, in small letters between two boundary marks.
type Word struct {
	Script     Script
	Start, End int  // bytes of the text, half-open
	Letters    int  // also those beyond the ones that count
	Camel      bool // a capital follows a small letter

	buf    [maxBytes]byte
	starts [maxLetters + 3]uint8 // where characters start in buf, and where the last one ends
	count  int                   // characters in buf, boundary marks included
}

const boundary = '_'

// Read reads the word of a script that starts at s[i:]. Marks that combine with letters belong to it.
func (w *Word) Read(s string, i int, kind Script) {
	w.Script, w.Start, w.Letters, w.Camel, w.count = kind, i, 0, false, 0
	w.push(boundary)
	wasLower := false
	for i < len(s) {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		if ScriptOf(r) != kind && !isMark(r) {
			break
		}
		small := lower(r)
		w.Camel = w.Camel || wasLower && small != r
		wasLower = small == r
		w.Letters++
		w.push(small)
		i += n
		if w.Letters == maxLetters && kind.unspaced() {
			break // the run goes on as another word
		}
	}
	w.End = i
	w.close()
}

func lower(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	switch {
	case r == 'İ':
		return 'i'
	case r >= 'Ａ' && r <= 'ｚ': // full-width
		return lower(r - 'Ａ' + 'A')
	}
	return unicode.ToLower(r)
}

func isMark(r rune) bool { return r >= 0x300 && unicode.Is(unicode.M, r) }

func (w *Word) push(r rune) {
	if w.count > maxLetters {
		return
	}
	at := int(w.starts[w.count])
	if w.count == 0 {
		at = 0
	}
	w.starts[w.count] = uint8(at)
	w.count++
	w.starts[w.count] = uint8(at + utf8.EncodeRune(w.buf[at:], r))
}

// close adds the mark at the end.
func (w *Word) close() {
	at := w.starts[w.count]
	w.buf[at] = boundary
	w.count++
	w.starts[w.count] = at + 1
}

// Text is the word as it counts, without the boundary marks. It is valid until the next Read.
func (w *Word) Text() []byte { return w.buf[1:w.starts[w.count-1]] }

// Features appends the hashes of the word's character 1- to 4-grams, boundaries included, and of the word. Single ASCII
// letters, which every language has, are left out.
func (w *Word) Features(dst []uint32) []uint32 {
	if w.Script == Han || w.Script == Kana {
		return w.characters(dst)
	}
	for i := range w.count {
		h := uint32(offset)
		for n := 1; n <= 4 && i+n <= w.count; n++ {
			for _, b := range w.buf[w.starts[i+n-1]:w.starts[i+n]] {
				h = (h ^ uint32(b)) * prime
			}
			if n > 1 || w.buf[w.starts[i]] >= utf8.RuneSelf {
				dst = append(dst, mix(h))
			}
		}
	}
	if w.count <= 4 {
		return dst
	}
	h := uint32(wordOffset)
	for _, b := range w.buf[:w.starts[w.count]] {
		h = (h ^ uint32(b)) * prime
	}
	return append(dst, mix(h))
}

// characters appends the hashes of single characters and of pairs of neighbours, and a feature for each character that
// only traditional Chinese writes, or that is the simplified form of one.
func (w *Word) characters(dst []uint32) []uint32 {
	for i := 1; i < w.count-1; i++ {
		r, _ := utf8.DecodeRune(w.buf[w.starts[i]:])
		dst = append(dst, mix(uint32(r)))
		switch {
		case text.FoldHan(r) != r:
			dst = append(dst, traditional)
		case text.SimplifiedHan(r):
			dst = append(dst, simplified)
		}
		if i+1 < w.count-1 {
			next, _ := utf8.DecodeRune(w.buf[w.starts[i+1]:])
			dst = append(dst, mix(uint32(r)*0x01000193^bits.RotateLeft32(uint32(next), 16)))
		}
	}
	return dst
}

// Constants of FNV-1a, and of the finaliser of MurmurHash3.
const (
	offset     = 2166136261
	wordOffset = 0x9747b28c
	prime      = 16777619

	traditional = 0x5bd1e995
	simplified  = 0xa1b2c3d4
)

func mix(h uint32) uint32 {
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}
