package eval

import (
	"math"
	"slices"
)

// Confusion counts how often each true label was predicted as each label. Labels are sorted; Counts[i][j] is the number
// of items of label i that were predicted as label j.
type Confusion struct {
	Labels []string
	Counts [][]int
}

// NewConfusion counts the pairs of truth and prediction, two slices of equal length. Its labels are those that occur in
// either (as in scikit-learn's confusion_matrix).
func NewConfusion(truth, predicted []string) Confusion {
	labels := slices.Concat(truth, predicted)
	slices.Sort(labels)
	labels = slices.Compact(labels)
	index := make(map[string]int, len(labels))
	counts := make([][]int, len(labels))
	for i, l := range labels {
		index[l] = i
		counts[i] = make([]int, len(labels))
	}
	for i, t := range truth {
		counts[index[t]][index[predicted[i]]]++
	}
	return Confusion{Labels: labels, Counts: counts}
}

// Total is the number of items.
func (c Confusion) Total() int {
	n := 0
	for i := range c.Counts {
		n += c.support(i)
	}
	return n
}

// support is the number of items whose true label is i.
func (c Confusion) support(i int) int {
	n := 0
	for _, v := range c.Counts[i] {
		n += v
	}
	return n
}

// predicted is the number of items predicted as label j.
func (c Confusion) predicted(j int) int {
	n := 0
	for i := range c.Counts {
		n += c.Counts[i][j]
	}
	return n
}

// Accuracy is the share of items on the diagonal; NaN without items.
func (c Confusion) Accuracy() float64 {
	right := 0
	for i := range c.Counts {
		right += c.Counts[i][i]
	}
	return ratio(right, c.Total())
}

// BalancedAccuracy is the mean recall over the labels that occur in the truth; NaN without items.
//
// Definition: Brodersen et al. 2010, as scikit-learn's balanced_accuracy_score with adjusted=False.
func (c Confusion) BalancedAccuracy() float64 {
	var sum float64
	labels := 0
	for i := range c.Counts {
		if n := c.support(i); n > 0 {
			sum += ratio(c.Counts[i][i], n)
			labels++
		}
	}
	return sum / float64(labels) // 0/0 is NaN
}

// MCC is Matthews' correlation coefficient for any number of classes (Gorodkin's R_K), -1 to 1; 0 when truth or
// prediction has one label only, NaN without items.
//
// Definition: Gorodkin, Comparing two K-category assignments by a K-category correlation coefficient, 2004; as
// scikit-learn's matthews_corrcoef.
func (c Confusion) MCC() float64 {
	var right, total, cross, truthSquare, predSquare float64
	for i := range c.Counts {
		t, p := float64(c.support(i)), float64(c.predicted(i))
		right += float64(c.Counts[i][i])
		total += t
		cross += t * p
		truthSquare += t * t
		predSquare += p * p
	}
	return mcc(total, right, cross, truthSquare, predSquare)
}

// mcc is the coefficient from the sums over the labels.
func mcc(total, right, cross, truthSquare, predSquare float64) float64 {
	if total == 0 {
		return math.NaN()
	}
	spread := (total*total - predSquare) * (total*total - truthSquare)
	if spread == 0 {
		return 0
	}
	return (right*total - cross) / math.Sqrt(spread)
}

// ratio is a/b, NaN when b is 0.
func ratio(a, b int) float64 {
	if b == 0 {
		return math.NaN()
	}
	return float64(a) / float64(b)
}
