package kb

import (
	"prediag"
	"prediag/internal/lang"
)

// marker finds the words of a query in the texts of hits.
type marker struct {
	a     *analyzer
	terms map[string]bool
}

// newMarker marks the terms that are scored and what stands for them in other languages, function words left out.
func newMarker(a *analyzer, terms []weighted) *marker {
	m := &marker{a: a, terms: make(map[string]bool, len(terms))}
	for _, t := range terms {
		if t.share == 1 || t.rigid {
			m.terms[t.term] = true
		}
		for _, alt := range t.alts {
			m.terms[alt.term] = true
		}
	}
	return m
}

// mark fills in the marks of a hit.
func (m *marker) mark(h *prediag.Hit) {
	m.a.speak(lang.Base(h.Language))
	h.Marks = m.marks(h.Title)
	for i := range h.Passages {
		h.Passages[i].Marks = m.marks(h.Passages[i].Text)
	}
}

// marks are the spans of text that the terms stand at, in order. Spans that meet or overlap, as those of pairs of
// characters do, are one.
func (m *marker) marks(text string) []prediag.Span {
	var out []prediag.Span
	for i, t := range m.a.terms(text) {
		if !m.terms[t] {
			continue
		}
		span := prediag.Span{Start: m.a.starts[i], End: m.a.ends[i]}
		if n := len(out); n > 0 && span.Start <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, span.End)
			continue
		}
		out = append(out, span)
	}
	return out
}
