package classifier

import (
	"math"
	"slices"

	"prediag/internal/stats"
)

// outOfFold holds the logits of examples that the model which gave them did not learn from.
type outOfFold struct {
	classes int
	logits  []float32
	truth   []int32
}

func (o *outOfFold) row(i int) []float32 { return o.logits[i*o.classes : (i+1)*o.classes] }

// temperature finds the one number that, dividing the logits, makes the log loss least (Guo et al. 2017, "On
// Calibration of Modern Neural Networks"), by golden-section search over its logarithm.
func (o *outOfFold) temperature() float32 {
	lo, hi := math.Log(0.05), math.Log(20)
	const phi = 0.6180339887498949
	a, b := hi-phi*(hi-lo), lo+phi*(hi-lo)
	fa, fb := o.loss(math.Exp(a)), o.loss(math.Exp(b))
	for hi-lo > 1e-3 {
		if fa <= fb {
			hi, b, fb = b, a, fa
			a = hi - phi*(hi-lo)
			fa = o.loss(math.Exp(a))
		} else {
			lo, a, fa = a, b, fb
			b = lo + phi*(hi-lo)
			fb = o.loss(math.Exp(b))
		}
	}
	return float32(math.Exp((lo + hi) / 2))
}

// loss is the mean log loss at a temperature, in nats.
func (o *outOfFold) loss(temperature float64) float64 {
	var total float64
	for i, y := range o.truth {
		z := o.row(i)
		top := float64(slices.Max(z))
		var sum float64
		for _, v := range z {
			sum += math.Exp((float64(v) - top) / temperature)
		}
		total += math.Log(sum) - (float64(z[y])-top)/temperature
	}
	return total / float64(max(1, len(o.truth)))
}

// FieldReport says how good one field's classifier is, measured by cross-validation on the training examples.
type FieldReport struct {
	Field       string   `json:"field"`
	Labels      []string `json:"labels"`
	Examples    int      `json:"examples"`
	Measured    int      `json:"measured"`      // examples that were kept back: what the figures below rest on
	Accuracy    float64  `json:"accuracy"`      // share of examples whose most probable label is right
	MacroF1     float64  `json:"macro_f1"`      // mean of the harmonic mean of precision and recall over the labels that were given or true
	ECE         float64  `json:"ece"`           // expected calibration error of the best label, 15 bins of equal mass
	Brier       float64  `json:"brier"`         // mean squared distance between probabilities and truth, 0 to 2
	LogLoss     float64  `json:"log_loss"`      // nats
	AURC        float64  `json:"aurc"`          // mean share of wrong labels over all coverages, surest first
	Coverage90  float64  `json:"coverage_at90"` // largest share of examples, surest first, of which 90 % are right
	Coverage95  float64  `json:"coverage_at95"` // and 95 %
	Coverage99  float64  `json:"coverage_at99"` // and 99 %
	Temperature float64  `json:"temperature"`   // that calibrates the logits
	Baseline    float64  `json:"baseline"`      // accuracy of always saying the most frequent label
	Parts       Parts    `json:"parts"`

	Intervals map[string]Interval `json:"intervals"` // of the figures above, by their names here
	Languages []PartReport        `json:"languages"`
	Classes   []PartReport        `json:"classes"`

	Notes []string `json:"notes,omitempty"`
}

// Parts says what votes on a field's labels, and how much each part has to say, which adds up to 1: the weight of its
// logits beside that which would calibrate it alone, as a rule; 0 for a part that is left out.
type Parts struct {
	Networks int     `json:"networks"` // how many; their mean votes
	Network  float64 `json:"network_weight"`
	Machine  float64 `json:"svm_weight"`
	Chars    float64 `json:"chars_svm_weight"`    // over words and characters alone
	Weighted float64 `json:"weighted_svm_weight"` // over features weighted by what they say about each label
	Bayes    float64 `json:"naive_bayes_weight"`
}

// measure fills the report's figures from the logits of unseen examples at a temperature; languages, if any, are theirs.
func (o *outOfFold) measure(r *FieldReport, temperature float32, languages []string) {
	n := len(o.truth)
	if n == 0 {
		return
	}
	hits, predicted, actual := make([]int, o.classes), make([]int, o.classes), make([]int, o.classes)
	list, right := make([]scored, n), 0
	p := make([]float32, o.classes)
	for i, y := range o.truth {
		copy(p, o.row(i))
		truth := float64(p[y] / temperature)
		loss := softmax(p, 1/temperature) - truth
		best := top(p, 1)[0]
		predicted[best]++
		actual[y]++
		if best == int(y) {
			hits[y]++
			right++
		}
		list[i] = scored{outcome{float64(p[best]), best == int(y)}, 0, loss}
		for c, q := range p {
			d := float64(q)
			if c == int(y) {
				d--
			}
			list[i].brier += d * d
		}
	}
	r.MacroF1 = macroF1(hits, predicted, actual)
	r.Accuracy = float64(right) / float64(n)
	r.Baseline = float64(slices.Max(actual)) / float64(n)
	outcomes := make([]outcome, n)
	for i, s := range list {
		outcomes[i] = s.outcome
	}
	r.Classes = byPart(outcomes, func(i int) string { return r.Labels[o.truth[i]] })
	if languages != nil {
		r.Languages = byPart(outcomes, func(i int) string { return languages[i] })
	}
	f := figures(list)
	r.ECE, r.Brier, r.LogLoss, r.AURC = f["ece"], f["brier"], f["log_loss"], f["aurc"]
	r.Coverage90, r.Coverage95, r.Coverage99 = f["coverage_at90"], f["coverage_at95"], f["coverage_at99"]
	r.Intervals = intervals(list, 1)
	low, high := stats.ClopperPearson(right, n, 0.95)
	r.Intervals["accuracy"] = Interval{low, high}
}

// outcome is the probability of the best label and whether that was right.
type outcome struct {
	p     float64
	right bool
}

// calibrationError is the mean gap between probability and accuracy over bins of equal mass; outcomes are sorted.
func calibrationError(outcomes []outcome, bins int) float64 {
	n := len(outcomes)
	var total float64
	for b := range bins {
		from, to := b*n/bins, (b+1)*n/bins
		var gap float64
		for _, o := range outcomes[from:to] {
			gap += o.p
			if o.right {
				gap--
			}
		}
		total += math.Abs(gap)
	}
	return total / float64(n)
}

// coverage is the largest share of the outcomes, surest first, whose precision is at least the target.
func coverage(outcomes []outcome, target float64) float64 {
	right, best := 0, 0
	for i, o := range outcomes {
		if o.right {
			right++
		}
		if float64(right) >= target*float64(i+1) {
			best = i + 1
		}
	}
	return float64(best) / float64(len(outcomes))
}

// macroF1 is the mean F1 of the labels that are the truth of a kept-back example or were given to one.
func macroF1(hits, predicted, actual []int) float64 {
	sum, labels := 0.0, 0
	for c, h := range hits {
		if n := predicted[c] + actual[c]; n > 0 {
			sum += 2 * float64(h) / float64(n)
			labels++
		}
	}
	return sum / float64(max(1, labels))
}
