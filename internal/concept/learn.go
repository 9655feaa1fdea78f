package concept

import (
	"cmp"
	"math"
	"slices"
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

// vocabulary numbers terms.
type vocabulary struct {
	number map[string]int32
	terms  []string
	count  []int32 // segments that hold the term
}

func (v *vocabulary) set(terms []string) []int32 {
	if v.number == nil {
		v.number = map[string]int32{}
	}
	var out []int32
	for _, t := range terms {
		n, ok := v.number[t]
		if !ok {
			n = int32(len(v.terms))
			v.number[t] = n
			v.terms, v.count = append(v.terms, t), append(v.count, 0)
		}
		if !slices.Contains(out, n) {
			out = append(out, n)
			if len(out) == MaxSegmentTerms {
				break
			}
		}
	}
	slices.Sort(out)
	for _, n := range out {
		v.count[n]++
	}
	return out
}

// Add takes over a segment: its terms in the language, and in the pivot. It reports whether there is room for more.
func (l *Learner) Add(own, pivot []string) bool {
	if len(own) > 0 && len(pivot) > 0 && len(l.segments) < MaxSegments {
		l.segments = append(l.segments, segment{l.own.set(own), l.pivot.set(pivot)})
	}
	return len(l.segments) < MaxSegments
}

// link is a candidate pair with its probabilities.
type link struct {
	own, pivot    int32
	score         float64 // log-likelihood ratio
	forward, back float64
	expected      float64
}

// Edges are the edges that the segments prove, in no particular order. The terms that are the same in both languages,
// such as names, need none.
func (l *Learner) Edges(language string) []Edge {
	links := l.candidates()
	l.train(links, false)
	l.train(links, true)
	var out []Edge
	for _, k := range links {
		own, pivot := l.own.terms[k.own], l.pivot.terms[k.pivot]
		if own != pivot && max(k.forward, k.back) >= minForward && min(k.forward, k.back) >= minBack {
			out = append(out, Edge{language, own, pivot, k.forward, k.back})
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
			return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(l.pivot.terms[a.pivot], l.pivot.terms[b.pivot]))
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

// train is IBM model 1 on the candidate pairs: the probability of the pivot's term given that of the language, or the
// other way round. What no candidate of a segment explains is left to the empty word, which explains every term a little.
func (l *Learner) train(links []link, back bool) {
	given := func(k *link) int32 { return k.own }
	generated := func(k *link) int32 { return k.pivot }
	size := len(l.own.terms)
	if back {
		given, generated, size = generated, given, len(l.pivot.terms)
	}
	probability := func(k *link) *float64 {
		if back {
			return &k.back
		}
		return &k.forward
	}
	byOwn := index(links, len(l.own.terms))
	for i := range links {
		*probability(&links[i]) = 1.0 / maxCandidates
	}
	total := make([]float64, size)
	sums := map[int32]float64{}
	for range rounds {
		clear(total)
		for i := range links {
			links[i].expected = 0
		}
		for _, s := range l.segments {
			clear(sums)
			visit(links, byOwn, s, func(k *link) { sums[generated(k)] += *probability(k) })
			visit(links, byOwn, s, func(k *link) {
				share := *probability(k) / (sums[generated(k)] + emptyWord)
				k.expected += share
				total[given(k)] += share
			})
		}
		for i := range links {
			k := &links[i]
			*probability(k) = k.expected / max(total[given(k)], 1e-9)
		}
	}
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

// visit calls do for the links between the terms of a segment.
func visit(links []link, begin []int32, s segment, do func(*link)) {
	for _, own := range s.own {
		for i := begin[own]; i < begin[own+1]; i++ {
			if _, ok := slices.BinarySearch(s.pivot, links[i].pivot); ok {
				do(&links[i])
			}
		}
	}
}
