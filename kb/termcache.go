package kb

import (
	"context"
	"slices"
	"strings"
	"sync"

	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// postings are the documents of a term in a field in rising order, and for each BM25's saturated term frequency,
// tf·(k1+1) / (tf + k1·(1−b+b·length/average)), in steps of satStep.
type postings struct {
	docs []uint32
	sats []uint16
}

// list is what is kept of postings. Of a term that many documents hold it has their set, which is smaller and can be joined with
// others 64 documents at a time.
type list struct {
	docs []uint32 // nil: they are in set
	set  bitset
	sats []uint16
}

// denseShare is the share of all documents from which on their set is smaller than their numbers.
const denseShare = 1.0 / 32

// keep makes a list of postings that the caller uses again.
func (p postings) keep(docs int) list {
	l := list{sats: slices.Clone(p.sats)}
	if float64(len(p.docs)) < denseShare*float64(docs) {
		l.docs = slices.Clone(p.docs)
		return l
	}
	l.set = newBitset(docs)
	for _, d := range p.docs {
		l.set.add(int(d))
	}
	return l
}

// bytes estimates the memory of a list.
func (l *list) bytes() int { return 4*len(l.docs) + 8*len(l.set) + 2*len(l.sats) }

// joinTo adds the documents to a set.
func (l *list) joinTo(set bitset) {
	set.or(l.set)
	for _, d := range l.docs {
		set.add(int(d))
	}
}

// listSearch looks documents up in a list, in rising order.
type listSearch struct {
	rest []uint32
	set  bitset
}

func (l *list) search() listSearch { return listSearch{l.docs, l.set} }

// has cuts off what comes before a document, in steps that double, and says whether the list holds it.
func (s *listSearch) has(doc int) bool {
	if s.set != nil {
		return s.set.has(doc)
	}
	step := 1
	for step < len(s.rest) && s.rest[step] < uint32(doc) {
		step *= 2
	}
	from := step / 2
	n, ok := slices.BinarySearch(s.rest[from:min(step+1, len(s.rest))], uint32(doc))
	s.rest = s.rest[from+n:]
	return ok
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
		n += e.lists.text.bytes() + e.lists.title.bytes()
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
		n, err := r.frequency(i, term)
		if err != nil {
			return 0, err
		}
		df += n
	}
	r.terms.set(term, termEntry{df: df})
	return df, nil
}

// seenFrequency is the number of articles of segment i that hold a term, of those that the reader's caller sees.
func (r *reader) seenFrequency(i int, term string) (int, error) {
	if r.view.among == nil {
		return r.frequency(i, term)
	}
	l, err := r.postings(i, fieldText, term)
	if err != nil {
		return 0, err
	}
	return r.view.count(i, l), nil
}

// frequency is the number of articles of segment i that hold a term.
func (r *reader) frequency(i int, term string) (int, error) {
	z := r.zaps[fieldText][i]
	if z == nil {
		l, err := r.postings(i, fieldText, term)
		if err != nil {
			return 0, err
		}
		return int(l.Count()), nil
	}
	l, err := z.find(term)
	if err != nil {
		return 0, err
	}
	r.scratch, err = l.all(r.scratch[:0])
	return z.alive(r.scratch), err
}

func (r *reader) dfAmong(v *view, term string) (int, error) {
	if df, ok := v.frequency(term); ok {
		return df, nil
	}
	df := 0
	for i := range r.parts {
		n, err := r.seenFrequency(i, term)
		if err != nil {
			return 0, err
		}
		df += n
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
	if out.text.bytes()+out.title.bytes() <= maxListBytes {
		r.terms.set(term, termEntry{df: len(out.text.sats), lists: &out})
	}
	return &out, nil
}

// decode reads the postings of a term in a field.
func (r *reader) decode(ctx context.Context, field, term string, s saturation) (list, error) {
	out, err := postings{r.decoded.docs[:0], r.decoded.sats[:0]}, error(nil)
	for i, p := range r.parts {
		if err := ctx.Err(); err != nil {
			return list{}, err
		}
		if z := r.zaps[field][i]; z != nil {
			out, err = r.decodeZap(out, z, term, uint32(p.base), s)
		} else {
			out, err = r.decodeSlowly(ctx, out, i, field, term, s)
		}
		if err != nil {
			return list{}, err
		}
	}
	r.decoded = out
	return out.keep(r.docs), nil
}

// decodeZap appends the postings of a term in a segment whose documents begin at base.
func (r *reader) decodeZap(dst postings, z *zapReader, term string, base uint32, s saturation) (postings, error) {
	l, err := z.find(term)
	if err != nil {
		return dst, err
	}
	if r.scratch, err = l.all(r.scratch[:0]); err != nil {
		return dst, err
	}
	return z.read(dst, l, r.scratch, base, s)
}

// decodeSlowly is decodeZap for what Bleve has to read itself.
func (r *reader) decodeSlowly(ctx context.Context, dst postings, i int, field, term string, s saturation) (postings, error) {
	l, err := r.postings(i, field, term)
	if err != nil {
		return dst, err
	}
	base := uint32(r.parts[i].base)
	err = visit(ctx, l, func(local uint64, freq, length uint64) {
		dst.docs, dst.sats = append(dst.docs, base+uint32(local)), append(dst.sats, s.of(freq, length))
	})
	return dst, err
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
