package kb

import (
	"context"
	"slices"
	"strings"

	"prediag"
)

// setOperators makes terms of the operators of a typed query.
func (q *query) setOperators(t typed, a *analyzer) {
	for _, p := range t.phrases {
		if terms := slices.Clone(a.terms(p)); len(terms) > 0 {
			q.exact = append(q.exact, terms)
		}
	}
	for _, w := range t.without {
		if terms := slices.Clone(a.terms(w)); len(terms) > 0 {
			q.without = append(q.without, terms)
			q.leftOut = append(q.leftOut, w)
		}
	}
}

// operates reports whether the query has operators.
func (q *query) operates() bool { return len(q.exact)+len(q.without) > 0 }

// verifies reports whether articles must be read to tell whether they are what the operators ask for.
func (q *query) verifies() bool {
	long := func(terms []string) bool { return len(terms) > 1 }
	return slices.ContainsFunc(q.exact, long) || slices.ContainsFunc(q.without, long)
}

// scope returns the documents that a query may show at all: those that its caller may read and that hold the words of its
// phrases, without those that it leaves out by one term.
func (r *reader) scope(q *query) (bitset, error) {
	set, err := r.readable(q.Audience)
	if err != nil {
		return nil, err
	}
	for _, doc := range q.apart {
		set.remove(doc)
	}
	for _, terms := range q.exact {
		for _, t := range terms {
			holders, err := r.readHolders(fieldText, t)
			if err != nil {
				return nil, err
			}
			set.and(holders)
		}
	}
	for _, terms := range q.without {
		if len(terms) > 1 {
			continue
		}
		holders, err := r.readHolders(fieldText, terms[0])
		if err != nil {
			return nil, err
		}
		for i, w := range holders {
			set[i] &^= w
		}
	}
	return set, nil
}

// verify reads candidates and returns those in which every phrase of the query stands, and none that it leaves out, with
// the set of them. So a search for a phrase of several terms is one among the best maxCandidates that hold these.
func (r *reader) verify(ctx context.Context, q *query, list []scored) ([]scored, bitset, error) {
	set, out := newBitset(r.docs), list[:0]
	for _, c := range list {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		kept := true
		err := r.forward(c.doc, func(f *forward) error {
			var err error
			kept, err = q.keeps(f, func(terms []string) (bool, error) { return r.holdsAll(c.doc, terms) })
			return err
		})
		if err != nil {
			return nil, nil, err
		}
		if kept {
			out = append(out, c)
			set.add(c.doc)
		}
	}
	return out, set, nil
}

// keeps reports whether an article is what the phrases ask for. Of a phrase to leave out the article need not hold all terms, and a
// record tells of held terms only.
func (q *query) keeps(f *forward, holdsAll func(terms []string) (bool, error)) (bool, error) {
	for _, terms := range q.exact {
		if found, err := f.contains(terms); err != nil || !found {
			return false, err
		}
	}
	for _, terms := range q.without {
		if len(terms) == 1 {
			continue
		}
		held, err := holdsAll(terms)
		if err != nil {
			return false, err
		}
		if !held {
			continue
		}
		if found, err := f.contains(terms); err != nil || found {
			return false, err
		}
	}
	return true, nil
}

// holdsAll reports whether a document holds all of the terms.
func (r *reader) holdsAll(doc int, terms []string) (bool, error) {
	i := r.partNumber(doc)
	for _, t := range terms {
		list, err := r.postings(i, fieldText, t)
		if err != nil {
			return false, err
		}
		if !contains(list)(doc - r.parts[i].base) {
			return false, nil
		}
	}
	return true, nil
}

// contains reports whether the terms, all of which the article holds, follow each other in its title, its body or one of
// its headings.
func (f *forward) contains(terms []string) (bool, error) {
	hashes := make([]uint64, len(terms))
	for i, t := range terms {
		hashes[i] = seeded(termHash(t), f.seed) & widthMask(f.width)
	}
	if f.follow(f.title, hashes) || f.follow(f.body, hashes) {
		return true, nil
	}
	found := false
	err := f.visitSections(func(s section) {
		for _, h := range s.headings {
			found = found || f.follow(h, hashes)
		}
	})
	return found, err
}

// follow reports whether tokens with these hashes follow each other in a part of the record.
func (f *forward) follow(part []byte, hashes []uint64) bool {
	for at := 0; at+len(hashes)*f.width <= len(part); at += f.width {
		n := 0
		for n < len(hashes) && f.hash(part[at+n*f.width:]) == hashes[n] {
			n++
		}
		if n == len(hashes) {
			return true
		}
	}
	return false
}

// hash is the first token of a part of the record.
func (f *forward) hash(part []byte) (h uint64) {
	for i := range f.width {
		h |= uint64(part[i]) << (8 * i)
	}
	return h
}

// newest orders what a search found by the day of the last change, the latest first, those of one day by their score and
// then by ID, as far as the page goes. A query of many words finds articles that hold only one of them: those that hold
// less than half as much of its information as the best are left out, and the set of the others is returned as what was found.
func (r *reader) newest(q *query, s *scores, found bitset) ([]scored, bitset, error) {
	days, err := r.column(fieldUpdated)
	if err != nil {
		return nil, nil, err
	}
	best := float32(0)
	for doc := range found.all() {
		best = max(best, s.held(s.cells[doc].mask))
	}
	kept, list := newBitset(r.docs), []scored(nil)
	for doc := range found.all() {
		if _, explains := s.codes[doc]; !explains && s.held(s.cells[doc].mask) < best/2 {
			continue
		}
		kept.add(doc)
		list = append(list, scored{doc: doc, score: float64(r.total(&s.cells[doc], doc, s) + s.codes[doc])})
	}
	var failed error
	id := func(doc int) string {
		s, err := r.id(doc)
		if err != nil {
			failed = err
		}
		return s
	}
	slices.SortFunc(list, func(x, y scored) int {
		switch a, b := days.of[x.doc], days.of[y.doc]; {
		case a != b:
			return int(b) - int(a)
		case x.score != y.score:
			if x.score > y.score {
				return -1
			}
			return 1
		}
		return strings.Compare(id(x.doc), id(y.doc))
	})
	if failed != nil {
		return nil, nil, failed
	}
	list = list[:min(len(list), q.Offset+prediag.MaxPageSize)]
	for i := range list {
		if list[i].id, err = r.id(list[i].doc); err != nil {
			return nil, nil, err
		}
	}
	return list, kept, nil
}
