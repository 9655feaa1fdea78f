package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind says what a token is.
type Kind uint8

// The kinds of tokens.
const (
	Word   Kind = iota // letters (and digits) of a script that separates words
	Number             // digits, perhaps with one decimal point
	Code               // a code, id or name with inner structure, whole; its parts follow as words and numbers
	Bigram             // two neighbouring characters of a script that does not separate words
	Char               // a run of one such character
)

// Limits on the length of tokens in bytes: what is longer is data, not language.
const (
	maxWord = 64  // a longer word is cut
	maxCode = 128 // a longer code gives its parts only
)

// Token is a unit of text for indexing.
type Token struct {
	Text       string // folded, see Fold
	Kind       Kind
	Start, End int // bytes of the original text, half-open
}

// Tokens returns the tokens of s in the order of the text.
//
// Words of scripts with spaces come whole. Runs of Han and kana, Hangul, Thai, Lao, Khmer and Myanmar come as
// overlapping bigrams of characters (a character with its combining marks), the method of Lucene's CJKBigramFilter.
// Codes and ids such as "ACS.0013", "ErrImagePull" or "0x80070005" come whole and then in parts.
//
// Tokens(Fold(s)) has the same texts as Tokens(s) except that parts of CamelCase names need the letter case of s.
func Tokens(s string) []Token { return AppendTokens(nil, s) }

// AppendTokens appends the tokens of s to dst. It allocates nothing when dst has room and s is folded already.
func AppendTokens(dst []Token, s string) []Token {
	t := tokenizer{dst: dst, orig: s, s: s}
	if !isFolded(s) {
		f := folder{out: make([]byte, 0, len(s)+len(s)/8), track: true}
		f.fold(s)
		t.s, t.offsets.pieces = string(f.out), f.pieces
	}
	t.run()
	return t.dst
}

type tokenizer struct {
	dst     []Token
	s, orig string // folded, original
	offsets offsets
}

func (t *tokenizer) run() {
	for i := 0; i < len(t.s); {
		class, n := classAt(t.s[i:])
		switch class {
		case none, mark:
			i += n
		case alnum:
			i = t.chunk(i)
		default:
			i = t.grams(i, class)
		}
	}
}

func (t *tokenizer) add(kind Kind, start, end int) {
	from, to := t.offsets.span(start, end)
	t.dst = append(t.dst, Token{Text: t.s[start:end], Kind: kind, Start: from, End: to})
}

// grams adds the bigrams of the run of one class of characters that starts at i, and returns the run's end.
func (t *tokenizer) grams(i int, want class) int {
	prev, start, count := -1, i, 0
	for i < len(t.s) {
		class, n := classAt(t.s[i:])
		if class != want {
			break
		}
		start = i
		for i += n; i < len(t.s); i += n {
			if class, n = classAt(t.s[i:]); class != mark {
				break
			}
		}
		if prev >= 0 {
			t.add(Bigram, prev, i)
		}
		prev, count = start, count+1
	}
	if count == 1 {
		t.add(Char, start, i)
	}
	return i
}

// chunk adds the word, number or code that starts at i, and returns its end.
func (t *tokenizer) chunk(i int) int {
	end, s := chunkEnd(t.s, i), shape{}
	for j := i; j < end; {
		r, n := utf8.DecodeRuneInString(t.s[j:])
		s.see(r)
		j += n
	}
	humps := t.humps(i, end)
	switch {
	case s.letters == 0 && (s.joins == 0 || s.joins == 1 && s.dots == 1):
		t.addCut(Number, i, end)
	case s.joins == 0 && s.digits == 0 && humps == 0:
		t.addCut(Word, i, end)
	case s.joins > 0 && s.joins == s.hyphens && s.digits == 0 && humps == 0:
		t.parts(i, end, 0)
	default:
		if end-i <= maxCode {
			t.add(Code, i, end)
		}
		t.parts(i, end, humps)
	}
	return end
}

func (t *tokenizer) addCut(kind Kind, start, end int) {
	if end-start > maxWord {
		end = start + maxWord
		for !utf8.RuneStart(t.s[end]) {
			end--
		}
	}
	t.add(kind, start, end)
}

// chunkEnd returns the end of the letters, digits, marks and single inner joiners from i on.
func chunkEnd(s string, i int) int {
	for i < len(s) {
		class, n := classAt(s[i:])
		if class == alnum || class == mark {
			i += n
			continue
		}
		j := i
		for j < len(s) && s[j] == '_' {
			j++
		}
		if j == i && joiner(s[i]) {
			j++
		}
		if j == i || j >= len(s) {
			return i
		}
		if class, _ = classAt(s[j:]); class != alnum {
			return i
		}
		i = j
	}
	return i
}

func joiner(c byte) bool { return c == '.' || c == '-' || c == '_' }

