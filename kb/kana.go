package kb

import (
	"strings"
	"unicode/utf8"
)

// Japanese is indexed as pairs of characters. What such a pair stands for depends on its script: katakana spells words,
// mostly foreign ones, of which a pair is no part that means anything ("ーバ" of "サーバー"); hiragana spells grammar.

// kanaWeight is the share of its weight that a pair of characters keeps that holds grammar.
const kanaWeight = stopWeight

func katakana(r rune) bool { return r >= 0x30a1 && r <= 0x30fe && r != '・' }
func hiragana(r rune) bool { return r >= 0x3041 && r <= 0x309f }

// katakanaPair reports whether a term is two or one characters of a katakana word.
func katakanaPair(term string) bool {
	a, n := utf8.DecodeRuneInString(term)
	if !katakana(a) {
		return false
	}
	b, m := utf8.DecodeRuneInString(term[n:])
	return n+m == len(term) && (m == 0 || katakana(b))
}

// kanaGrammar reports whether a pair of characters begins with hiragana, or joins a katakana word to what follows: it is
// an ending or a particle, or the seam between two words.
func kanaGrammar(term string) bool {
	a, n := utf8.DecodeRuneInString(term)
	if n == len(term) || n < 3 {
		return false
	}
	b, m := utf8.DecodeRuneInString(term[n:])
	return n+m == len(term) && (hiragana(a) || hiragana(b) && katakana(a))
}

// katakanaRun is the end of the katakana word whose pairs begin at terms[from], and the word; from where there is none. The
// pairs of a word overlap: one begins with what the one before it ends with.
func katakanaRun(term func(i int) string, from, n int) (end int, word string) {
	if from >= n || !katakanaPair(term(from)) {
		return from, ""
	}
	var b strings.Builder
	b.WriteString(term(from))
	for end = from + 1; end < n; end++ {
		next := term(end)
		last, _ := utf8.DecodeLastRuneInString(term(end - 1))
		first, size := utf8.DecodeRuneInString(next)
		if !katakanaPair(next) || first != last || size == len(next) {
			break
		}
		b.WriteString(next[size:])
	}
	return end, b.String()
}

// wordGain is what a word that is one term weighs among pairs of characters. A Chinese or Japanese text has about two pairs
// for each word, one within and one across its end.
const wordGain = 2

// wordGains are the factors of the terms' weights that make a word count as a word however it is indexed, where most of a text
// is pairs of characters: a word in letters, which is one term, counts twice, and the many pairs of a long katakana word count as two.
func wordGains(terms []string) []float64 {
	gains, pairs := make([]float64, len(terms)), 0
	for i, t := range terms {
		gains[i] = 1
		if first, n := utf8.DecodeRuneInString(t); first >= 0x0e00 && n < len(t) {
			pairs++
		}
	}
	if pairs*2 < len(terms) {
		return gains
	}
	term := func(i int) string { return terms[i] }
	for i := 0; i < len(terms); {
		end, _ := katakanaRun(term, i, len(terms))
		for at := i; at < end && end-i > wordGain; at++ {
			gains[at] = wordGain / float64(end-i)
		}
		if end == i && terms[i][0] < utf8.RuneSelf {
			gains[i] = wordGain
		}
		i = max(end, i+1)
	}
	return gains
}
