package eval

import (
	"cmp"
	"math"
	"slices"
)

// AUROC is the probability that a random positive item scores higher than a random negative one, ties counted half
// (the area under the ROC curve); NaN when either side is empty.
//
// Definition: Hanley and McNeil 1982 (the Mann-Whitney statistic); as scikit-learn's roc_auc_score.
func AUROC(positive, negative []float64) float64 {
	type item struct {
		score    float64
		positive bool
	}
	items := make([]item, 0, len(positive)+len(negative))
	for _, s := range positive {
		items = append(items, item{s, true})
	}
	for _, s := range negative {
		items = append(items, item{s, false})
	}
	slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.score, b.score) })
	var wins float64 // pairs won by the positive item
	below := 0       // negative items with a lower score
	for i := 0; i < len(items); {
		end, pos := i, 0
		for end < len(items) && items[end].score == items[i].score {
			if items[end].positive {
				pos++
			}
			end++
		}
		neg := end - i - pos
		wins += float64(pos) * (float64(below) + float64(neg)/2)
		below += neg
		i = end
	}
	if len(positive) == 0 || len(negative) == 0 {
		return math.NaN()
	}
	return wins / (float64(len(positive)) * float64(len(negative)))
}
