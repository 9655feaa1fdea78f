package eval

import (
	"slices"

	"prediag"
)

// ClassifyReport holds the figures of one field. All but OOS are over the in-scope items that did not fail. Ends of
// intervals (…_low, …_high) are at 95 %: Wilson's for accuracies and recalls, percentile bootstrap for the others.
type ClassifyReport struct {
	Model      string `json:"model"`
	Field      string `json:"field"`
	N          int    `json:"n"`     // in-scope items measured
	NOOS       int    `json:"n_oos"` // out-of-scope items measured
	Unlabelled int    `json:"unlabelled"`
	Failed     int    `json:"failed"` // items on which the classifier returned an error; no figure counts them
	FirstError string `json:"first_error,omitempty"`

	Accuracy         Number `json:"accuracy"`
	AccuracyLow      Number `json:"accuracy_low"`
	AccuracyHigh     Number `json:"accuracy_high"`
	BaselineAccuracy Number `json:"baseline_accuracy"` // of the do-nothing classifier
	BalancedAccuracy Number `json:"balanced_accuracy"`
	MacroF1          Number `json:"macro_f1"`
	MacroF1Low       Number `json:"macro_f1_low"`
	MacroF1High      Number `json:"macro_f1_high"`
	MicroF1          Number `json:"micro_f1"`
	WeightedF1       Number `json:"weighted_f1"`
	MCC              Number `json:"mcc"`
	Top3Accuracy     Number `json:"top3_accuracy"`

	LogLoss      Number `json:"log_loss"` // nats; see truthProbability for labels that the verdict does not name
	Brier        Number `json:"brier"`    // 0 to 2
	ECE          Number `json:"ece"`      // 15 bins of equal width
	ECELow       Number `json:"ece_low"`
	ECEHigh      Number `json:"ece_high"`
	ECEEqualMass Number `json:"ece_equal_mass"` // 15 bins
	MCE          Number `json:"mce"`

	AURC             Number `json:"aurc"`
	AURCLow          Number `json:"aurc_low"`
	AURCHigh         Number `json:"aurc_high"`
	AUGRC            Number `json:"augrc"`
	CoverageAt90     Number `json:"coverage_at_90"`
	CoverageAt95     Number `json:"coverage_at_95"`
	CoverageAt95Low  Number `json:"coverage_at_95_low"`
	CoverageAt95High Number `json:"coverage_at_95_high"`
	CoverageAt99     Number `json:"coverage_at_99"`

	OOS         *OOSReport             `json:"oos,omitempty"` // when an example is out of scope
	PerClass    []LabelScore           `json:"per_class"`     // by label
	PerLanguage map[string]SliceReport `json:"per_language"`
	Reliability []Bin                  `json:"reliability"` // 15 bins of equal width

	PerSlice map[string]map[string]SliceReport `json:"per_slice"` // by ClassifyItem.Slices: name, value
}

// OOSReport says how well tickets that no label fits are told from the others. A ticket is refused when its label is
// "oos" or its in-scope probability is below Threshold.
type OOSReport struct {
	N          int    `json:"n"`
	AUROC      Number `json:"auroc"` // of 1 - Verdict.InScope
	Threshold  Number `json:"threshold"`
	Recall     Number `json:"recall"`
	RecallLow  Number `json:"recall_low"`
	RecallHigh Number `json:"recall_high"`
	Precision  Number `json:"precision"`
	F1         Number `json:"f1"`
	Accuracy   Number `json:"in_scope_accuracy"` // over in-scope items, a refused one counted as wrong
}

// SliceReport holds the figures of a part of the items.
type SliceReport struct {
	N            int    `json:"n"`
	Accuracy     Number `json:"accuracy"`
	AccuracyLow  Number `json:"accuracy_low"`
	AccuracyHigh Number `json:"accuracy_high"`
	MacroF1      Number `json:"macro_f1"`
	ECE          Number `json:"ece"`
	AURC         Number `json:"aurc"`
	CoverageAt95 Number `json:"coverage_at_95"`
}

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
	r.labelFigures(in)
	r.probabilityFigures(in)
	r.intervals(in, opt)
	if len(out) > 0 {
		r.OOS = oosReport(in, out, opt.OOSThreshold)
	}
	r.PerLanguage = groupBy(in, func(it ClassifyItem) string { return it.Language })
	r.PerSlice = perSlice(in)
	return r
}

