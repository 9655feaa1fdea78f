package eval

import (
	"slices"

	"prediag"
)

// classifyReport sums up the items, which are sorted.
func classifyReport(items []ClassifyItem, opt ClassifyOptions) ClassifyReport {
	r := ClassifyReport{Field: opt.Field}
	var in, out []ClassifyItem
	for _, it := range items {
		switch {
		case it.Error != "":
			r.Failed++
			if r.FirstError == "" {
				r.FirstError = it.Error
			}
			continue
		case it.OutOfScope():
			out = append(out, it)
		default:
			in = append(in, it)
		}
		if r.Model == "" {
			r.Model = it.model
		}
	}
	r.N, r.NOOS = len(in), len(out)
	r.figures(in, opt)
	if len(out) > 0 {
		r.OOS = oosReport(in, out, opt.OOSThreshold)
	}
	r.PerLanguage = groupBy(in, opt, func(it ClassifyItem) string { return it.Language })
	r.PerSlice = perSlice(in, opt)
	return r
}

// figures fills in all that is over the in-scope items.
func (r *ClassifyReport) figures(in []ClassifyItem, opt ClassifyOptions) {
	scored, c := scoredOf(in), confusionOf(in)
	loss, brier := losses(in)
	iv := bootstrap(len(in), opt.Resamples, opt.Seed, weightedLabels(in), weightedBins(scored, DefaultBins),
		weightedMass(scored, DefaultBins), weightedSelective(scored, 0.90, 0.95, 0.99), weightedMeans(loss, brier))
	r.PerClass = c.PerClass()
	r.label(in, c, iv[:4])
	r.ECE, r.ECELow, r.ECEHigh = iv[4].around(ECE(scored, DefaultBins))
	r.MCE, r.MCELow, r.MCEHigh = iv[5].around(MCE(scored, DefaultBins))
	r.ECEEqualMass, r.ECEEqualMassLow, r.ECEEqualMassHigh = iv[6].around(ECEEqualMass(scored, DefaultBins))
	r.AURC, r.AURCLow, r.AURCHigh = iv[7].around(AURC(scored))
	r.AUGRC, r.AUGRCLow, r.AUGRCHigh = iv[8].around(AUGRC(scored))
	r.CoverageAt90, r.CoverageAt90Low, r.CoverageAt90High = iv[9].around(CoverageAt(scored, 0.90))
	r.CoverageAt95, r.CoverageAt95Low, r.CoverageAt95High = iv[10].around(CoverageAt(scored, 0.95))
	r.CoverageAt99, r.CoverageAt99Low, r.CoverageAt99High = iv[11].around(CoverageAt(scored, 0.99))
	r.LogLoss, r.LogLossLow, r.LogLossHigh = iv[12].around(meanOf(loss))
	r.Brier, r.BrierLow, r.BrierHigh = iv[13].around(meanOf(brier))
	r.Reliability = EqualWidthBins(scored, DefaultBins)
}

func (r *ClassifyReport) label(in []ClassifyItem, c Confusion, iv []interval) {
	top := 0
	for _, it := range in {
		if it.Rank >= 1 && it.Rank <= 3 {
			top++
		}
	}
	r.Accuracy, r.AccuracyLow, r.AccuracyHigh = proportion(countRight(in), len(in))
	r.MicroF1, r.MicroF1Low, r.MicroF1High = Number(c.MicroF1()), r.AccuracyLow, r.AccuracyHigh
	r.BaselineAccuracy, r.BaselineAccuracyLow, r.BaselineAccuracyHigh = proportion(mostFrequent(c), c.Total())
	r.Top3Accuracy, r.Top3AccuracyLow, r.Top3AccuracyHigh = proportion(top, len(in))
	r.MacroF1, r.MacroF1Low, r.MacroF1High = iv[0].around(macroF1InScope(c))
	r.WeightedF1, r.WeightedF1Low, r.WeightedF1High = iv[1].around(c.WeightedF1())
	r.BalancedAccuracy, r.BalancedAccuracyLow, r.BalancedAccuracyHigh = iv[2].around(c.BalancedAccuracy())
	r.MCC, r.MCCLow, r.MCCHigh = iv[3].around(c.MCC())
}

// losses gives each item's logarithmic loss and its Brier score.
func losses(in []ClassifyItem) (loss, brier []float64) {
	labels := labelCount(in)
	for _, it := range in {
		loss = append(loss, LogLoss([]float64{it.truthProbability(labels)}))
		brier = append(brier, it.brier(labels))
	}
	return loss, brier
}

// meanOf is the mean; NaN without values.
func meanOf(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values)) // 0/0 is NaN
}

