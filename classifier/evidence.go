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
	key    uint64 // place, then number of the occurrence: sorting by it keeps the order of the sums
	at     place
	weight float64
}

// evidence lists the strongest reasons for the label at position best.
//
// For one ticket the set of hidden units that are on is fixed, and within it the networks are linear: the logit of the
// label against the mean of the others is exactly the sum of one contribution per feature and a constant. Features
// that cover the same words are added up.
func (s *scratch) evidence(m *Model, h *head, best int, text string) []prediag.Evidence {
	k := len(h.labels)
	if k < 2 || len(s.vec.ids) == 0 {
		return nil
	}
	s.parts = append(s.parts[:0], make([]float32, len(s.vec.ids))...)
	s.toward(&h.layer, s.hidden, k, best)
	s.along(m.embed)
	for i := range h.more {
		s.toward(&h.more[i], s.others[i], k, best)
		s.along(m.more[i])
	}
	if h.wide != nil {
		s.towardLabel(h.wide.hidden, k, best)
		s.along(h.wide)
	}
	z := s.vectoriser
	for i := range s.parts {
		s.parts[i] /= h.temperature * float32(z.times[i])
	}
	s.shares = s.shares[:0]
	for i, at := range z.places {
		if at >= 0 {
			o := s.list[i]
			key := uint64(o.from)<<44 | uint64(o.to-o.from)<<32 | uint64(i)
			s.shares = append(s.shares, share{key, place{o.from, o.to}, float64(s.parts[at])})
		}
	}
	return s.strongest(text)
}

// along adds what each feature contributes on the way through e.
func (s *scratch) along(e *embedding) {
	for i, id := range s.vec.ids {
		s.parts[i] += s.vec.vals[i] * e.along(id, &s.way)
	}
}

// toward sets the way to the weights of the label against the mean of the others, for the hidden units that are on.
func (s *scratch) toward(l *layer, hidden []float32, labels, best int) {
	n := len(hidden)
	s.u = append(s.u[:0], l.weights[best*n:(best+1)*n]...)
	for c := range labels {
		if c != best {
			axpy(-1/float32(labels-1), l.weights[c*n:(c+1)*n], s.u)
		}
	}
	for j, x := range hidden {
		if x <= 0 {
			s.u[j] = 0
		}
	}
	s.way.set(s.u)
}

// towardLabel sets the way to a unit that is the label itself.
func (s *scratch) towardLabel(units, labels, best int) {
	s.u = s.u[:0]
	for c := range units {
		switch {
		case c == best:
			s.u = append(s.u, 1)
		case c < labels:
			s.u = append(s.u, -1/float32(labels-1))
		default:
			s.u = append(s.u, 0)
		}
	}
	s.way.set(s.u)
}

// strongest adds up the shares of equal places and puts the largest sums into words.
func (s *scratch) strongest(text string) []prediag.Evidence {
	slices.SortFunc(s.shares, func(a, b share) int { return cmp.Compare(a.key, b.key) })
	sums := s.shares[:0]
	for _, x := range s.shares {
		if n := len(sums); n > 0 && sums[n-1].at == x.at {
			sums[n-1].weight += x.weight
			continue
		}
		sums = append(sums, x)
	}
	s.parts = s.parts[:0]
	for _, x := range sums {
		s.parts = append(s.parts, float32(math.Abs(x.weight)))
	}
	var out []prediag.Evidence
	for _, i := range top(s.parts, maxEvidence) {
		x := sums[i]
		out = append(out, prediag.Evidence{Kind: prediag.EvidenceNGram, Text: s.extractor.quote(x.at, text), Weight: x.weight})
	}
	return out
}

// near is how many bytes may lie between two words that are quoted in one piece.
const near = 2

// quote returns the words at a place as they stand in the text, in one piece when they are neighbours.
func (x *extractor) quote(at place, text string) string {
	a, b := x.units[at.from], x.units[at.to]
	if a.name != "" {
		return a.name
	}
	if b.start-a.end <= near {
		s, _ := prediag.Span{Start: a.start, End: b.end}.Of(text)
		return s
	}
	s, _ := prediag.Span{Start: a.start, End: a.end}.Of(text)
	e, _ := prediag.Span{Start: b.start, End: b.end}.Of(text)
	return s + " … " + e
}
