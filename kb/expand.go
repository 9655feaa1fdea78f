package kb

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	index "github.com/blevesearch/bleve_index_api"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

const (
	maxExpanded = 3    // single characters of a query that are expanded
	maxBigrams  = 8    // bigrams per character
	maxWalked   = 500  // dictionary entries read per character and segment
	maxBegun    = 8192 // characters whose bigrams are kept
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
		bigrams, err := r.bigrams(ctx, t.term)
		if err != nil {
			return nil, err
		}
		for _, s := range bigrams {
			out = append(out, queryTerm{s, s, t.share, true, t.gain})
		}
	}
	return out, nil
}

// bigrams are the most frequent terms of two characters that begin with the one given. Those of a reader who may read everything are
// kept with the generation: they are counted in hundreds of postings lists.
func (r *reader) bigrams(ctx context.Context, first string) ([]string, error) {
	if r.view.among == nil {
		if known, ok := r.begun.Load(first); ok {
			return known.([]string), nil
		}
	}
	counts, err := r.beginningWith(ctx, first)
	if err != nil {
		return nil, err
	}
	out := slices.SortedFunc(maps.Keys(counts), func(x, y string) int {
		return cmp.Or(cmp.Compare(counts[y], counts[x]), strings.Compare(x, y))
	})
	out = out[:min(len(out), maxBigrams)]
	if r.view.among == nil && r.begunCount.Add(1) <= maxBegun {
		r.begun.Store(strings.Clone(first), out)
	}
	return out, nil
}

// beginningWith counts the articles of the terms of two characters that begin with the one given, of the first maxWalked
// terms. The dictionaries of the segments are walked side by side and deleted articles are not counted: the answer must not
// depend on how the same articles came to lie in segments.
func (r *reader) beginningWith(ctx context.Context, first string) (map[string]uint64, error) {
	heads := make([]dictWalk, len(r.parts))
	for i := range r.parts {
		d, err := r.dict(i, fieldText)
		if err != nil {
			return nil, err
		}
		heads[i].it = d.AutomatonIterator(nil, []byte(first), prefixEnd(first))
		if err := heads[i].next(); err != nil {
			return nil, err
		}
	}
	counts := map[string]uint64{}
	for walked := 0; walked < maxWalked; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		term, ok := least(heads)
		if !ok {
			break
		}
		n, err := r.liveHolders(heads, term)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			walked++
		}
		if n > 0 && utf8.RuneCountInString(term) == 2 {
			counts[term] = n
		}
	}
	return counts, nil
}

// dictWalk is where the walk through a segment's dictionary stands.
type dictWalk struct {
	it    segment.DictionaryIterator
	entry *index.DictEntry // nil: at its end
}

func (h *dictWalk) next() (err error) {
	h.entry, err = h.it.Next()
	return err
}

// least is the first term that any of the walks stands at.
func least(heads []dictWalk) (term string, ok bool) {
	for _, h := range heads {
		if h.entry != nil && (!ok || h.entry.Term < term) {
			term, ok = h.entry.Term, true
		}
	}
	return term, ok
}

// liveHolders counts the articles of a term that are not deleted, and moves the walks that stand at it on.
func (r *reader) liveHolders(heads []dictWalk, term string) (uint64, error) {
	var n uint64
	for i := range heads {
		h := &heads[i]
		if h.entry == nil || h.entry.Term != term {
			continue
		}
		live, err := r.seenFrequency(i, term) // the walk's own count is wrong behind a term of one article (zapx 17.2.3)
		if err != nil {
			return 0, err
		}
		n += uint64(live)
		if err := h.next(); err != nil {
			return 0, err
		}
	}
	return n, nil
}
