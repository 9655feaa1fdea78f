package kb

import (
	"iter"
	"math/bits"
	"slices"
	"strings"

	"prediag"
)

// bitset is a set of document numbers.
type bitset []uint64

func newBitset(n int) bitset    { return make(bitset, (n+63)/64) }
func (b bitset) add(i int)      { b[i>>6] |= 1 << (i & 63) }
func (b bitset) has(i int) bool { return b[i>>6]&(1<<(i&63)) != 0 }
func (b bitset) or(other bitset) {
	for i, w := range other {
		b[i] |= w
	}
}
func (b bitset) and(other bitset) {
	for i, w := range other {
		b[i] &= w
	}
}

func (b bitset) count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// maxCachedFilters bounds the memory for filters: each is one bit per article.
const maxCachedFilters = 256

// holders returns the documents whose field has the exact value. The result is shared: it must not be changed.
func (r *reader) holders(field, value string) (bitset, error) {
	key := field + "\x00" + value
	r.filterMu.Lock()
	set, ok := r.filters[key]
	r.filterMu.Unlock()
	if ok {
		return set, nil
	}
	set, err := r.readHolders(field, value)
	if err != nil {
		return nil, err
	}
	r.filterMu.Lock()
	defer r.filterMu.Unlock()
	if len(r.filters) >= maxCachedFilters {
		clear(r.filters)
	}
	r.filters[key] = set
	return set, nil
}

func (r *reader) readHolders(field, value string) (bitset, error) {
	set := newBitset(r.docs)
	for i, p := range r.parts {
		list, err := r.postings(i, field, value)
		if err != nil {
			return nil, err
		}
		it := list.Iterator(false, false, false, nil)
		for {
			posting, err := it.Next()
			if err != nil {
				return nil, err
			}
			if posting == nil {
				break
			}
			set.add(p.base + int(posting.Number()))
		}
	}
	return set, nil
}

// anyOf returns the documents whose field has one of the values, as a set of the caller's own.
func (r *reader) anyOf(field string, values []string) (bitset, error) {
	set := newBitset(r.docs)
	for _, v := range values {
		holders, err := r.holders(field, v)
		if err != nil {
			return nil, err
		}
		set.or(holders)
	}
	return set, nil
}

// readable returns the documents that a caller with these audiences may read. It is the one place where permission is
// decided; every method that shows anything of an article starts here.
func (r *reader) readable(audience []string) (bitset, error) {
	values := []string{everybody}
	for _, a := range audience {
		if validAudience(a) {
			values = append(values, a)
		}
	}
	return r.anyOf(fieldAudience, values)
}

// admitted returns the documents that the filters of a query and the permissions of its caller leave.
func (r *reader) admitted(q *query) (bitset, error) {
	set, err := r.readable(q.Audience)
	if err != nil {
		return nil, err
	}
	for _, f := range []struct {
		field  string
		values []string
	}{{fieldLanguage, q.languages}, {fieldProduct, q.Products}, {fieldKind, q.Kinds}} {
		if len(f.values) == 0 {
			continue
		}
		any, err := r.anyOf(f.field, f.values)
		if err != nil {
			return nil, err
		}
		set.and(any)
	}
	return set, nil
}

// facets counts the documents of set by language, product and kind; values by falling count, then by name.
func (r *reader) facets(set bitset) ([]prediag.Facet, error) {
	var facets []prediag.Facet
	for _, field := range []string{fieldLanguage, fieldProduct, fieldKind} {
		values, err := r.values(field)
		if err != nil {
			return nil, err
		}
		facet := prediag.Facet{Name: field}
		for _, v := range values {
			holders, err := r.holders(field, v)
			if err != nil {
				return nil, err
			}
			n := 0
			for i, w := range holders {
				n += bits.OnesCount64(w & set[i])
			}
			if n > 0 {
				facet.Values = append(facet.Values, prediag.FacetValue{Value: v, Count: n})
			}
		}
		slices.SortStableFunc(facet.Values, func(a, b prediag.FacetValue) int {
			if a.Count != b.Count {
				return b.Count - a.Count
			}
			return strings.Compare(a.Value, b.Value)
		})
		facets = append(facets, facet)
	}
	return facets, nil
}

// maxFacetValues bounds the values of one facet that are counted.
const maxFacetValues = 100

// values lists the values of a keyword field in order.
func (r *reader) values(field string) ([]string, error) {
	var values []string
	for i := range r.parts {
		d, err := r.dict(i, field)
		if err != nil {
			return nil, err
		}
		it := d.AutomatonIterator(nil, nil, nil)
		for n := 0; n < maxFacetValues; n++ {
			entry, err := it.Next()
			if err != nil {
				return nil, err
			}
			if entry == nil {
				break
			}
			values = append(values, entry.Term)
		}
	}
	slices.Sort(values)
	return slices.Compact(values), nil
}

// all visits the members in rising order.
func (b bitset) all() iter.Seq[int] { return b.between(0, len(b)<<6) }

// between visits the members from start up to before end in rising order.
func (b bitset) between(start, end int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := start >> 6; i < len(b) && i<<6 < end; i++ {
			w := b[i]
			if i == start>>6 {
				w &= ^uint64(0) << (start & 63)
			}
			for ; w != 0; w &= w - 1 {
				doc := i<<6 + bits.TrailingZeros64(w)
				if doc >= end || !yield(doc) {
					return
				}
			}
		}
	}
}
