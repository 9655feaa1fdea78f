package kb

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/vellum"
	"github.com/blevesearch/vellum/levenshtein"

	"prediag/internal/text"
)

const (
	minTypo     = 5    // characters of a word from which on one of them may be wrong
	maxTypos    = 3    // unknown words of a query that are looked at
	maxTyped    = 24   // distinct terms of a query that a person has typed; longer texts are pasted
	maxDistance = 1    // edits, two swapped characters being one
	typoShare   = 0.75 // of its weight that a word keeps that stands for another
	maxGuesses  = 8    // words that are tried in another's place
)

// mend puts a word that is one typing error away, and that the title of an admitted article has, in the place of each word
// that no article holds. It returns the query's text with these words in it; empty: nothing was mended. Codes are left alone.
func (r *reader) mend(ctx context.Context, q *query, terms []weighted, admitted bitset) (string, error) {
	if len(q.terms) > maxTyped || q.operates() || q.Like != "" {
		return "", nil
	}
	instead := map[string]string{} // written words
	tried := 0
	for i := range terms {
		t := &terms[i]
		if t.df > 0 || len(t.alts) > 0 || !q.mendable(t) || tried == maxTypos {
			continue
		}
		tried++
		term, word, err := r.nearest(ctx, q, t.word, admitted)
		if err != nil {
			return "", err
		}
		if term == "" || slices.ContainsFunc(terms, func(o weighted) bool { return o.term == term }) {
			continue
		}
		instead[t.word] = word
		df, err := r.df(term)
		if err != nil {
			return "", err
		}
		*t = weighted{term: term, word: word, df: df, weight: typoShare * idf(r.view.articles, df)}
	}
	return replaceWords(q.Text, instead), nil
}

// mendable reports whether a term is a word, and no part of a code.
func (q *query) mendable(t *weighted) bool {
	if utf8.RuneCountInString(t.word) < minTypo || strings.ContainsFunc(t.word, func(c rune) bool { return !unicode.IsLetter(c) || c >= 0x0e00 }) {
		return false
	}
	return !slices.ContainsFunc(q.codes, func(c string) bool { return strings.Contains(text.Fold(c), t.word) })
}

// nearest finds the word that most titles of admitted articles have among those that are one edit from an unknown one and
// begin like it, and its term in the query's language.
func (r *reader) nearest(ctx context.Context, q *query, unknown string, admitted bitset) (term, word string, err error) {
	guesses, err := r.guesses(ctx, unknown, admitted)
	if err != nil {
		return "", "", err
	}
	r.analyzer.speak(q.language)
	for _, g := range guesses {
		terms := r.analyzer.terms(g)
		if len(terms) != 1 {
			continue
		}
		if df, err := r.df(terms[0]); err != nil || df > 0 {
			return terms[0], g, err
		}
	}
	return "", "", nil
}

// guesses are the words of admitted articles' titles within maxDistance of an unknown one, the most frequent first.
func (r *reader) guesses(ctx context.Context, unknown string, admitted bitset) ([]string, error) {
	builder, err := levenshtein.NewLevenshteinAutomatonBuilder(maxDistance, true)
	if err != nil {
		return nil, fmt.Errorf("automaton: %w", err)
	}
	near, err := builder.BuildDfa(unknown, maxDistance)
	if err != nil {
		return nil, fmt.Errorf("automaton of %q: %w", unknown, err)
	}
	_, first := utf8.DecodeRuneInString(unknown)
	titles := map[string]bool{}
	for i := range r.parts {
		d, err := r.dict(i, fieldPrefix)
		if err != nil {
			return nil, err
		}
		it := d.AutomatonIterator(firstWord{near}, []byte(unknown[:first]), prefixEnd(unknown[:first]))
		for range maxScanned {
			entry, err := r.nextSeen(ctx, it, i, fieldPrefix)
			if err != nil {
				return nil, err
			}
			if entry == "" {
				break
			}
			titles[entry] = true
		}
	}
	counts := map[string]int{}
	for title := range titles {
		docs, err := r.holdersOf(ctx, fieldPrefix, title, admitted, maxPerEntry)
		if err != nil {
			return nil, err
		}
		if len(docs) > 0 {
			if end := strings.IndexFunc(title, endsWord); end >= 0 {
				title = title[:end]
			}
			counts[title] += len(docs)
		}
	}
	out := slices.Collect(maps.Keys(counts))
	slices.SortFunc(out, func(x, y string) int { return cmp.Or(cmp.Compare(counts[y], counts[x]), strings.Compare(x, y)) })
	return out[:min(len(out), maxGuesses)], nil
}

// endsWord reports whether a character ends the first word of a title.
func endsWord(c rune) bool {
	return c < utf8.RuneSelf && (c < '0' || c > '9') && (c < 'a' || c > 'z')
}

// firstWord accepts what begins with a word that another automaton accepts. Its state 0 is that of such a beginning, the
// others are those of the other automaton, one higher.
type firstWord struct{ word vellum.Automaton }

func (f firstWord) Start() int                 { return f.word.Start() + 1 }
func (f firstWord) IsMatch(s int) bool         { return s == 0 || f.word.IsMatch(s-1) }
func (f firstWord) CanMatch(s int) bool        { return s == 0 || f.word.CanMatch(s-1) }
func (f firstWord) WillAlwaysMatch(s int) bool { return s == 0 }

func (f firstWord) Accept(s int, b byte) int {
	if s == 0 || endsWord(rune(b)) && f.word.IsMatch(s-1) {
		return 0
	}
	return f.word.Accept(s-1, b) + 1
}

// replaceWords puts other words in the place of those that are keys of instead; empty: there are none.
func replaceWords(s string, instead map[string]string) string {
	var b strings.Builder
	from := 0
	for _, t := range text.Tokens(s) {
		if w, ok := instead[t.Text]; ok && t.Start >= from {
			b.WriteString(s[from:t.Start] + w)
			from = t.End
		}
	}
	if from == 0 {
		return ""
	}
	return b.String() + s[from:]
}
