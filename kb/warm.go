package kb

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

const (
	warmArticles = 20_000                                // articles from which on a generation is warmed
	warmEntries  = 2_000_000                             // dictionary entries that are looked at
	warmPostings = maxCachedBytes / postingBytes * 3 / 4 // postings that are read
)

// warm reads in the background the postings of the terms that most articles hold, which are the dearest to read and the
// likeliest in a query, so that the first searches of a large generation are as fast as the later ones.
func (k *KB) warm(g *generation) {
	if g == nil || g.docs < warmArticles || k.opt.Cold {
		return
	}
	k.spawn(func(ctx context.Context) {
		if serving, err := k.acquire(); err != nil || serving != g {
			if err == nil {
				serving.release()
			}
			return
		}
		defer g.release()
		k.logIf("warm the generation", g.run(func(r *reader) error {
			if err := r.readFrequent(ctx); err != nil && ctx.Err() == nil {
				return err
			}
			return nil
		}))
	})
}

// prime reads for a generation that is about to serve what searches have read of the one before it, so that none of them
// notices the change. It costs what is kept in memory, however large the index is.
func (k *KB) prime(old, g *generation) {
	if old == nil || g == nil || k.opt.Cold {
		return
	}
	terms, filters := old.terms.known(), old.filterKeys()
	k.logIf("prime the generation", g.run(func(r *reader) error {
		for _, key := range filters {
			field, value, _ := strings.Cut(key, "\x00")
			if _, err := r.holders(field, value); err != nil {
				return err
			}
		}
		if old.parallel.asked.Load() {
			if _, err := r.translations(); err != nil {
				return err
			}
		}
		for term, scored := range terms {
			var err error
			if k.closing.Err() != nil {
				return nil
			}
			k.Yield()
			if scored {
				_, err = r.lists(k.closing, term)
			} else {
				_, err = r.df(term)
			}
			if err != nil && k.closing.Err() == nil {
				return err
			}
		}
		return nil
	}))
}

// readFrequent reads the postings of the most frequent terms of the largest segment.
func (r *reader) readFrequent(ctx context.Context) error {
	largest := 0
	for i, p := range r.parts {
		if p.FullSize() > r.parts[largest].FullSize() {
			largest = i
		}
	}
	d, err := r.dict(largest, fieldText)
	if err != nil {
		return err
	}
	type frequent struct {
		term string
		df   uint64
	}
	var all []frequent
	it := d.AutomatonIterator(nil, nil, nil)
	for range warmEntries {
		entry, err := it.Next()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if entry == nil {
			break
		}
		list, err := r.postings(largest, fieldText, entry.Term) // entry.Count is wrong behind a term of one article (zapx 17.2.3)
		if err != nil {
			return err
		}
		if n := list.Count(); n > 10 {
			all = append(all, frequent{entry.Term, n})
		}
	}
	slices.SortFunc(all, func(x, y frequent) int { return cmp.Compare(y.df, x.df) })
	read := 0
	for _, f := range all {
		df, err := r.df(f.term)
		if err != nil {
			return err
		}
		if read += df; read > warmPostings {
			break
		}
		if _, err := r.lists(ctx, f.term); err != nil {
			return err
		}
	}
	return nil
}