func (r *ClassifyReport) labelFigures(in []ClassifyItem) {
	c := confusionOf(in)
	r.PerClass = c.PerClass()
	low, high := Wilson(countRight(in), len(in))
	r.Accuracy, r.AccuracyLow, r.AccuracyHigh = Number(c.Accuracy()), Number(low), Number(high)
	r.BaselineAccuracy = Number(frequentShare(c))
	r.BalancedAccuracy = Number(c.BalancedAccuracy())
	r.MacroF1 = Number(macroF1InScope(c))
	r.MicroF1, r.WeightedF1, r.MCC = Number(c.MicroF1()), Number(c.WeightedF1()), Number(c.MCC())
	top := 0
	for _, it := range in {
		if it.Rank >= 1 && it.Rank <= 3 {
			top++
		}
	}
	r.Top3Accuracy = Number(ratio(top, len(in)))
}

func (r *ClassifyReport) probabilityFigures(in []ClassifyItem) {
	labels := labelCount(in)
	truth := make([]float64, len(in))
	var brier float64
	for i, it := range in {
		truth[i] = it.truthProbability(labels)
		brier += it.brier(labels)
	}
	r.LogLoss, r.Brier = Number(LogLoss(truth)), Number(brier/float64(len(in))) // 0/0 is undefined
	scored := scoredOf(in)
	r.ECE, r.ECEEqualMass = Number(ECE(scored, DefaultBins)), Number(ECEEqualMass(scored, DefaultBins))
	r.MCE, r.AURC, r.AUGRC = Number(MCE(scored, DefaultBins)), Number(AURC(scored)), Number(AUGRC(scored))
	r.CoverageAt90 = Number(CoverageAt(scored, 0.90))
	r.CoverageAt95 = Number(CoverageAt(scored, 0.95))
	r.CoverageAt99 = Number(CoverageAt(scored, 0.99))
	r.Reliability = EqualWidthBins(scored, DefaultBins)
}

func (r *ClassifyReport) intervals(in []ClassifyItem, opt ClassifyOptions) {
	scored := scoredOf(in)
	iv := bootstrap(len(in), opt.Resamples, opt.Seed,
		weightedMacroF1(in), weightedECE(scored, DefaultBins), weightedAURC(scored), weightedCoverage(scored, 0.95))
	r.MacroF1Low, r.MacroF1High = iv[0].Low, iv[0].High
	r.ECELow, r.ECEHigh = iv[1].Low, iv[1].High
	r.AURCLow, r.AURCHigh = iv[2].Low, iv[2].High
	r.CoverageAt95Low, r.CoverageAt95High = iv[3].Low, iv[3].High
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
	low, high := Wilson(caught, len(out))
	recall, precision := ratio(caught, len(out)), zeroRatio(caught, caught+refused)
	return &OOSReport{
		N: len(out), AUROC: Number(AUROC(positive, negative)), Threshold: Number(threshold),
		Recall: Number(recall), RecallLow: Number(low), RecallHigh: Number(high),
		Precision: Number(precision), F1: Number(F1(precision, recall)), Accuracy: Number(ratio(right, len(in))),
	}
}

// groupBy sums up the items by a property; those for which it is empty are left out.
func groupBy(in []ClassifyItem, property func(ClassifyItem) string) map[string]SliceReport {
	groups := map[string][]ClassifyItem{}
	for _, it := range in {
		if value := property(it); value != "" {
			groups[value] = append(groups[value], it)
		}
	}
	out := make(map[string]SliceReport, len(groups))
	for value, items := range groups {
		out[value] = sliceReport(items)
	}
	return out
}

func perSlice(in []ClassifyItem) map[string]map[string]SliceReport {
	out := map[string]map[string]SliceReport{}
	for _, it := range in {
		for name := range it.Slices {
			if out[name] == nil {
				out[name] = groupBy(in, func(it ClassifyItem) string { return it.Slices[name] })
			}
		}
	}
	return out
}

func sliceReport(items []ClassifyItem) SliceReport {
	scored, c := scoredOf(items), confusionOf(items)
	low, high := Wilson(countRight(items), len(items))
	return SliceReport{
		N: len(items), Accuracy: Number(c.Accuracy()), AccuracyLow: Number(low), AccuracyHigh: Number(high),
		MacroF1: Number(macroF1InScope(c)), ECE: Number(ECE(scored, DefaultBins)), AURC: Number(AURC(scored)),
		CoverageAt95: Number(CoverageAt(scored, 0.95)),
	}
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

// frequentShare is the accuracy of always answering the most frequent label.
func frequentShare(c Confusion) float64 {
	most := 0
	for i := range c.Counts {
		most = max(most, c.support(i))
	}
	return ratio(most, c.Total())
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
