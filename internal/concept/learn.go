package concept

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Limits of learning: they bound its time and memory whatever the pages are.
const (
	// MaxSegmentTerms is the number of distinct terms of a segment that count.
	MaxSegmentTerms = 64
	// MaxSegments of one language are learned from.
	MaxSegments = 30_000

	maxCandidates = 16    // terms of the other language that a term may be related to
	significance  = 19.51 // of the log-likelihood ratio: chi-square with one degree of freedom, p = 0.00001, for many pairs are looked at
	rounds        = 5     // of the EM algorithm
	minForward    = 0.1   // least probability of an edge in one direction
	minBack       = 0.02  // and in the other
)

// Learner relates the terms of one language to those of the pivot, from segments that say the same in both.
//
// Candidates are the pairs of terms that stand in corresponding segments significantly more often than by chance, by the
// log-likelihood ratio (Dunning 1993, "Accurate methods for the statistics of surprise and coincidence"; Moore 2004, "On
// log-likelihood-ratios and the significance of rare events"). Among them IBM model 1 (Brown et al. 1993, "The mathematics
// of statistical machine translation") decides, learned each way; an edge must be likely both ways. The result depends on
// the segments only, not on their order beyond the limits.
type Learner struct {
	own, pivot vocabulary
	segments   []segment
}

type segment struct{ own, pivot []int32 } // distinct terms, rising

// NewLearner returns a learner from segments of b, which only grows meanwhile.
func NewLearner(b *Bitext) *Learner {
	return &Learner{own: vocabulary{of: b}, pivot: vocabulary{of: b}}
}

// vocabulary numbers the terms of a bitext that segments hold.
type vocabulary struct {
	of     *Bitext
	number []int32 // by number in the bitext, plus one; 0: none
	terms  []int32 // numbers in the bitext
	count  []int32 // segments that hold the term
}

func (v *vocabulary) set(terms []int32) []int32 {
	if len(v.number) < len(v.of.terms) {
		v.number = append(v.number, make([]int32, len(v.of.terms)-len(v.number))...)
	}
	out := make([]int32, len(terms))
	for i, t := range terms {
		if v.number[t] == 0 {
			v.terms, v.count = append(v.terms, t), append(v.count, 0)
			v.number[t] = int32(len(v.terms))
		}
		out[i] = v.number[t] - 1
	}
	slices.Sort(out)
	for _, n := range out {
		v.count[n]++
	}
	return out
}

func (v *vocabulary) term(n int32) string { return v.of.terms[v.terms[n]] }

// Add takes over a segment; one that has no terms on a side teaches nothing.
func (l *Learner) Add(s Segment) {
	if len(s.Own) > 0 && len(s.Pivot) > 0 && !l.Full() {
		l.segments = append(l.segments, segment{l.own.set(s.Own), l.pivot.set(s.Pivot)})
	}
}

// Full reports whether further segments are left out.
func (l *Learner) Full() bool { return len(l.segments) >= MaxSegments }

// link is a candidate pair.
type link struct {
	own, pivot int32
	score      float64 // log-likelihood ratio
}

// Edges are the edges that the segments prove, in no particular order. The terms that are the same in both languages,
// such as names, need none.
func (l *Learner) Edges(language string) []Edge {
	links := l.candidates()
	between := l.between(links)
	owns, pivots := make([]int32, len(links)), make([]int32, len(links))
	for i, k := range links {
		owns[i], pivots[i] = k.own, k.pivot
	}
	forward, back := l.train(owns, pivots, between), l.train(pivots, owns, between)
	var out []Edge
	for i, k := range links {
		own, pivot := l.own.term(k.own), l.pivot.term(k.pivot)
		if own != pivot && max(forward[i], back[i]) >= minForward && min(forward[i], back[i]) >= minBack {
			out = append(out, Edge{language, own, pivot, forward[i], back[i]})
		}
	}
	return out
}

