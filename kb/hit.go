package kb

import (
	"cmp"
	"context"
	"fmt"
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
func (r *reader) hits(ctx context.Context, q *query, page []candidate, s *scores, terms []weighted, mass float64) ([]prediag.Hit, error) {
	hits := make([]prediag.Hit, 0, len(page))
	m := &matcher{terms: terms, mass: mass, freq: make([]int, len(terms)), finder: &r.reranker.finder}
	marks := newMarker(r.analyzer, terms)
	for _, c := range page {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		a, f, err := r.loadAll(c.doc)
		if err != nil {
			return nil, err
		}
		hit, err := m.hit(q, &a, &f, s.cells[c.doc].mask)
		if err != nil {
			return nil, err
		}
		if err := r.explain(&hit, m, c, s); err != nil {
			return nil, err
		}
		explainNear(&hit, c, &a)
		hit.Why = q.readable(hit.Why)
		hit.Score = c.score
		if q.Highlight {
			marks.mark(&hit)
		}
		hits = append(hits, hit)
	}
	return hits, nil
}

// matcher finds the terms of a query in articles.
type matcher struct {
	terms   []weighted // most informative first
	mass    float64
	finder  *finder
	matches []match // reused
	freq    []int   // reused
}

// hit is an article that holds the terms in mask as a search result, but for its score.
func (m *matcher) hit(q *query, a *prediag.Article, f *forward, mask uint32) (prediag.Hit, error) {
	h := prediag.Hit{ArticleID: a.ID, Revision: a.Revision, Title: a.Title, URL: a.URL, Language: a.Language, Product: a.Product,
		Category: a.Category, Kind: a.Kind, Group: a.Group, Updated: a.Updated}
	var covered float64
	if len(q.codes) > 0 {
		for _, c := range articleCodes(a) {
			if slices.Contains(q.codes, c) && len(h.Why) < maxWhy {
				h.Why = append(h.Why, c)
			}
		}
	}
	for i, t := range m.terms {
		if mask&(1<<i) == 0 {
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
	var err error
	h.Passages, err = m.passages(a, f, mask)
	return h, err
}

// count adds the frequencies of the terms in a part of a record to m.freq, and returns the part's length in terms.
func (m *matcher) count(f *forward, part []byte) int {
	m.matches = m.finder.find(m.matches[:0], part, f.width, 0)
	for _, x := range m.matches {
		m.freq[x.term]++
	}
	return f.tokens(part)
}

// passages scores the sections of an article by BM25 against the query and returns the best.
func (m *matcher) passages(a *prediag.Article, f *forward, mask uint32) ([]prediag.Passage, error) {
	type candidate struct {
		section int
		score   float64
	}
	var found []candidate
	m.finder.begin(f, mask)
	number := 0
	err := f.visitSections(func(s section) {
		clear(m.freq)
		length := m.count(f, s.body)
		for _, h := range s.headings {
			length += m.count(f, h)
		}
		if score := m.score(length); score > 0 {
			found = append(found, candidate{number, score})
		}
		number++
	})
	sections := sectionsOf(a)
	if err == nil && number > len(sections) {
		err = fmt.Errorf("forward record: %d sections where the article has %d: %w", number, len(sections), prediag.ErrDamaged)
	}
	if err != nil {
		return nil, fmt.Errorf("article %q: %w", a.ID, err)
	}
	slices.SortStableFunc(found, func(x, y candidate) int { return cmp.Compare(y.score, x.score) })
	var out []prediag.Passage
	for _, c := range found {
		if len(out) == maxPassages {
			break
		}
		s := sections[c.section]
		if span := trim(a.Body, s.Span); span.End > span.Start {
			out = append(out, prediag.Passage{Heading: s.Heading(), Span: span, Text: a.Body[span.Start:span.End], Score: c.score})
		}
	}
	return out, nil
}

// sectionsOf are the sections of an article, at least one.
func sectionsOf(a *prediag.Article) []prediag.Section {
	if len(a.Sections) == 0 {
		return []prediag.Section{{Span: prediag.Span{End: len(a.Body)}}}
	}
	return a.Sections
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
