package eval

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"prediag"
	"prediag/internal/text"
)

// Twin is a pair of examples with the same or nearly the same text.
type Twin struct {
	A          string `json:"a"` // ID of the ticket, or "#n" for the n-th example
	B          string `json:"b"`
	Similarity Number `json:"similarity"` // share of common tokens of all tokens (Jaccard), 1: the same tokens
	Conflict   bool   `json:"conflict"`   // their labels for the field differ
}

// LeakReport says how much of a test set stands in the training set already.
type LeakReport struct {
	Test  int    `json:"test"`  // examples of the test set
	Exact int    `json:"exact"` // test examples that stand in training word for word
	Near  int    `json:"near"`  // test examples with a nearly same text, the exact ones included
	Twins []Twin `json:"twins"` // the nearest training example of each of these: A of training, B of test
}

// Leakage finds the test examples whose text stands in the training set: word for word after folding case, width and
// white space, or with a share of common tokens (words, and character bigrams where a script has no spaces) of at least the threshold, over 0.5 and
// up to 1. The field tells which labels are held against each other.
//
// Method: exact set-similarity join with prefix filtering; Chaudhuri, Ganti and Kaushik 2006, Bayardo, Ma and Srikant 2007.
func Leakage(ctx context.Context, train, test []prediag.Example, field string, threshold float64) (LeakReport, error) {
	if !(threshold > 0.5 && threshold <= 1) {
		return LeakReport{}, prediag.Invalid("THRESHOLD_INVALID", "threshold", fmt.Sprintf("the threshold %v must be over 0.5 and at most 1", threshold))
	}
	index := newTwinIndex(train, test, threshold)
	verbatim := map[string]bool{}
	for _, e := range train {
		verbatim[folded(e)] = true
	}
	r := LeakReport{Test: len(test)}
	for i, e := range test {
		if err := ctx.Err(); err != nil {
			return LeakReport{}, fmt.Errorf("leakage: %w", err)
		}
		at, similarity := index.nearest(index.test[i])
		if at < 0 {
			continue
		}
		r.Near++
		if verbatim[folded(e)] {
			r.Exact++
		}
		r.Twins = append(r.Twins, Twin{
			A: exampleID(train[at], at), B: exampleID(e, i), Similarity: Number(similarity),
			Conflict: train[at].Labels[field] != e.Labels[field],
		})
	}
	return r, nil
}

func folded(e prediag.Example) string {
	return strings.Join(strings.Fields(text.Fold(e.Ticket.Text())), " ")
}

func exampleID(e prediag.Example, index int) string {
	return cmp.Or(e.Ticket.ID, fmt.Sprintf("#%d", index+1))
}

// twinIndex holds each text as a set of token numbers, the rarest token first, and for each token the training texts
// that have it among their first ones. Two sets as alike as the threshold must share one of these.
type twinIndex struct {
	threshold   float64
	train, test [][]int
	having      map[int][]int
}

func newTwinIndex(train, test []prediag.Example, threshold float64) *twinIndex {
	var all [][]string
	frequency := map[string]int{}
	for _, list := range [][]prediag.Example{train, test} {
		for _, e := range list {
			set := tokenSet(e.Ticket.Text())
			for _, w := range set {
				frequency[w]++
			}
			all = append(all, set)
		}
	}
	words := make([]string, 0, len(frequency))
	for w := range frequency {
		words = append(words, w)
	}
	slices.SortFunc(words, func(a, b string) int { return cmp.Or(cmp.Compare(frequency[a], frequency[b]), cmp.Compare(a, b)) })
	number := make(map[string]int, len(words))
	for i, w := range words {
		number[w] = i
	}
	sets := make([][]int, len(all))
	for i, set := range all {
		for _, w := range set {
			sets[i] = append(sets[i], number[w])
		}
		slices.Sort(sets[i])
	}
	x := &twinIndex{threshold: threshold, train: sets[:len(train)], test: sets[len(train):], having: map[int][]int{}}
	for i, set := range x.train {
		for _, w := range set[:x.prefix(len(set))] {
			x.having[w] = append(x.having[w], i)
		}
	}
	return x
}

// prefix is the number of rarest tokens among which a twin must share one.
func (x *twinIndex) prefix(size int) int {
	return size - int(math.Ceil(x.threshold*float64(size)-1e-9)) + min(size, 1)
}

// nearest is the most similar training text that reaches the threshold, the first among equals; -1 when there is none.
func (x *twinIndex) nearest(set []int) (at int, similarity float64) {
	at = -1
	seen := map[int]bool{}
	for _, w := range set[:x.prefix(len(set))] {
		for _, candidate := range x.having[w] {
			if seen[candidate] {
				continue
			}
			seen[candidate] = true
			s := jaccard(x.train[candidate], set)
			if s >= x.threshold && (s > similarity || s == similarity && candidate < at) {
				at, similarity = candidate, s
			}
		}
	}
	return at, similarity
}

// tokenSet gives the different tokens of a text after folding. Order and number are left out: they seldom make another
// ticket.
func tokenSet(s string) []string {
	var out []string
	for _, t := range text.Tokens(s) {
		out = append(out, t.Text)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// jaccard is the share of common numbers of two sorted sets.
func jaccard(a, b []int) float64 {
	common := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			common++
			i++
			j++
		case a[i] < b[j]:
			i++
		default:
			j++
		}
	}
	return float64(common) / float64(len(a)+len(b)-common)
}
