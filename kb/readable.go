package kb

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// standsFor is written between a word of the query and what stood for it in an article.
const standsFor = " → "

// readable joins pairs of characters that follow each other in the query, and that the same thing stood for, into what was typed: 云服 → 实例,
// 服务 → 实例 and 务器 → 实例 become 云服务器 → 实例. It takes the place of the first of them.
func (q *query) readable(why []string) []string {
	out := make([]string, 0, len(why))
	shown := map[string]bool{}
	for _, w := range why {
		if shown[w] {
			continue
		}
		pair, _, _ := strings.Cut(w, standsFor)
		rest := w[len(pair):]
		from, to := q.run(pair, func(other string) bool { return slices.Contains(why, other+rest) })
		joined := pair
		for i := from; i < to; i++ {
			shown[q.order[i].word+rest] = true
			if i == from {
				joined = q.order[i].word
				continue
			}
			_, size := utf8.DecodeLastRuneInString(q.order[i].word)
			joined += q.order[i].word[len(q.order[i].word)-size:]
		}
		out = append(out, joined+rest)
	}
	return out
}

// run is the part of q.order around the first place of a pair in which each pair begins with the end of the one before it and is held; empty
// where the word is no pair.
func (q *query) run(pair string, held func(string) bool) (from, to int) {
	at := slices.IndexFunc(q.order, func(t queryTerm) bool { return t.word == pair })
	if at < 0 || !isPair(pair) {
		return 0, 0
	}
	for from = at; from > 0 && overlaps(q.order[from-1].word, q.order[from].word) && held(q.order[from-1].word); {
		from--
	}
	for to = at + 1; to < len(q.order) && overlaps(q.order[to-1].word, q.order[to].word) && held(q.order[to].word); {
		to++
	}
	return from, to
}

// overlaps says whether two pairs overlap in a character, as neighbours in a text do.
func overlaps(before, after string) bool {
	_, size := utf8.DecodeLastRuneInString(before)
	return isPair(before) && isPair(after) && strings.HasPrefix(after, before[len(before)-size:])
}

// isPair says whether a word is two characters of a script that is written without spaces and searched by pairs.
func isPair(word string) bool {
	for _, c := range word {
		if !unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana) && c != 'ー' {
			return false
		}
	}
	return utf8.RuneCountInString(word) == 2
}
