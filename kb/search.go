package kb

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"slices"

	"prediag"
)

// Search implements prediag.Searcher.
//
// An article is found when it holds one of the query's informative terms or codes. The score is BM25 over title,
// headings and body plus BM25 over the title alone; an article that explains one of the query's codes ranks before all
// that do not. In a large knowledge base Total counts the articles that hold one of the rarer terms only.
func (k *KB) Search(ctx context.Context, q prediag.Query) (prediag.Results, error) {
	var results prediag.Results
	if err := validate(q); err != nil {
		return results, err
	}
	err := k.read(func(r *reader) error {
		var err error
		results, err = r.search(ctx, k.newQuery(q, r.analyzer))
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
	id    string // of the article; empty: not read yet
}

func (r *reader) search(ctx context.Context, q *query) (prediag.Results, error) {
	results := prediag.Results{Generation: r.manifest.Number}
	admitted, err := r.admitted(q)
	if err != nil {
		return results, err
	}
	expanded, err := r.expand(ctx, q.terms)
	if err != nil {
		return results, err
	}
	terms, err := r.weigh(ctx, expanded)
	if err != nil {
		return results, err
	}
	terms, mass := informative(terms)
	s, err := r.score(ctx, q, terms, admitted)
	if err != nil {
		return results, err
	}
	results.Total = s.found.count()
	if q.Facets {
		if results.Facets, err = r.facets(s.found); err != nil {
			return results, err
		}
	}
	ranking, err := r.first(s, q)
	if err != nil {
		return results, err
	}
	page, err := r.rerank(ctx, q, ranking, s, terms)
	if err != nil {
		return results, err
	}
	page = page[min(q.Offset, len(page)):]
	results.Hits, err = r.hits(ctx, q, page[:min(q.Limit, len(page))], s, terms, mass)
	return results, err
}

// first selects the documents up to the end of the page that the query asks for, and those that the second stage reads,
// best first, equal scores by article ID.
func (r *reader) first(s *scores, q *query) ([]scored, error) {
	t := topper{r: r, most: max(q.Offset+q.Limit, rerankDepth)}
	for doc := range s.ranked.all() {
		t.offer(scored{doc: doc, score: float64(s.text[doc])})
	}
	return t.sorted()
}

// topper keeps the best documents of those offered.
type topper struct {
	r    *reader
	most int
	heap []scored // the worst at 0
	err  error
}

// worse orders documents by score and then, so that the order is total, by article ID.
func (t *topper) worse(x, y *scored) bool {
	if x.score != y.score {
		return x.score < y.score
	}
	return t.id(x) > t.id(y)
}

// id reads the article ID of a document once.
func (t *topper) id(s *scored) string {
	if s.id == "" {
		var err error
		if s.id, err = t.r.id(s.doc); err != nil {
			t.err = err
		}
	}
	return s.id
}

func (t *topper) Len() int           { return len(t.heap) }
func (t *topper) Less(i, j int) bool { return t.worse(&t.heap[i], &t.heap[j]) }
func (t *topper) Swap(i, j int)      { t.heap[i], t.heap[j] = t.heap[j], t.heap[i] }
func (t *topper) Push(x any)         { t.heap = append(t.heap, x.(scored)) }
func (t *topper) Pop() any {
	last := t.heap[len(t.heap)-1]
	t.heap = t.heap[:len(t.heap)-1]
	return last
}

func (t *topper) offer(s scored) {
	if len(t.heap) < t.most {
		heap.Push(t, s)
	} else if s.score >= t.heap[0].score && t.worse(&t.heap[0], &s) {
		t.heap[0] = s
		heap.Fix(t, 0)
	}
}

// sorted empties the heap, best first.
func (t *topper) sorted() ([]scored, error) {
	out := make([]scored, len(t.heap))
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = heap.Pop(t).(scored)
	}
	return out, t.err
}

// part returns the segment of a document and its number there.
func (r *reader) part(doc int) (part, uint64) {
	i, ok := slices.BinarySearchFunc(r.parts, doc, func(p part, doc int) int { return cmp.Compare(p.base, doc) })
	if !ok {
		i--
	}
	return r.parts[i], uint64(doc - r.parts[i].base)
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
	err = p.VisitDocument(local, func(field string, _ byte, value []byte, _ []uint64) bool {
		switch field {
		case storedMeta:
			meta = slices.Clone(value)
		case storedBody:
			body = slices.Clone(value)
		case fieldText:
			record = slices.Clone(value)
		}
		return true
	})
	return meta, body, record, err
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
