package kb

import (
	"slices"
	"strings"
	"sync"
	"time"

	"prediag"
)

// column holds one property of every document, so that results can be counted and ordered by it. It is read from the index
// once, when a search first needs it.
type column struct {
	once   sync.Once
	values []string // in order
	of     []int32  // number of the value by document; negative: the document has none
	err    error
}

// columnFields are the fields that have a column, in the order of the facets.
var columnFields = [...]string{fieldLanguage, fieldProduct, fieldKind, fieldCategory, fieldUpdated}

// column reads the column of one of the columnFields.
func (r *reader) column(field string) (*column, error) {
	c := &r.columns[slices.Index(columnFields[:], field)]
	c.once.Do(func() { c.values, c.of, c.err = r.readColumn(field) })
	return c, c.err
}

// readColumn visits the values in order, so that of a category and its ancestors the category itself is kept.
func (r *reader) readColumn(field string) (values []string, of []int32, err error) {
	for i := range r.parts {
		if err := r.eachTerm(i, field, func(term string) error { values = append(values, term); return nil }); err != nil {
			return nil, nil, err
		}
	}
	slices.Sort(values)
	values = slices.Compact(values)
	of = make([]int32, r.docs)
	for doc := range of {
		of[doc] = -1
	}
	for n, v := range values {
		holders, err := r.readHolders(field, v)
		if err != nil {
			return nil, nil, err
		}
		for doc := range holders.all() {
			of[doc] = int32(n)
		}
	}
	return values, of, nil
}

// count counts the documents of a set by their values.
func (c *column) count(set bitset) []int {
	counts := make([]int, len(c.values))
	for doc := range set.all() {
		if n := c.of[doc]; n >= 0 {
			counts[n]++
		}
	}
	return counts
}

// dayFormat writes the day of an article's last change so that later days are greater.
const dayFormat = time.DateOnly

// since removes from a set the documents that did not change on a day or later.
func (r *reader) since(set bitset, day time.Time) error {
	c, err := r.column(fieldUpdated)
	if err != nil {
		return err
	}
	first, _ := slices.BinarySearch(c.values, day.UTC().Format(dayFormat))
	for doc := range set.all() {
		if int(c.of[doc]) < first {
			set.remove(doc)
		}
	}
	return nil
}

// ages are the values of the facet "age": articles that changed within so many days.
var ages = [...]struct {
	name string
	days int
}{{"30d", 30}, {"90d", 90}, {"365d", 365}}

// olderAge is the value for those that changed before.
const olderAge = "older"

// countAges counts a column of days. A value counts those of the shorter ones too.
func (c *column) countAges(set bitset, now time.Time) []prediag.FacetValue {
	var out []prediag.FacetValue
	counts, total := c.count(set), 0
	for _, a := range ages {
		from, _ := slices.BinarySearch(c.values, now.UTC().AddDate(0, 0, -a.days).Format(dayFormat))
		out = append(out, prediag.FacetValue{Value: a.name, Count: sum(counts[from:])})
	}
	total = sum(counts)
	out = append(out, prediag.FacetValue{Value: olderAge, Count: total - out[len(out)-1].Count})
	return slices.DeleteFunc(out, func(v prediag.FacetValue) bool { return v.Count == 0 })
}

func sum(list []int) (n int) {
	for _, x := range list {
		n += x
	}
	return n
}

// maxFacetValues bounds the values of one facet: the most frequent ones are given.
const maxFacetValues = 100

// countValues counts by value, by falling count, then by name. Articles of a category count for its ancestors.
func (c *column) countValues(set bitset, nested bool) []prediag.FacetValue {
	counts := c.count(set)
	for n := len(counts) - 1; nested && n >= 0; n-- {
		if slash := strings.LastIndexByte(c.values[n], '/'); slash > 0 {
			if parent, ok := slices.BinarySearch(c.values, c.values[n][:slash]); ok {
				counts[parent] += counts[n]
			}
		}
	}
	var out []prediag.FacetValue
	for n, v := range c.values {
		if counts[n] > 0 {
			out = append(out, prediag.FacetValue{Value: v, Count: counts[n]})
		}
	}
	slices.SortStableFunc(out, func(a, b prediag.FacetValue) int { return b.Count - a.Count })
	return out[:min(len(out), maxFacetValues)]
}

// eachTerm visits the terms that a field has in a part of the index, in their order.
func (r *reader) eachTerm(part int, field string, visit func(term string) error) error {
	d, err := r.dict(part, field)
	if err != nil {
		return err
	}
	it := d.AutomatonIterator(nil, nil, nil)
	for {
		entry, err := it.Next()
		if err != nil || entry == nil {
			return err
		}
		if err := visit(entry.Term); err != nil {
			return err
		}
	}
}
