package kb

import (
	"errors"
	"math/bits"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// view is the knowledge base as one reader sees it. Everything that a search counts, it counts among the articles that its caller may read:
// how many hold a term, how many there are in a language, which titles are many articles'. So neither an order nor a score
// nor a suggestion tells of an article that the caller may not read. What cannot be counted for each reader (the mean length,
// near twins, the concept graph) is learned from the articles that all may read.
type view struct {
	readable  bitset
	articles  int
	languages map[string]int
	generic   bitset            // documents whose title says nothing
	among     []*roaring.Bitmap // the readable documents by segment; nil: all are readable

	mu sync.Mutex
	df map[string]int // used where not all are readable
}

// Bounds on what is kept for readers that may not read everything.
const (
	maxViews  = 64     // sets of audiences
	maxViewDF = 50_000 // terms of each
)

// viewOf is the view of a reader with these audiences. Most knowledge bases have one.
func (r *reader) viewOf(audience []string) (*view, error) {
	readable, err := r.readable(audience)
	if err != nil {
		return nil, err
	}
	r.viewMu.Lock()
	defer r.viewMu.Unlock()
	for _, v := range r.views {
		if slices.Equal(v.readable, readable) {
			return v, nil
		}
	}
	v, err := r.newView(readable)
	if err != nil {
		return nil, err
	}
	if len(r.views) == maxViews {
		r.views = r.views[1:]
	}
	r.views = append(r.views, v)
	return v, nil
}

func (r *reader) newView(readable bitset) (*view, error) {
	v := &view{readable: readable, articles: readable.count()}
	if v.articles == r.manifest.Articles {
		v.languages, v.generic = r.manifest.Languages, r.generic
		return v, nil
	}
	v.languages, v.generic, v.df = map[string]int{}, newBitset(r.docs), map[string]int{}
	for language := range r.manifest.Languages {
		holders, err := r.readHolders(fieldLanguage, language)
		if err != nil {
			return nil, err
		}
		if n := readable.common(holders); n > 0 {
			v.languages[language] = n
		}
	}
	for _, key := range r.manifest.Generic {
		holders, err := r.readHolders(fieldTitleKey, key)
		if err != nil {
			return nil, err
		}
		if key == noTitle || readable.common(holders) >= genericShare {
			v.generic.or(holders)
		}
	}
	for _, p := range r.parts {
		m := roaring.New()
		for doc := range readable.between(p.base, p.base+int(p.FullSize())) {
			m.Add(uint32(doc - p.base))
		}
		v.among = append(v.among, m)
	}
	return v, nil
}

// see makes the reader one of an audience.
func (r *reader) see(audience []string) error {
	v, err := r.viewOf(audience)
	if err != nil {
		return err
	}
	r.view = v
	r.analyzer.known = v.languages
	return nil
}

// count is the number of articles of segment i in a postings list that the reader sees.
func (v *view) count(i int, list segment.PostingsList) int {
	if v.among == nil {
		return int(list.Count())
	}
	it, ok := list.Iterator(false, false, false, nil).(segment.OptimizablePostingsIterator)
	if !ok {
		return 0
	}
	if one, ok := it.DocNum1Hit(); ok {
		if v.among[i].Contains(uint32(one)) {
			return 1
		}
		return 0
	}
	if set := it.ActualBitmap(); set != nil {
		return int(v.among[i].AndCardinality(set))
	}
	return 0
}

// frequency is the document frequency of a term among what the reader sees, if it is remembered.
func (v *view) frequency(term string) (int, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	n, ok := v.df[term]
	return n, ok
}

func (v *view) remember(term string, df int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.df) >= maxViewDF {
		clear(v.df)
	}
	v.df[term] = df
}

// common is the number of members of both sets.
func (b bitset) common(other bitset) int {
	n := 0
	for i, w := range other {
		n += bits.OnesCount64(w & b[i])
	}
	return n
}

// restricted are the articles of the finished index that not all may read, by ID; none where nobody may read any: then they are
// what statistics are made of.
func (b *builder) restricted() (map[string]bool, error) {
	g, err := openGeneration(b.dir, &manifest{})
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	err = g.run(func(r *reader) error {
		public, err := r.readable(nil)
		if err != nil || public.count() == 0 {
			return err
		}
		live := r.live()
		for i, w := range public {
			live[i] &^= w
		}
		for doc := range live.all() {
			id, err := r.id(doc)
			if err != nil {
				return err
			}
			out[id] = true
		}
		return nil
	})
	return out, errors.Join(err, g.retire())
}

// live are the documents that are not deleted.
func (r *reader) live() bitset {
	set := newBitset(r.docs)
	for _, p := range r.parts {
		deleted := p.Deleted()
		for n := range int(p.FullSize()) {
			if deleted == nil || !deleted.Contains(uint32(n)) {
				set.add(p.base + n)
			}
		}
	}
	return set
}
