package classifier

import (
	"cmp"
	"math"
	"slices"

	"prediag"
)

// evidence lists the strongest reasons for the label at position best: every feature's exact contribution to the
// label's logit against the mean of the other labels, summed over the features that cover the same words.
func (h *head) evidence(best int, list []occurrence, v vector, s *scratch, text string) []prediag.Evidence {
	k := len(h.labels)
	if k < 2 {
		return nil
	}
	z := s.vectoriser
	type place struct{ from, to int32 }
	sums := map[place]float64{}
	var order []place
	for _, o := range list {
		id := z.vocab.find(o.hash)
		if id < 0 {
			continue
		}
		w := h.scale[id]*float32(h.weights[int(id)*k+best]) - h.mean[id]
		part := float64(v.vals[z.at[id]]*w) * float64(k) / float64(k-1) / float64(z.count(id, list)) / float64(h.temperature)
		at := place{o.from, o.to}
		if _, ok := sums[at]; !ok {
			order = append(order, at)
		}
		sums[at] += part
	}
	slices.SortStableFunc(order, func(a, b place) int { return cmp.Compare(math.Abs(sums[b]), math.Abs(sums[a])) })
	var out []prediag.Evidence
	for _, at := range order[:min(len(order), maxEvidence)] {
		out = append(out, prediag.Evidence{Kind: prediag.EvidenceNGram, Text: s.extractor.quote(at.from, at.to, text), Weight: sums[at]})
	}
	return out
}

func (z *vectoriser) count(int32, []occurrence) int { return 1 }

// quote returns the words from unit to unit as they stand in the text: in one piece when they are neighbours.
func (x *extractor) quote(from, to int32, text string) string {
	a, b := x.units[from], x.units[min(int(to), len(x.units)-1)]
	if to <= from+1 {
		s, _ := prediag.Span{Start: a.start, End: b.end}.Of(text)
		return s
	}
	s, _ := prediag.Span{Start: a.start, End: a.end}.Of(text)
	e, _ := prediag.Span{Start: b.start, End: b.end}.Of(text)
	return s + " … " + e
}
