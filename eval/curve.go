package eval

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"

	"prediag"
)

// TrainFunc learns a classifier from examples.
type TrainFunc func(ctx context.Context, examples []prediag.Example) (prediag.Classifier, error)

// CurvePoint is the accuracy that a number of training examples gives.
type CurvePoint struct {
	Examples     int    `json:"examples"`
	Accuracy     Number `json:"accuracy"`
	AccuracyLow  Number `json:"accuracy_low"` // Wilson, 95 %: the test items' chance, not that of the draw of examples
	AccuracyHigh Number `json:"accuracy_high"`
	MacroF1      Number `json:"macro_f1"`
	MacroF1Low   Number `json:"macro_f1_low"`
	MacroF1High  Number `json:"macro_f1_high"`

	CoverageAt95     Number `json:"coverage_at_95"`
	CoverageAt95Low  Number `json:"coverage_at_95_low"`
	CoverageAt95High Number `json:"coverage_at_95_high"`

	// Step is the accuracy less that of the point before, null for the first; its interval is the bootstrap over the pairs.
	Step     Number `json:"step"`
	StepLow  Number `json:"step_low"`
	StepHigh Number `json:"step_high"`
}

// LearningCurve trains on growing parts of the training set and measures each on the test set, so that one sees whether
// more labels would help. Each part holds the one before; which examples come first follows from their IDs and texts,
// not from their order. Sizes over the training set are cut to it; at least one must be given.
func LearningCurve(ctx context.Context, train TrainFunc, examples, test []prediag.Example, sizes []int, opt ClassifyOptions) ([]CurvePoint, error) {
	if len(sizes) == 0 || slices.Min(sizes) < 1 {
		return nil, prediag.Invalid("SIZES_INVALID", "sizes", fmt.Sprintf("the sizes %v must be at least one positive number", sizes))
	}
	wanted := make([]int, len(sizes))
	for i, n := range sizes {
		wanted[i] = min(n, len(examples))
	}
	slices.Sort(wanted)
	ordered := shuffledByContent(examples)
	opt = opt.withDefaults()
	var points []CurvePoint
	var last []ClassifyItem
	for _, n := range slices.Compact(wanted) {
		model, err := train(ctx, slices.Clone(ordered[:n]))
		if err != nil {
			return nil, fmt.Errorf("learning curve, %d examples: %w", n, err)
		}
		var items []ClassifyItem
		opt.Item = func(it ClassifyItem) { items = append(items, it) }
		r, err := Classify(ctx, model, test, opt)
		if err != nil {
			return nil, fmt.Errorf("learning curve, %d examples: %w", n, err)
		}
		p := CurvePoint{Examples: n, Accuracy: r.Accuracy, AccuracyLow: r.AccuracyLow, AccuracyHigh: r.AccuracyHigh,
			MacroF1: r.MacroF1, MacroF1Low: r.MacroF1Low, MacroF1High: r.MacroF1High,
			CoverageAt95: r.CoverageAt95, CoverageAt95Low: r.CoverageAt95Low, CoverageAt95High: r.CoverageAt95High}
		p.Step, p.StepLow, p.StepHigh = stepBetween(last, items, opt)
		points, last = append(points, p), items
	}
	return points, nil
}

// stepBetween is the difference of accuracy over the same in-scope items, sorted alike.
func stepBetween(before, after []ClassifyItem, opt ClassifyOptions) (step, low, high Number) {
	var gains []float64
	for i := range before {
		if len(before) == len(after) && !after[i].OutOfScope() && before[i].Error+after[i].Error == "" {
			gains = append(gains, indicator(after[i].Right)-indicator(before[i].Right))
		}
	}
	return bootstrap(len(gains), opt.Resamples, opt.Seed, weightedMeans(gains))[0].around(meanOf(gains))
}

// shuffledByContent orders examples by a hash, because files are often sorted by label.
func shuffledByContent(examples []prediag.Example) []prediag.Example {
	type keyed struct {
		key uint64
		e   prediag.Example
	}
	list := make([]keyed, len(examples))
	for i, e := range examples {
		h := fnv.New64a()
		fmt.Fprintf(h, "%s\x00%s", e.Ticket.ID, e.Ticket.Text()) // a hash never fails
		list[i] = keyed{h.Sum64(), e}
	}
	slices.SortStableFunc(list, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
	out := make([]prediag.Example, len(list))
	for i, k := range list {
		out[i] = k.e
	}
	return out
}