// shape counts what a chunk is made of.
type shape struct{ letters, digits, joins, dots, hyphens int }

func (s *shape) see(r rune) {
	switch {
	case r >= '0' && r <= '9':
		s.digits++
	case r == '.':
		s.dots++
		s.joins++
	case r == '-':
		s.hyphens++
		s.joins++
	case r == '_':
		s.joins++
	default:
		s.letters++
	}
}

// parts adds the parts of a code between joiners and, when it has humps, at its changes of case. A part that is the
// whole code is left out.
func (t *tokenizer) parts(i, end, humps int) {
	for start := i; start < end; {
		stop := start
		for stop < end && !joiner(t.s[stop]) {
			stop++
		}
		t.part(start, stop, end-i, humps)
		for start = stop; start < end && joiner(t.s[start]); start++ {
			continue
		}
	}
}

// part adds the words of one part without joiners.
func (t *tokenizer) part(start, stop, whole, humps int) {
	if cut := alphaThenDigits(t.s[start:stop]); cut > 0 {
		t.part(start, start+cut, whole, humps)
		t.part(start+cut, stop, whole, 0)
		return
	}
	from := start
	if humps > 0 {
		for j := start + 1; j < stop; j++ {
			if t.humpAt(j) {
				t.addCut(kindOf(t.s[from:j]), from, j)
				from = j
			}
		}
	}
	if stop-from < whole {
		t.addCut(kindOf(t.s[from:stop]), from, stop)
	}
}

// alphaThenDigits returns where s changes from ASCII letters to digits or back, if it does so exactly once.
func alphaThenDigits(s string) int {
	cut := 0
	for i := 1; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf || s[i-1] >= utf8.RuneSelf {
			return 0
		}
		if isDigit(s[i]) != isDigit(s[i-1]) {
			if cut > 0 {
				return 0
			}
			cut = i
		}
	}
	return cut
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func kindOf(s string) Kind {
	if strings.Trim(s, "0123456789") == "" {
		return Number
	}
	return Word
}

// humps counts the CamelCase word starts inside folded[i:end].
func (t *tokenizer) humps(i, end int) int {
	if t.s == t.orig {
		return 0
	}
	n := 0
	for j := i + 1; j < end; j++ {
		if t.humpAt(j) {
			n++
		}
	}
	return n
}

// humpAt reports whether a CamelCase word starts at folded position j > 0: "aB", or the B of "ABc" when a word of at
// least two small letters follows ("HTTPServer", but not "VMs").
func (t *tokenizer) humpAt(j int) bool {
	if !t.upper(j) {
		return false
	}
	if t.lowerCase(j - 1) {
		return true
	}
	return t.upper(j-1) && t.lowerCase(j+1) && t.lowerCase(j+2)
}

func (t *tokenizer) upper(j int) bool {
	c := t.originalAt(j)
	return 'A' <= c && c <= 'Z'
}

func (t *tokenizer) lowerCase(j int) bool {
	c := t.originalAt(j)
	return 'a' <= c && c <= 'z'
}

// originalAt returns the ASCII character, or the plain form of the full-width character, that became folded[j]; else 0.
func (t *tokenizer) originalAt(j int) byte {
	if j >= len(t.s) || t.s[j] >= utf8.RuneSelf {
		return 0
	}
	from, to := t.offsets.span(j, j+1)
	switch to - from {
	case 1:
		return t.orig[from]
	case 3:
		r, _ := utf8.DecodeRuneInString(t.orig[from:to])
		return narrow(r)
	}
	return 0
}

// class sorts characters by how they make tokens.
type class uint8

const (
	none class = iota
	alnum
	mark
	hanKana
	hangul
	thai
	lao
	khmer
	myanmar
)

// classAt returns the class and length of the first character.
func classAt(s string) (class, int) {
	c := s[0]
	if c < utf8.RuneSelf {
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' {
			return alnum, 1
		}
		return none, 1
	}
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case r >= 0x4e00 && r <= 0x9fff:
		return hanKana, n
	case r >= 0xac00 && r <= 0xd7a3:
		return hangul, n
	}
	return classOf(r), n
}

func classOf(r rune) class {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Mc):
		return mark
	case r == 0x30fc || r == 0x3005 || r == 0x3006 || r == 0x3007:
		return hanKana
	case !unicode.In(r, unicode.L, unicode.N):
		return none
	case r < 0xe00:
		return alnum
	case unicode.Is(unicode.Thai, r):
		return thai
	case unicode.Is(unicode.Lao, r):
		return lao
	case unicode.Is(unicode.Khmer, r):
		return khmer
	case unicode.Is(unicode.Myanmar, r):
		return myanmar
	case unicode.Is(unicode.Hangul, r):
		return hangul
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana):
		return hanKana
	}
	return alnum
}
