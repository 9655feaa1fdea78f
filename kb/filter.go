package kb

import (
	"iter"
	"maps"
	"math/bits"
	"slices"

	"prediag"
)

// bitset is a set of document numbers.
type bitset []uint64

func newBitset(n int) bitset    { return make(bitset, (n+63)/64) }
func (b bitset) add(i int)      { b[i>>6] |= 1 << (i & 63) }
func (b bitset) remove(i int)   { b[i>>6] &^= 1 << (i & 63) }
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

// filterKeys are the keys of the filters that are kept.
func (g *generation) filterKeys() []string {
	g.filterMu.Lock()
	defer g.filterMu.Unlock()
	return slices.Collect(maps.Keys(g.filters))
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

// propertyFilter restricts a search by one property of articles.
type propertyFilter struct {
	field  string
	values []string
}

// filters are the query's filters by exact values.
func (q *query) filters() []propertyFilter {
	all := []propertyFilter{{fieldLanguage, q.languages}, {fieldProduct, q.Products}, {fieldKind, q.Kinds}, {fieldCategory, q.Categories}}
	return slices.DeleteFunc(all, func(f propertyFilter) bool { return len(f.values) == 0 })
}

// admitted returns the documents that the filters of a query and the permissions of its caller leave.
func (r *reader) admitted(q *query) (bitset, error) {
	set, err := r.scope(q)
	if err != nil {
		return nil, err
	}
	return set, r.filter(set, q, "")
}

// filter removes from a set what the filters of a query do, but for those by one field.
func (r *reader) filter(set bitset, q *query, except string) error {
	for _, f := range q.filters() {
		if f.field == except {
			continue
		}
		any, err := r.anyOf(f.field, f.values)
		if err != nil {
			return err
		}
		set.and(any)
	}
	if q.Since.IsZero() || except == fieldUpdated {
		return nil
	}
	return r.since(set, q.Since)
}

// facets counts the documents that a query found by their properties, each property without the query's filter by it.
// Matching are the documents that hold the query's words whatever its filters say.
func (r *reader) facets(q *query, found bitset, matching func() (bitset, error)) ([]prediag.Facet, error) {
	var facets []prediag.Facet
	for _, field := range columnFields {
		c, err := r.column(field)
		if err != nil {
			return nil, err
		}
		set := found
		if q.filtersBy(field) {
			if set, err = matching(); err != nil {
				return nil, err
			}
			set = slices.Clone(set)
			if err := r.filter(set, q, field); err != nil {
				return nil, err
			}
			set.or(found)
		}
		if field == fieldUpdated {
			facets = append(facets, prediag.Facet{Name: "age", Values: c.countAges(set, q.now)})
			continue
		}
		facets = append(facets, prediag.Facet{Name: field, Values: c.countValues(set, field == fieldCategory)})
	}
	return facets, nil
}

// filtersBy reports whether the query restricts a property.
func (q *query) filtersBy(field string) bool {
	if field == fieldUpdated {
		return !q.Since.IsZero()
	}
	return slices.ContainsFunc(q.filters(), func(f propertyFilter) bool { return f.field == field })
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
