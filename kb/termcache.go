package kb

import (
	"context"
	"strings"
	"sync"

	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// list is a decoded postings list: the documents in rising order, and for each BM25's saturated term frequency,
// tf·(k1+1) / (tf + k1·(1−b+b·length/average)), in steps of satStep.
type list struct {
	docs []uint32
	sats []uint16
}

// satStep makes 16 bits of a saturated frequency, which is less than k1+1.
const satStep = (k1 + 1) / (1 << 16)

// termLists are the postings of a term in text and title.
type termLists struct{ text, title list }

// Estimates for the bound on the memory of a termCache.
const (
	postingBytes   = 6
	termBytes      = 160
	maxCachedBytes = 32 << 20           // of each half
	maxListBytes   = maxCachedBytes / 4 // a longer list is not kept
)

// termCache keeps what searches have read of terms: how many articles hold them, and the decoded postings of those that
// were scored. Words of tickets follow Zipf's law, so a small cache answers nearly all. It has two halves: when the hot one
// is full it becomes the cold one, whose terms move back when they are asked for again and are forgotten otherwise.
type termCache struct {
	mu        sync.Mutex
	hot, cold map[string]*termEntry
	bytes     int // of the hot half
}

type termEntry struct {
	df    int
	lists *termLists // nil: not read yet
}

func (e *termEntry) size(term string) int {
	n := termBytes + len(term)
	if e.lists != nil {
		n += postingBytes * (len(e.lists.text.docs) + len(e.lists.title.docs))
	}
	return n
}

// get returns what is known of a term.
func (c *termCache) get(term string) (e termEntry, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.hot[term]
	if !ok {
		if p, ok = c.cold[term]; ok {
			delete(c.cold, term)
			c.put(term, p)
		}
	}
	if !ok {
		return termEntry{}, false
	}
	return *p, true
}

// known are the terms that are kept, and whether their postings are.
func (c *termCache) known() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]bool, len(c.hot)+len(c.cold))
	for _, half := range []map[string]*termEntry{c.cold, c.hot} {
		for term, e := range half {
			out[term] = e.lists != nil
		}
	}
	return out
}

// set remembers what was read of a term.
func (c *termCache) set(term string, e termEntry) {
	term = strings.Clone(term) // the query's text goes
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.hot[term]; old != nil {
		c.bytes -= old.size(term)
	}
	c.put(term, &e)
}

func (c *termCache) put(term string, e *termEntry) {
	if c.hot == nil || c.bytes > maxCachedBytes {
		c.cold, c.hot, c.bytes = c.hot, map[string]*termEntry{}, 0
	}
	c.hot[term] = e
	c.bytes += e.size(term)
}

// df is the number of articles that hold a term, of those that the reader's caller sees.
func (r *reader) df(term string) (int, error) {
	if v := r.view; v != nil && v.among != nil {
		return r.dfAmong(v, term)
	}
	if e, ok := r.terms.get(term); ok {
		return e.df, nil
	}
	df := 0
	for i := range r.parts {
		l, err := r.postings(i, fieldText, term)
		if err != nil {
			return 0, err
		}
		df += int(l.Count())
	}
	r.terms.set(term, termEntry{df: df})
	return df, nil
}

func (r *reader) dfAmong(v *view, term string) (int, error) {
	if df, ok := v.frequency(term); ok {
		return df, nil
	}
	df := 0
	for i := range r.parts {
		l, err := r.postings(i, fieldText, term)
		if err != nil {
			return 0, err
		}
		df += v.count(i, l)
	}
	v.remember(strings.Clone(term), df)
	return df, nil
}

// lists returns the decoded postings of a term.
func (r *reader) lists(ctx context.Context, term string) (*termLists, error) {
	if e, ok := r.terms.get(term); ok && e.lists != nil {
		return e.lists, nil
	}
	var out termLists
	var err error
	if out.text, err = r.decode(ctx, fieldText, term, newSaturation(b, r.average(fieldText))); err != nil {
		return nil, err
	}
	if out.title, err = r.decode(ctx, fieldTitle, term, newSaturation(titleB, r.average(fieldTitle))); err != nil {
		return nil, err
	}
	if postingBytes*len(out.text.docs) <= maxListBytes {
		r.terms.set(term, termEntry{df: len(out.text.docs), lists: &out})
	}
	return &out, nil
}

// decode reads the postings of a term in a field.
func (r *reader) decode(ctx context.Context, field, term string, s saturation) (list, error) {
	var out list
	found, count := make([]segment.PostingsList, len(r.parts)), 0
	for i := range r.parts {
		l, err := r.postings(i, field, term)
		if err != nil {
			return out, err
		}
		found[i] = l
		count += int(l.Count())
	}
	out.docs, out.sats = make([]uint32, 0, count), make([]uint16, 0, count)
	for i, p := range r.parts {
		err := visit(ctx, found[i], func(local uint64, freq, length uint64) {
			out.docs = append(out.docs, uint32(p.base+int(local)))
			out.sats = append(out.sats, s.of(freq, length))
		})
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// saturation is BM25 for one term without the term's weight.
type saturation struct{ fixed, slope float32 }

func newSaturation(b, average float64) saturation {
	return saturation{fixed: float32(k1 * (1 - b)), slope: float32(k1 * b / average)}
}

// of is the saturated frequency in steps of satStep.
func (s saturation) of(freq, length uint64) uint16 {
	tf := float32(freq)
	return uint16(tf * (1 << 16) / (tf + s.fixed + s.slope*float32(length)))
}

// lengthed is a posting that knows the exact length of its document's field in tokens; its Norm is a rounded function.
type lengthed interface{ NormUint64() uint64 }

// visit calls do for every posting of a list with its document in the segment, frequency and field length.
func visit(ctx context.Context, list segment.PostingsList, do func(local, freq, length uint64)) error {
	it := list.Iterator(true, true, false, nil)
	for n := 1; ; n++ {
		posting, err := it.Next()
		if err != nil || posting == nil {
			return err
		}
		do(posting.Number(), posting.Frequency(), posting.(lengthed).NormUint64())
		if n&0xfff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
