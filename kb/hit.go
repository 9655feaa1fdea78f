package kb

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"

	"prediag"
	"prediag/internal/text"
)

const (
	maxPassages     = 3
	maxPassageBytes = 1200
	maxWhy          = 10
	maxHitCodes     = 16
	maxScannedBytes = 256 << 10 // of an article's body that passages are looked for in
)

// hits reads the articles of a page and finds what in them speaks for the query.
func (r *reader) hits(ctx context.Context, q *query, page []candidate, terms []weighted, mass float64) ([]prediag.Hit, error) {
	hits := make([]prediag.Hit, 0, len(page))
	m := newMatcher(terms, mass, r.analyzer)
	for _, c := range page {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if c.article.ID == "" { // behind those that the second stage read
			var err error
			if c.article, err = r.load(c.doc); err != nil {
				return nil, err
			}
		}
		hits = append(hits, m.hit(q, &c.article, c.score))
	}
	return hits, nil
}

// matcher finds the terms of a query in articles.
type matcher struct {
	terms    []weighted // most informative first
	number   map[string]int
	mass     float64
	analyzer *analyzer
	freq     []int // reused
}

func newMatcher(terms []weighted, mass float64, a *analyzer) *matcher {
	m := &matcher{terms: terms, number: make(map[string]int, len(terms)), mass: mass, analyzer: a, freq: make([]int, len(terms))}
	for i, t := range terms {
		m.number[t.term] = i
	}
	return m
}

func (m *matcher) hit(q *query, a *prediag.Article, score float64) prediag.Hit {
	h := prediag.Hit{ArticleID: a.ID, Revision: a.Revision, Title: a.Title, URL: a.URL, Language: a.Language, Product: a.Product,
		Category: a.Category, Kind: a.Kind, Group: a.Group, Updated: a.Updated, Score: score}
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
			h.Why = append(h.Why, t.word)
		}
	}
	if m.mass > 0 {
		h.Coverage = min(1, covered/m.mass)
	}
	h.Codes = explanations(a, q.codes)
	h.Codes = h.Codes[:min(len(h.Codes), maxHitCodes)]
	return h
}

// count adds the frequencies of the terms in s to m.freq, marks those that s holds, and returns the length of s in terms.
func (m *matcher) count(s string, present []bool) int {
	terms := m.analyzer.terms(s)
	for _, t := range terms {
		if i, ok := m.number[t]; ok {
			m.freq[i]++
			present[i] = true
		}
	}
	return len(terms)
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
		if s.Span.Start > maxScannedBytes {
			break
		}
		body, _ := s.Span.Of(a.Body)
		body = cutBytes(body, maxScannedBytes)
		clear(m.freq)
		length := m.count(s.Heading(), present) + m.count(body, present)
		score := m.score(length)
		if score > 0 && strings.TrimSpace(body) != "" {
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

// score is BM25 of a section of the given length whose frequencies are in m.freq.
func (m *matcher) score(length int) float64 {
	sum := 0.0
	for t, n := range m.freq {
		if n > 0 {
			tf := float64(n)
			sum += m.terms[t].weight * tf * (passageK1 + 1) / (tf + passageK1*(1-passageB+passageB*float64(length)/sectionLength))
		}
	}
	return sum
}

// BM25's parameters for sections, which differ less in length than articles do.
const (
	passageK1 = 1.2
	passageB  = 0.75
)

// sectionLength is a usual section's length in tokens.
const sectionLength = 150

// trim takes the white space off a span's ends and shortens it to about maxPassageBytes, at the end of a sentence.
func trim(body string, span prediag.Span) prediag.Span {
	part := body[span.Start:span.End]
	span.Start += len(part) - len(strings.TrimLeftFunc(part, unicode.IsSpace))
	part = strings.TrimSpace(part)
	span.End = span.Start + len(part)
	if len(part) <= maxPassageBytes {
		return span
	}
	part = cutBytes(part, 2*maxPassageBytes)
	end := 0
	for _, s := range text.Sentences(part) {
		if s.End > maxPassageBytes && end > 0 {
			break
		}
		end = s.End
	}
	if end == 0 || end == len(part) {
		end = len(cutBytes(part, maxPassageBytes)) // no sentence ends in reach
	}
	span.End = span.Start + end
	return span
}
