package kb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"prediag"
)

// Search implements prediag.Searcher.
//
// An article is found when it holds one of the query's informative terms or codes. The score is BM25 over title,
// headings and body plus BM25 over the title alone; an article that explains one of the query's codes ranks before all
// that do not. In a large knowledge base Total counts the articles that hold one of the rarer terms only. What the hits point
// to is shared with other callers: it must not be changed.
func (k *KB) Search(ctx context.Context, q prediag.Query) (prediag.Results, error) {
	var results prediag.Results
	if err := validate(q); err != nil {
		return results, err
	}
	if err := ctx.Err(); err != nil {
		return results, fmt.Errorf("search: %w", err)
	}
	key, err := keyOf(q, k.opt.Now().UTC().Format(dayFormat))
	if err != nil {
		return results, fmt.Errorf("search: %w", err)
	}
	k.searches.Add(1)
	defer k.searches.Add(-1)
	err = k.read(func(r *reader) error {
		var known bool
		if results, known = r.results.get(key); known {
			return nil
		}
		var err error
		query := k.newQuery(q, r.analyzer)
		if query.Like == "" && !query.Newest {
			query.vector = k.askVector(ctx, r.generation, q.Text)
		}
		if results, err = r.search(ctx, query); err == nil && len(results.Degraded) == 0 {
			r.results.set(key, results)
		}
		return err
	})
	if err != nil {
		return prediag.Results{}, fmt.Errorf("search: %w", err)
	}
	return results, nil
}

var _ prediag.Searcher = (*KB)(nil)

// scored is a document with its score.
type scored struct {
	doc   int
	score float64
	id    string // of the article; empty: not read
}

func (r *reader) search(ctx context.Context, q *query) (prediag.Results, error) {
	results := prediag.Results{Generation: r.manifest.Number}
	if err := r.see(q.Audience); err != nil {
		return results, err
	}
	q.depth = r.depthOf(q)
	results.Without = q.leftOut
	if q.Like != "" {
		if err := r.like(q); err != nil {
			return results, err
		}
	}
	scope, err := r.scope(q)
	if err != nil {
		return results, err
	}
	admitted := slices.Clone(scope)
	if err := r.filter(admitted, q, ""); err != nil {
		return results, err
	}
	wide, err := r.bridge(q, admitted)
	if err != nil {
		return results, err
	}
	terms, mass, mended, err := r.prepare(ctx, q, admitted)
	if err != nil {
		return results, err
	}
	results.DidYouMean = mended
	if q.verifies() {
		wide = scope
	}
	s, best, err := r.score(ctx, q, terms, wide)
	if err != nil {
		return results, err
	}
	matching := func() (bitset, error) { return r.matching(ctx, q, terms[:s.counted], scope) }
	found := s.found
	if q.verifies() {
		var kept bitset
		if best, kept, err = r.verify(ctx, q, best); err != nil {
			return results, err
		}
		matching = func() (bitset, error) { return kept, nil }
		admitted.and(kept)
		found = admitted
	}
	found = r.crossed(found, admitted)
	best, others := apart(best, admitted)
	if q.verifies() {
		others = nil // filtered out, and no translations
	}
	var all []candidate
	if q.Newest {
		all, found, err = r.byDay(ctx, q, s, found, terms)
	} else if all, err = r.byScore(ctx, q, s, best, others, terms, admitted); err == nil {
		all, err = r.join(ctx, q, all, s, neighbourhood{admitted, found, mass}, &results)
	}
	if err != nil {
		return results, err
	}
	results.Total = found.count()
	if q.Facets {
		if results.Facets, err = r.facets(q, found, matching); err != nil {
			return results, err
		}
	}
	page := all[min(q.Offset, len(all)):]
	results.Hits, err = r.hits(ctx, q, page[:min(q.Limit, len(page))], s, terms, mass)
	r.nameTwins(results.Hits, admitted)
	r.setLeads(q, results.Hits, all[:min(q.depth, len(all))], mass)
	results.Unknown = unknown(terms, mass)
	return results, err
}

// prepare weighs the query's terms, gives them what stands for them in other languages, mends those that no article holds, and returns the
// most informative ones with the information of the whole query and the mended text.
func (r *reader) prepare(ctx context.Context, q *query, admitted bitset) (terms []weighted, mass float64, mended string, err error) {
	expanded, err := r.expand(ctx, q.terms)
	if err != nil {
		return nil, 0, "", err
	}
	if terms, err = r.weigh(ctx, expanded); err != nil {
		return nil, 0, "", err
	}
	if err := r.translate(ctx, q, terms); err != nil {
		return nil, 0, "", err
	}
	if mended, err = r.mend(ctx, q, terms, admitted); err != nil {
		return nil, 0, "", err
	}
	terms, mass = informative(terms)
	return terms, mass, mended, nil
}

// byScore ranks candidates, first those that are admitted; others are those that only a translation of theirs makes so.
func (r *reader) byScore(ctx context.Context, q *query, s *scores, best, others []scored, terms []weighted, admitted bitset) ([]candidate, error) {
	ranking, err := r.sort(best, q)
	if err != nil {
		return nil, err
	}
	all, err := r.rerank(ctx, q, ranking, s, terms)
	if err != nil {
		return nil, err
	}
	return r.cross(ctx, q, all, others, s, terms, admitted)
}

