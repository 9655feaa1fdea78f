package kb

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"prediag"
	"prediag/internal/vector"
)

const (
	nearDepth         = 200                    // articles that vectors bring into the ranking
	nearWeightDefault = 0.1                    // see Embedding.Weight; docs/search.md says how it was chosen
	nearWait          = 500 * time.Millisecond // longest search among the vectors
)

// neighbourhood is what join needs to know of a search.
type neighbourhood struct {
	admitted bitset
	found    bitset  // gets what vectors find
	mass     float64 // the query's information
}

// join brings the articles whose vectors are nearest to the query's into a ranking by words. The nearest gains the weight times the
// best score for words or, where words found little, the query's information; the last of nearDepth gains nothing, those between
// in proportion to their similarity. An article that words
// ranked behind what the second stage looked at keeps its score there. Where the vectors are not to be had in time the ranking
// stays, and the results say so.
func (r *reader) join(ctx context.Context, q *query, all []candidate, s *scores, n neighbourhood, results *prediag.Results) ([]candidate, error) {
	if q.vector == nil {
		return all, nil
	}
	matches, err := r.nearVectors(ctx, q.vector, n.admitted)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err != nil {
		q.vector.lane.failed.Add(1)
		results.Degraded = append(results.Degraded, prediag.DegradedEmbeddings)
		return all, nil
	}
	if len(matches) == 0 {
		return all, nil
	}
	best, least := n.mass, math.Inf(1)
	at := make(map[int]int, len(all))
	for i, c := range all {
		at[c.doc] = i
		best = max(best, c.words)
		if i < q.depth {
			least = min(least, c.score)
		}
	}
	if best == 0 {
		best = 1
	}
	first, last := matches[0].Similarity, matches[len(matches)-1].Similarity
	for _, m := range matches {
		i, ok := at[m.Doc]
		if !ok {
			c := candidate{scored: scored{doc: m.Doc}, codes: float64(s.codes[m.Doc])}
			if c.id, err = r.id(m.Doc); err != nil {
				return nil, err
			}
			if s.found.has(m.Doc) {
				c.score = min(float64(r.total(&s.cells[m.Doc], m.Doc, s)), least)
			}
			n.found.add(m.Doc)
			i = len(all)
			all = append(all, c)
		}
		all[i].near = &m
		all[i].score += q.vector.weight * best * share(m.Similarity, last, first)
	}
	for i := range all {
		if all[i].id == "" {
			if all[i].id, err = r.id(all[i].doc); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { // what explains a code stays before all that does not
		return cmp.Or(cmp.Compare(min(1, b.codes), min(1, a.codes)), cmp.Compare(b.score, a.score), strings.Compare(a.id, b.id))
	})
	return all, nil
}

// share is where x lies between two numbers, 0 to 1.
func share(x, from, to float64) float64 {
	if to <= from {
		return 1
	}
	return (x - from) / (to - from)
}

// nearVectors waits for the query's vector and searches among those of the admitted articles.
func (r *reader) nearVectors(ctx context.Context, a *asked, admitted bitset) ([]vector.Match, error) {
	v, err := a.wait()
	if err != nil || v == nil {
		return nil, err
	}
	ctx, cancel := withinShare(ctx, nearWait)
	defer cancel()
	return r.vectors.Search(ctx, v, admitted, nearDepth)
}

// explainNear adds to a hit how near its vector is, and where words led to no passage the piece that is.
func explainNear(hit *prediag.Hit, c candidate, a *prediag.Article) {
	if c.near == nil {
		return
	}
	hit.Why = append(hit.Why[:min(len(hit.Why), maxWhy-1)], fmt.Sprintf("dense %.2f", c.near.Similarity))
	pieces := piecesOf(a)
	if len(hit.Passages) > 0 || c.near.Piece >= len(pieces) {
		return
	}
	p := pieces[c.near.Piece]
	if span := trim(a.Body, p.span); span.End > span.Start {
		hit.Passages = []prediag.Passage{{Heading: p.path, Span: span, Text: a.Body[span.Start:span.End]}}
	}
}
