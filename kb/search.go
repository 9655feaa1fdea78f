package kb

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"prediag"
)

// Search implements prediag.Searcher.
//
// An article is found when it holds one of the query's informative terms or codes. The score is BM25 over title,
// headings and body plus BM25 over the title alone; an article that explains one of the query's codes ranks before all
// that do not.
func (k *KB) Search(ctx context.Context, q prediag.Query) (prediag.Results, error) {
	var results prediag.Results
	if err := validate(q); err != nil {
		return results, err
	}
	err := k.read(func(g *generation) error {
		var err error
		results, err = g.search(ctx, newQuery(q))
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
}

func (g *generation) search(ctx context.Context, q *query) (prediag.Results, error) {
	results := prediag.Results{Generation: g.manifest.Number}
	admitted, err := g.admitted(q)
	if err != nil {
		return results, err
	}
	terms, err := g.weigh(ctx, q.terms)
	if err != nil {
		return results, err
	}
	terms, mass := informative(terms)
	scores, found, err := g.score(ctx, q, terms, admitted)
	if err != nil {
		return results, err
	}
	results.Total = found.count()
	if q.Facets {
		if results.Facets, err = g.facets(found); err != nil {
			return results, err
		}
	}
	page, err := g.page(scores, found, q)
	if err != nil {
		return results, err
	}
	results.Hits, err = g.hits(ctx, q, page, terms, mass)
	return results, err
}

// BM25's parameters: saturation of the term frequency and strength of the length normalisation.
const (
	k1          = 1.2
	b           = 0.75
	titleWeight = 0.5
)

// weigh looks the terms up in the index.
func (g *generation) weigh(ctx context.Context, terms []string) ([]weighted, error) {
	out := make([]weighted, 0, len(terms))
	for i, t := range terms {
		if i%64 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		df := 0
		for _, p := range g.parts {
			list, err := p.dicts[fieldText].PostingsList([]byte(t), p.Deleted(), nil)
			if err != nil {
				return nil, err
			}
			df += int(list.Count())
		}
		out = append(out, weighted{term: t, df: df, idf: idf(g.manifest.Articles, df)})
	}
	return out, nil
}

// score adds up the scores of all admitted documents that hold a term or a code.
func (g *generation) score(ctx context.Context, q *query, terms []weighted, admitted bitset) ([]float32, bitset, error) {
	scores := make([]float32, g.docs)
	found := newBitset(g.docs)
	var most float64
	for _, t := range terms {
		for _, f := range []struct {
			field  string
			weight float64
		}{{fieldText, 1}, {fieldTitle, titleWeight}} {
			most += t.idf * f.weight * (k1 + 1)
			if err := g.scoreTerm(ctx, f.field, t, f.weight, scores, found, admitted); err != nil {
				return nil, nil, err
			}
		}
	}
	for _, c := range q.codes {
		holders, err := g.holders(fieldCodes, c)
		if err != nil {
			return nil, nil, err
		}
		holders = slices.Clone(holders)
		holders.and(admitted)
		found.or(holders)
		for doc := range holders.all() {
			scores[doc] += float32(most + 1)
		}
	}
	return scores, found, nil
}

// lengthed is a posting that knows the length of its document's field in tokens.
type lengthed interface{ NormUint64() uint64 }

func (g *generation) scoreTerm(ctx context.Context, field string, t weighted, weight float64, scores []float32, found, admitted bitset) error {
	average := max(1, float64(g.manifest.Tokens[field])/float64(max(1, g.manifest.Articles)))
	factor := t.idf * weight * (k1 + 1)
	for _, p := range g.parts {
		list, err := p.dicts[field].PostingsList([]byte(t.term), p.Deleted(), nil)
		if err != nil {
			return err
		}
		it := list.Iterator(true, true, false, nil)
		for n := 0; ; n++ {
			if n&0xfff == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			posting, err := it.Next()
			if err != nil {
				return err
			}
			if posting == nil {
				break
			}
			doc := p.base + int(posting.Number())
			if !admitted.has(doc) {
				continue
			}
			tf := float64(posting.Frequency())
			length := average
			if l, ok := posting.(lengthed); ok {
				length = float64(l.NormUint64())
			}
			scores[doc] += float32(factor * tf / (tf + k1*(1-b+b*length/average)))
			found.add(doc)
		}
	}
	return nil
}

// page selects the documents of the page that the query asks for, best first, equal scores by article ID.
func (g *generation) page(scores []float32, found bitset, q *query) ([]scored, error) {
	all := make([]scored, 0, 256)
	for doc := range found.all() {
		all = append(all, scored{doc, float64(scores[doc])})
	}
	ids := map[int]string{}
	var failed error
	id := func(doc int) string {
		s, ok := ids[doc]
		if !ok {
			var err error
			if s, err = g.id(doc); err != nil {
				failed = err
			}
			ids[doc] = s
		}
		return s
	}
	slices.SortFunc(all, func(x, y scored) int {
		if c := cmp.Compare(y.score, x.score); c != 0 {
			return c
		}
		return cmp.Compare(id(x.doc), id(y.doc))
	})
	from := min(q.Offset, len(all))
	return all[from:min(from+q.Limit, len(all))], failed
}

// part returns the segment of a document and its number there.
func (g *generation) part(doc int) (part, uint64) {
	i, ok := slices.BinarySearchFunc(g.parts, doc, func(p part, doc int) int { return cmp.Compare(p.base, doc) })
	if !ok {
		i--
	}
	return g.parts[i], uint64(doc - g.parts[i].base)
}

// id is the article ID of a document.
func (g *generation) id(doc int) (string, error) {
	p, local := g.part(doc)
	id, err := p.DocID(local)
	return string(id), err
}

// load reads the stored article of a document.
func (g *generation) load(doc int) (prediag.Article, error) {
	var meta, body []byte
	p, local := g.part(doc)
	err := p.VisitDocument(local, func(field string, _ byte, value []byte, _ []uint64) bool {
		switch field {
		case storedMeta:
			meta = slices.Clone(value)
		case storedBody:
			body = slices.Clone(value)
		}
		return true
	})
	if err != nil {
		return prediag.Article{}, err
	}
	return decodeStored(meta, body)
}