// byDay orders what was found by its day, and returns which of it that leaves.
func (r *reader) byDay(ctx context.Context, q *query, s *scores, found bitset, terms []weighted) ([]candidate, bitset, error) {
	list, kept, err := r.newest(q, s, found)
	if err != nil {
		return nil, nil, err
	}
	if _, err := r.rerank(ctx, q, nil, s, terms); err != nil { // what looks for passages knows the terms from it
		return nil, nil, err
	}
	all := make([]candidate, len(list))
	for i, c := range list {
		all[i].scored = c
	}
	return all, kept, nil
}

// matching are the documents of a scope that hold one of the terms or explain one of the query's codes.
func (r *reader) matching(ctx context.Context, q *query, terms []weighted, scope bitset) (bitset, error) {
	set := newBitset(r.docs)
	add := func(term string) error {
		l, err := r.lists(ctx, term)
		if err != nil {
			return err
		}
		l.text.joinTo(set)
		return nil
	}
	for _, t := range terms {
		if err := add(t.term); err != nil {
			return nil, err
		}
		for _, a := range t.alts {
			if err := add(a.term); err != nil {
				return nil, err
			}
		}
	}
	for _, c := range q.codes {
		holders, err := r.readHolders(fieldCodes, c)
		if err != nil {
			return nil, err
		}
		set.or(holders)
	}
	set.and(scope)
	return set, nil
}

// apart splits candidates into those that are admitted and the others.
func apart(list []scored, admitted bitset) (direct, others []scored) {
	n := 0
	for i, c := range list {
		if admitted.has(c.doc) {
			list[i], list[n] = list[n], c
			n++
		}
	}
	return list[:n], list[n:]
}

// sort orders candidates by falling score, equal ones by article ID, as far as the page that the query asks for and the
// second stage go.
func (r *reader) sort(list []scored, q *query) ([]scored, error) {
	slices.SortFunc(list, func(x, y scored) int { return cmp.Compare(y.score, x.score) })
	end := min(len(list), max(q.Offset+q.Limit, q.depth))
	for from := 0; from < end; {
		to := from + 1
		for to < len(list) && list[to].score == list[from].score {
			to++
		}
		if ties := list[from:to]; len(ties) > 1 {
			for i := range ties {
				var err error
				if ties[i].id, err = r.id(ties[i].doc); err != nil {
					return nil, err
				}
			}
			slices.SortFunc(ties, func(x, y scored) int { return strings.Compare(x.id, y.id) })
		}
		from = to
	}
	return list[:end], nil
}

// part returns the segment of a document and its number there.
func (r *reader) part(doc int) (part, uint64) {
	p := r.parts[r.partNumber(doc)]
	return p, uint64(doc - p.base)
}

// partNumber is the number of a document's segment.
func (r *reader) partNumber(doc int) int {
	i, ok := slices.BinarySearchFunc(r.parts, doc, func(p part, doc int) int { return cmp.Compare(p.base, doc) })
	if !ok {
		i--
	}
	return i
}

// id is the article ID of a document.
func (r *reader) id(doc int) (string, error) {
	p, local := r.part(doc)
	id, err := p.DocID(local)
	return string(id), err
}

// load reads the stored article of a document.
func (r *reader) load(doc int) (prediag.Article, error) {
	meta, body, _, err := r.stored(doc)
	if err != nil {
		return prediag.Article{}, err
	}
	return decodeStored(meta, body)
}

// loadAll reads the stored article of a document with its forward record.
func (r *reader) loadAll(doc int) (prediag.Article, forward, error) {
	meta, body, record, err := r.stored(doc)
	if err != nil {
		return prediag.Article{}, forward{}, err
	}
	a, err := decodeStored(meta, body)
	if err != nil {
		return a, forward{}, err
	}
	f, err := parseForward(record)
	return a, f, err
}

// stored reads what the index stores of a document.
func (r *reader) stored(doc int) (meta, body, record []byte, err error) {
	p, local := r.part(doc)
	var faulty error
	err = p.VisitDocument(local, func(field string, _ byte, value []byte, _ []uint64) bool {
		switch field {
		case fieldStored:
			meta, body, faulty = unpackText(r.texts, value)
		case fieldText:
			record = slices.Clone(value)
		}
		return true
	})
	return meta, body, record, errors.Join(err, faulty)
}

// forward reads the forward record of a document, which is valid during the call of do only.
func (r *reader) forward(doc int, do func(*forward) error) error {
	p, local := r.part(doc)
	found, failed := false, error(nil)
	err := p.VisitDocument(local, func(field string, _ byte, value []byte, _ []uint64) bool {
		if field != fieldText {
			return true
		}
		found = true
		var f forward
		if f, failed = parseForward(value); failed == nil {
			failed = do(&f)
		}
		return true
	})
	if err == nil && failed == nil && !found {
		err = fmt.Errorf("an article has no forward record: %w", prediag.ErrDamaged)
	}
	return errors.Join(err, failed)
}