// candidates are the significant pairs, by own and pivot. A term keeps the best of its pairs from either side.
func (l *Learner) candidates() []link {
	holders := make([][]int32, len(l.own.terms)) // segments by term
	for i, s := range l.segments {
		for _, t := range s.own {
			holders[t] = append(holders[t], int32(i))
		}
	}
	var links []link
	together := make([]int32, len(l.pivot.terms))
	var seen []int32
	for own, in := range holders {
		if len(in) < 2 {
			continue
		}
		seen = seen[:0]
		for _, i := range in {
			for _, p := range l.segments[i].pivot {
				if together[p]++; together[p] == 1 {
					seen = append(seen, p)
				}
			}
		}
		from := len(links)
		for _, p := range seen {
			if n := together[p]; n > 1 {
				if score := ratio(float64(n), float64(len(in)), float64(l.pivot.count[p]), float64(len(l.segments))); score >= significance {
					links = append(links, link{own: int32(own), pivot: p, score: score})
				}
			}
			together[p] = 0
		}
		best := links[from:]
		slices.SortFunc(best, func(a, b link) int {
			return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(l.pivot.term(a.pivot), l.pivot.term(b.pivot)))
		})
		links = links[:from+min(len(best), maxCandidates)]
	}
	return links
}

// ratio is the log-likelihood ratio of two terms that stand in a and b of n segments, together in both; 0 where that is
// less often than by chance.
func ratio(both, a, b, n float64) float64 {
	if both*n <= a*b {
		return 0
	}
	sum := 0.0
	for _, c := range [...][3]float64{{both, a, b}, {a - both, a, n - b}, {b - both, n - a, b}, {n - a - b + both, n - a, n - b}} {
		if c[0] > 0 {
			sum += c[0] * math.Log(c[0]*n/(c[1]*c[2]))
		}
	}
	return 2 * sum
}

// train is IBM model 1 on links that lead from one term to another, given by the terms' numbers: the probability of the
// second given the first. What no link of a segment explains is left to the empty word, which explains every term a little.
// between gives the numbers of the links between the terms of a segment.
func (l *Learner) train(from, to []int32, between func(segment int) []int32) []float64 {
	probability, expected := make([]float64, len(from)), make([]float64, len(from))
	for i := range probability {
		probability[i] = 1.0 / maxCandidates
	}
	terms := max(len(l.own.terms), len(l.pivot.terms))
	total := make([]float64, terms) // by first term
	sums := make([]float64, terms)  // by second term; zero between segments
	for range rounds {
		clear(total)
		clear(expected)
		for s := range l.segments {
			in := between(s)
			for _, i := range in {
				sums[to[i]] += probability[i]
			}
			for _, i := range in {
				share := probability[i] / (sums[to[i]] + emptyWord)
				expected[i] += share
				total[from[i]] += share
			}
			for _, i := range in {
				sums[to[i]] = 0
			}
		}
		for i := range probability {
			probability[i] = expected[i] / max(total[from[i]], 1e-9)
		}
	}
	return probability
}

// emptyWord is the probability with which the empty word gives any term.
const emptyWord = 0.02

// index says where the links of each term begin.
func index(links []link, terms int) []int32 {
	begin := make([]int32, terms+1)
	for _, k := range links {
		begin[k.own+1]++
	}
	for i := range terms {
		begin[i+1] += begin[i]
	}
	return begin
}

// between lists for each segment the numbers of the links between its terms.
func (l *Learner) between(links []link) func(segment int) []int32 {
	begin := index(links, len(l.own.terms))
	ends := make([]int, 1, len(l.segments)+1)
	var all []int32
	for _, s := range l.segments {
		for _, own := range s.own {
			for i := begin[own]; i < begin[own+1]; i++ {
				if _, ok := slices.BinarySearch(s.pivot, links[i].pivot); ok {
					all = append(all, i)
				}
			}
		}
		ends = append(ends, len(all))
	}
	return func(segment int) []int32 { return all[ends[segment]:ends[segment+1]] }
}
