package kb

import (
	"cmp"
	"context"
	"slices"

	"prediag"
	"prediag/internal/text"
)

const (
	maxPassages     = 3
	maxPassageBytes = 1200
	maxWhy          = 10
	maxHitCodes     = 16
)

// hits reads the articles of a page and finds what in them speaks for the query.
func (g *generation) hits(ctx context.Context, q *query, page []scored, terms []weighted, mass float64) ([]prediag.Hit, error) {
	hits := make([]prediag.Hit, 0, len(page))
	m := newMatcher(terms, mass)
	for _, s := range page {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		a, err := g.load(s.doc)
		if err != nil {
			return nil, err
		}
		hits = append(hits, m.hit(q, &a, s.score))
	}
	return hits, nil
}

// matcher finds the terms of a query in articles.
type matcher struct {
	terms    []weighted // most informative first
	number   map[string]int
	mass     float64
	analyzer *analyzer
}

func newMatcher(terms []weighted, mass float64) *matcher {
	m := &matcher{terms: terms, number: make(map[string]int, len(terms)), mass: mass, analyzer: newAnalyzer()}
	for i, t := range terms {
		m.number[t.term] = i
	}
	return m
}

func (m *matcher) hit(q *query, a *prediag.Article, score float64) prediag.Hit {
	h := prediag.Hit{ArticleID: a.ID, Revision: a.Revision, Title: a.Title, URL: a.URL, Language: a.Language, Product: a.Product,
		Category: a.Category, Kind: a.Kind, Updated: a.Updated, Score: score}
	present := make([]bool, len(m.terms))
	m.count(a.Title, present)
	h.Passages = m.passages(a, present)
	var covered float64
	for _, c := range articleCodes(a) {
		if slices.Contains(q.codes, c) && len(h.Why) < maxWhy {
			h.Why = append(h.Why, c)
		}
	}
	for i, t := range m.terms {
		if !present[i] {
			continue
		}
		covered += t.weight
		if len(h.Why) < maxWhy {
			h.Why = append(h.Why, t.term)
		}
	}
	if m.mass > 0 {
		h.Coverage = min(1, covered/m.mass)
	}
	h.Codes = explanations(a, q.codes)
	h.Codes = h.Codes[:min(len(h.Codes), maxHitCodes)]
	return h
}

// count marks the terms that s holds and returns their frequencies and the number of tokens of s.
func (m *matcher) count(s string, present []bool) (freq map[int]int, length int) {
	terms := m.analyzer.terms(s)
	freq = map[int]int{}
	for _, t := range terms {
		if i, ok := m.number[t]; ok {
			freq[i]++
			present[i] = true
		}
	}
	return freq, len(terms)
}

// passages scores the sections of an article by BM25 against the query and returns the best.
func (m *matcher) passages(a *prediag.Article, present []bool) []prediag.Passage {
	sections := a.Sections
	if len(sections) == 0 {
		sections = []prediag.Section{{Span: prediag.Span{End: len(a.Body)}}}
	}
	type candidate struct {
		section int
		score   float64
	}
	var found []candidate
	for i, s := range sections {
		heading := s.Heading()
		headFreq, _ := m.count(heading, present)
		body, _ := s.Span.Of(a.Body)
		freq, length := m.count(body, present)
		for t, n := range headFreq {
			freq[t] += n
		}
		score := 0.0
		for t, n := range freq {
			tf := float64(n)
			score += m.terms[t].weight * tf * (k1 + 1) / (tf + k1*(1-b+b*float64(length)/sectionLength))
		}
		if score > 0 && body != "" {
			found = append(found, candidate{i, score})
		}
	}
	slices.SortStableFunc(found, func(x, y candidate) int { return cmp.Compare(y.score, x.score) })
	var out []prediag.Passage
	for _, c := range found[:min(len(found), maxPassages)] {
		s := sections[c.section]
		span := trim(a.Body, s.Span)
		out = append(out, prediag.Passage{Heading: s.Heading(), Span: span, Text: a.Body[span.Start:span.End], Score: c.score})
	}
	return out
}

// sectionLength is a usual section's length in tokens.
const sectionLength = 150

// trim shortens a span to about maxPassageBytes, at the end of a sentence.
func trim(body string, span prediag.Span) prediag.Span {
	if span.End-span.Start <= maxPassageBytes {
		return span
	}
	end := span.Start
	for _, s := range text.Sentences(body[span.Start:span.End]) {
		if s.End > maxPassageBytes && end > span.Start {
			break
		}
		end = span.Start + s.End
		if s.End >= maxPassageBytes {
			break
		}
	}
	span.End = end
	return span
}
