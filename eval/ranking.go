package eval

import (
	"cmp"
	"math"
	"slices"

	"prediag"
)

// Judged is one query's ranking beside its judgements: what the ranking measures are computed from. Make it with
// NewJudged.
//
// All ranking measures follow trec_eval: a grade of 1 or more is relevant, a document without judgement is not, and a
// query without any relevant document scores 0.
type Judged struct {
	grades      []int // of the ranked documents, best first; unjudged ones have notJudged
	ideal       []int // the relevant documents' grades, highest first
	notRelevant int   // documents judged not relevant
}

// notJudged marks documents that the pool does not hold or that were left unjudged in it.
const notJudged = -1

// NewJudged ranks the documents of one query (score descending, ties by ID descending) and looks up their grades.
func NewJudged(docs []ScoredDoc, grades map[string]int) Judged {
	var j Judged
	for _, d := range rank(docs) {
		g, ok := grades[d.ID]
		if !ok || g < 0 {
			g = notJudged
		}
		j.grades = append(j.grades, g)
	}
	for _, g := range grades {
		switch {
		case g > 0:
			j.ideal = append(j.ideal, g)
		case g == 0:
			j.notRelevant++
		}
	}
	slices.SortFunc(j.ideal, func(a, b int) int { return cmp.Compare(b, a) })
	return j
}

// Relevant is the number of documents judged relevant.
func (j Judged) Relevant() int { return len(j.ideal) }

// top returns the grades of the first k documents.
func (j Judged) top(k int) []int { return j.grades[:min(k, len(j.grades))] }

// found is the number of relevant documents among the first k.
func (j Judged) found(k int) int {
	n := 0
	for _, g := range j.top(k) {
		if g > 0 {
			n++
		}
	}
	return n
}

// NDCG is nDCG@k with the grade itself as gain and a discount of log2(rank+1), as trec_eval's ndcg_cut.
//
// Definition: Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, 2002, with the discount of
// Burges et al. 2005.
func (j Judged) NDCG(k int) float64 {
	if len(j.ideal) == 0 {
		return 0
	}
	return gain(j.top(k)) / gain(j.ideal[:min(k, len(j.ideal))])
}

func gain(grades []int) float64 {
	var sum float64
	for i, g := range grades {
		if g > 0 {
			sum += float64(g) / math.Log2(float64(i+2))
		}
	}
	return sum
}

// ReciprocalRank is 1 over the rank of the first relevant document among the first k, 0 when there is none. Its mean is
// MRR@k; trec_eval's recip_rank has no cut.
func (j Judged) ReciprocalRank(k int) float64 {
	for i, g := range j.top(k) {
		if g > 0 {
			return 1 / float64(i+1)
		}
	}
	return 0
}

// AveragePrecision is the sum of the precisions at the ranks of the relevant documents that were found, over the number
// of all relevant ones. Its mean is MAP, as trec_eval's map.
func (j Judged) AveragePrecision() float64 {
	var sum float64
	found := 0
	for i, g := range j.grades {
		if g > 0 {
			found++
			sum += float64(found) / float64(i+1)
		}
	}
	if len(j.ideal) == 0 {
		return 0
	}
	return sum / float64(len(j.ideal))
}

// Precision is P@k: the relevant ones among the first k, over k even when fewer were returned, as trec_eval's P.
func (j Judged) Precision(k int) float64 { return zeroRatio(j.found(k), k) }

// Recall is R@k: the share of the relevant documents that stand among the first k, as trec_eval's recall.
func (j Judged) Recall(k int) float64 { return zeroRatio(j.found(k), len(j.ideal)) }

// Success is success@k: 1 when a relevant document stands among the first k, else 0, as trec_eval's success.
func (j Judged) Success(k int) float64 {
	if j.found(k) > 0 {
		return 1
	}
	return 0
}

// BPref is the share of preferences "relevant before judged not relevant" that the ranking keeps; unjudged documents do
// not count, as trec_eval's bpref.
//
// Definition: Buckley and Voorhees, Retrieval evaluation with incomplete information, 2004.
func (j Judged) BPref() float64 {
	relevant := len(j.ideal)
	var sum float64
	above := 0 // judged not relevant, so far
	for _, g := range j.grades {
		switch {
		case g == 0:
			above++
		case g > 0 && above == 0:
			sum++
		case g > 0:
			sum += 1 - float64(min(above, relevant))/float64(min(j.notRelevant, relevant))
		}
	}
	if relevant == 0 {
		return 0
	}
	return sum / float64(relevant)
}

func invalidScore(query string, d ScoredDoc) error {
	return prediag.Invalid("SCORE_INVALID", "score", "the score of document "+d.ID+" for query "+query+" is not a finite number; mend the searcher")
}
