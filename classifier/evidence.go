package classifier

import (
	"cmp"
	"math"
	"slices"

	"prediag"
)

// place is the range of units that a feature covers.
type place struct{ from, to int32 }

// share is what the features at one place contribute.
type share struct {
	at     place
	weight float64
}

// evidence lists the strongest reasons for the label at position best.
//
// For one ticket the set of hidden units that are on is fixed, and within it the network is linear: the logit of the
// label against the mean of the others is exactly the sum of one contribution per feature and a constant. Features
// that cover the same words are added up.
func (s *scratch) evidence(m *Model, h *head, best int, text string) []prediag.Evidence {
	k := len(h.labels)
	if k < 2 || len(s.vec.ids) == 0 {
		return nil
	}
	s.direction(h, best)
	z := s.vectoriser
	s.parts = s.parts[:0]
	for i, id := range s.vec.ids {
		s.parts = append(s.parts, s.vec.vals[i]*m.embed.along(id, s.u)/h.temperature/float32(z.times[i]))
	}
	s.shares = s.shares[:0]
	for i, at := range z.places {
		if at >= 0 {
			o := s.list[i]
			s.shares = append(s.shares, share{place{o.from, o.to}, float64(s.parts[at])})
		}
	}
	return s.strongest(text)
}

// direction sets u to the weights of the label against the mean of the others, for the hidden units that are on.
func (s *scratch) direction(h *head, best int) {
	k, n := len(h.labels), len(s.hidden)
	s.u = append(s.u[:0], h.layer.weights[best*n:(best+1)*n]...)
	for c := range k {
		if c != best {
			axpy(-1/float32(k-1), h.layer.weights[c*n:(c+1)*n], s.u)
		}
	}
	for j, x := range s.hidden {
		if x <= 0 {
			s.u[j] = 0
		}
	}
}

// strongest adds up the shares of equal places and puts the largest sums into words.
func (s *scratch) strongest(text string) []prediag.Evidence {
	slices.SortStableFunc(s.shares, func(a, b share) int {
		return cmp.Or(cmp.Compare(a.at.from, b.at.from), cmp.Compare(a.at.to, b.at.to))
	})
	sums := s.shares[:0]
	for _, x := range s.shares {
		if n := len(sums); n > 0 && sums[n-1].at == x.at {
			sums[n-1].weight += x.weight
			continue
		}
		sums = append(sums, x)
	}
	slices.SortStableFunc(sums, func(a, b share) int { return cmp.Compare(math.Abs(b.weight), math.Abs(a.weight)) })
	var out []prediag.Evidence
	for _, x := range sums[:min(len(sums), maxEvidence)] {
		out = append(out, prediag.Evidence{Kind: prediag.EvidenceNGram, Text: s.extractor.quote(x.at, text), Weight: x.weight})
	}
	return out
}

// near is how many bytes may lie between two words that are quoted in one piece.
const near = 2

// quote returns the words at a place as they stand in the text, in one piece when they are neighbours.
func (x *extractor) quote(at place, text string) string {
	a, b := x.units[at.from], x.units[at.to]
	if b.start-a.end <= near {
		s, _ := prediag.Span{Start: a.start, End: b.end}.Of(text)
		return s
	}
	s, _ := prediag.Span{Start: a.start, End: a.end}.Of(text)
	e, _ := prediag.Span{Start: b.start, End: b.end}.Of(text)
	return s + " … " + e
}