func oosReport(in, out []ClassifyItem, threshold float64) *OOSReport {
	var positive, negative []float64
	caught, refused, right := 0, 0, 0
	for _, it := range out {
		positive = append(positive, 1-it.InScope)
		if it.Refused {
			caught++
		}
	}
	for _, it := range in {
		negative = append(negative, 1-it.InScope)
		if it.Refused {
			refused++
		} else if it.Right {
			right++
		}
	}
	r := &OOSReport{N: len(out), Threshold: Number(threshold), AUROC: Number(AUROC(positive, negative))}
	low, high := DeLong(positive, negative)
	r.AUROCLow, r.AUROCHigh = Number(low), Number(high)
	r.Recall, r.RecallLow, r.RecallHigh = proportion(caught, len(out))
	r.Precision = Number(zeroRatio(caught, caught+refused))
	_, r.PrecisionLow, r.PrecisionHigh = proportion(caught, caught+refused)
	r.F1 = Number(F1(float64(r.Precision), float64(r.Recall)))
	r.F1Low, r.F1High = wilsonF1(caught, refused+len(out)-caught)
	r.Accuracy, r.AccuracyLow, r.AccuracyHigh = proportion(right, len(in))
	return r
}

// groupBy sums up the items by a property; those for which it is empty are left out.
func groupBy(in []ClassifyItem, opt ClassifyOptions, property func(ClassifyItem) string) map[string]SliceReport {
	groups := map[string][]ClassifyItem{}
	for _, it := range in {
		if value := property(it); value != "" {
			groups[value] = append(groups[value], it)
		}
	}
	out := make(map[string]SliceReport, len(groups))
	for value, items := range groups {
		out[value] = sliceReport(items, opt)
	}
	return out
}

// perSlice leaves the measured field out: its parts are the labels, which PerClass has.
func perSlice(in []ClassifyItem, opt ClassifyOptions) map[string]map[string]SliceReport {
	out := map[string]map[string]SliceReport{}
	for _, it := range in {
		for name := range it.Slices {
			if out[name] == nil && name != opt.Field {
				out[name] = groupBy(in, opt, func(it ClassifyItem) string { return it.Slices[name] })
			}
		}
	}
	return out
}

// sliceResamples bounds the bootstrap of a part of the items: there may be hundreds of them.
const sliceResamples = 2000

func sliceReport(items []ClassifyItem, opt ClassifyOptions) SliceReport {
	scored, c := scoredOf(items), confusionOf(items)
	iv := bootstrap(len(items), min(opt.Resamples, sliceResamples), opt.Seed, weightedLabels(items), weightedBins(scored, DefaultBins), weightedSelective(scored, 0.95))
	r := SliceReport{N: len(items)}
	r.Accuracy, r.AccuracyLow, r.AccuracyHigh = proportion(countRight(items), len(items))
	r.MacroF1, r.MacroF1Low, r.MacroF1High = iv[0].around(macroF1InScope(c))
	r.ECE, r.ECELow, r.ECEHigh = iv[4].around(ECE(scored, DefaultBins))
	r.AURC, r.AURCLow, r.AURCHigh = iv[6].around(AURC(scored))
	r.CoverageAt95, r.CoverageAt95Low, r.CoverageAt95High = iv[8].around(CoverageAt(scored, 0.95))
	return r
}

func confusionOf(items []ClassifyItem) Confusion {
	truth, predicted := make([]string, len(items)), make([]string, len(items))
	for i, it := range items {
		truth[i], predicted[i] = it.Truth, it.Label
	}
	return NewConfusion(truth, predicted)
}

// macroF1InScope leaves the label "oos" out: in-scope items never have it, so it would count as a class with F1 0.
func macroF1InScope(c Confusion) float64 {
	scores := slices.DeleteFunc(c.PerClass(), func(s LabelScore) bool { return s.Label == prediag.LabelOutOfScope })
	var sum float64
	for _, s := range scores {
		sum += float64(s.F1)
	}
	return sum / float64(len(scores)) // 0/0 is undefined
}

// mostFrequent is the number of items that always answering the most frequent label would get right.
func mostFrequent(c Confusion) int {
	most := 0
	for i := range c.Counts {
		most = max(most, c.support(i))
	}
	return most
}

func countRight(items []ClassifyItem) int {
	n := 0
	for _, it := range items {
		if it.Right {
			n++
		}
	}
	return n
}

func scoredOf(items []ClassifyItem) []Scored {
	out := make([]Scored, len(items))
	for i, it := range items {
		out[i] = it.scored()
	}
	return out
}
