package eval

// LabelScore is how well one label is told from the others.
type LabelScore struct {
	Label     string `json:"label"`
	Support   int    `json:"support"`   // items that truly have the label
	Predicted int    `json:"predicted"` // items that were given the label
	Precision Number `json:"precision"` // 0 when it was never predicted
	Recall    Number `json:"recall"`    // 0 when it never occurs
	F1        Number `json:"f1"`

	// 95 %: Wilson's, and wilsonF1; null where a label never occurs or was never predicted.
	PrecisionLow  Number `json:"precision_low"`
	PrecisionHigh Number `json:"precision_high"`
	RecallLow     Number `json:"recall_low"`
	RecallHigh    Number `json:"recall_high"`
	F1Low         Number `json:"f1_low"`
	F1High        Number `json:"f1_high"`
}

// PerClass gives precision, recall, F1 and support of each label, in the labels' order. A division by zero counts as 0.
//
// Definition: van Rijsbergen 1979; as scikit-learn's precision_recall_fscore_support with zero_division=0.
func (c Confusion) PerClass() []LabelScore {
	scores := make([]LabelScore, len(c.Labels))
	for i, label := range c.Labels {
		right, support, predicted := c.Counts[i][i], c.support(i), c.predicted(i)
		scores[i] = LabelScore{
			Label: label, Support: support, Predicted: predicted,
			Precision: Number(zeroRatio(right, predicted)),
			Recall:    Number(zeroRatio(right, support)),
			F1:        Number(zeroRatio(2*right, support+predicted)),
		}
		_, scores[i].PrecisionLow, scores[i].PrecisionHigh = proportion(right, predicted)
		_, scores[i].RecallLow, scores[i].RecallHigh = proportion(right, support)
		scores[i].F1Low, scores[i].F1High = wilsonF1(right, support+predicted-2*right)
	}
	return scores
}

// MacroF1 is the plain mean of the labels' F1 over all labels in truth or prediction, as scikit-learn's
// f1_score(average="macro"); NaN without items.
func (c Confusion) MacroF1() float64 {
	var sum float64
	for _, s := range c.PerClass() {
		sum += float64(s.F1)
	}
	return sum / float64(len(c.Labels)) // 0/0 is NaN
}

// WeightedF1 is the mean of the labels' F1 weighted by support, as scikit-learn's f1_score(average="weighted").
func (c Confusion) WeightedF1() float64 {
	var sum float64
	n := 0
	for _, s := range c.PerClass() {
		sum += float64(s.F1) * float64(s.Support)
		n += s.Support
	}
	return sum / float64(n) // 0/0 is NaN
}

// MicroF1 is the F1 of all decisions taken together, as scikit-learn's f1_score(average="micro"). With one label per
// item and one prediction per item it equals the accuracy.
func (c Confusion) MicroF1() float64 {
	right, truth, predicted := 0, 0, 0
	for i := range c.Counts {
		right += c.Counts[i][i]
		truth += c.support(i)
		predicted += c.predicted(i)
	}
	return ratio(2*right, truth+predicted)
}

// F1 is the harmonic mean of precision and recall, 0 when both are 0.
func F1(precision, recall float64) float64 {
	if precision+recall == 0 {
		return 0
	}
	return 2 * precision * recall / (precision + recall)
}

func zeroRatio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
