package kb

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxExpanded = 3   // single characters of a query that are expanded
	maxBigrams  = 8   // bigrams per character
	maxWalked   = 500 // dictionary entries read per character and segment
)

// expand adds to a lone character of a script without spaces the most frequent bigrams that begin with it: longer runs
// are indexed as bigrams only, so that the character itself would find next to nothing.
func (r *reader) expand(ctx context.Context, terms []queryTerm) ([]queryTerm, error) {
	out, done := terms, 0
	for _, t := range terms {
		c, size := utf8.DecodeRuneInString(t.term)
		if size != len(t.term) || c < 0x0e00 || done == maxExpanded {
			continue
		}
		done++
		counts, err := r.beginningWith(ctx, t.term)
		if err != nil {
			return nil, err
		}
		bigrams := slices.SortedFunc(maps.Keys(counts), func(x, y string) int {
			return cmp.Or(cmp.Compare(counts[y], counts[x]), strings.Compare(x, y))
		})
		for _, s := range bigrams[:min(len(bigrams), maxBigrams)] {
			out = append(out, queryTerm{s, s, t.share})
		}
	}
	return out, nil
}

// beginningWith counts the articles of the terms of two characters that begin with the one given.
func (r *reader) beginningWith(ctx context.Context, first string) (map[string]uint64, error) {
	counts := map[string]uint64{}
	for i := range r.parts {
		d, err := r.dict(i, fieldText)
		if err != nil {
			return nil, err
		}
		it := d.AutomatonIterator(nil, []byte(first), prefixEnd(first))
		for n := 0; n < maxWalked; n++ {
			entry, err := it.Next()
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return nil, err
			}
			if entry == nil {
				break
			}
			if utf8.RuneCountInString(entry.Term) == 2 {
				counts[entry.Term] += entry.Count
			}
		}
	}
	return counts, nil
}
