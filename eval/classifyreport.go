package eval

// ClassifyReport holds the figures of one field. All but OOS are over the in-scope items that did not fail. Ends of
// intervals (…_low, …_high) are at 95 %: Wilson's for shares, percentile bootstrap for the others, null where a single
// item says nothing of the spread.
type ClassifyReport struct {
	Model      string `json:"model"`
	Field      string `json:"field"`
	N          int    `json:"n"`     // in-scope items measured
	NOOS       int    `json:"n_oos"` // out-of-scope items measured
	Unlabelled int    `json:"unlabelled"`
	Failed     int    `json:"failed"` // items on which the classifier returned an error; no figure counts them
	FirstError string `json:"first_error,omitempty"`

	LabelFigures
	ProbabilityFigures
	SelectiveFigures

	OOS         *OOSReport             `json:"oos,omitempty"` // when an example is out of scope
	PerClass    []LabelScore           `json:"per_class"`     // by label
	PerLanguage map[string]SliceReport `json:"per_language"`
	Reliability []Bin                  `json:"reliability"` // 15 bins of equal width

	PerSlice map[string]map[string]SliceReport `json:"per_slice"` // by ClassifyItem.Slices: name, value
}

// LabelFigures say how often the label is right.
type LabelFigures struct {
	Accuracy             Number `json:"accuracy"`
	AccuracyLow          Number `json:"accuracy_low"`
	AccuracyHigh         Number `json:"accuracy_high"`
	BaselineAccuracy     Number `json:"baseline_accuracy"` // of the do-nothing classifier
	BaselineAccuracyLow  Number `json:"baseline_accuracy_low"`
	BaselineAccuracyHigh Number `json:"baseline_accuracy_high"`
	BalancedAccuracy     Number `json:"balanced_accuracy"`
	BalancedAccuracyLow  Number `json:"balanced_accuracy_low"`
	BalancedAccuracyHigh Number `json:"balanced_accuracy_high"`
	MacroF1              Number `json:"macro_f1"`
	MacroF1Low           Number `json:"macro_f1_low"`
	MacroF1High          Number `json:"macro_f1_high"`
	MicroF1              Number `json:"micro_f1"` // equal to the accuracy, and so is its interval
	MicroF1Low           Number `json:"micro_f1_low"`
	MicroF1High          Number `json:"micro_f1_high"`
	WeightedF1           Number `json:"weighted_f1"`
	WeightedF1Low        Number `json:"weighted_f1_low"`
	WeightedF1High       Number `json:"weighted_f1_high"`
	MCC                  Number `json:"mcc"`
	MCCLow               Number `json:"mcc_low"`
	MCCHigh              Number `json:"mcc_high"`
	Top3Accuracy         Number `json:"top3_accuracy"`
	Top3AccuracyLow      Number `json:"top3_accuracy_low"`
	Top3AccuracyHigh     Number `json:"top3_accuracy_high"`
}

// ProbabilityFigures say how far the probabilities can be trusted.
type ProbabilityFigures struct {
	LogLoss          Number `json:"log_loss"` // nats; see truthProbability for labels that the verdict does not name
	LogLossLow       Number `json:"log_loss_low"`
	LogLossHigh      Number `json:"log_loss_high"`
	Brier            Number `json:"brier"` // 0 to 2
	BrierLow         Number `json:"brier_low"`
	BrierHigh        Number `json:"brier_high"`
	ECE              Number `json:"ece"` // 15 bins of equal width
	ECELow           Number `json:"ece_low"`
	ECEHigh          Number `json:"ece_high"`
	ECEEqualMass     Number `json:"ece_equal_mass"` // 15 bins
	ECEEqualMassLow  Number `json:"ece_equal_mass_low"`
	ECEEqualMassHigh Number `json:"ece_equal_mass_high"`
	MCE              Number `json:"mce"`
	MCELow           Number `json:"mce_low"`
	MCEHigh          Number `json:"mce_high"`
}

// SelectiveFigures say what answering only the surest items gives.
type SelectiveFigures struct {
	AURC             Number `json:"aurc"`
	AURCLow          Number `json:"aurc_low"`
	AURCHigh         Number `json:"aurc_high"`
	AUGRC            Number `json:"augrc"`
	AUGRCLow         Number `json:"augrc_low"`
	AUGRCHigh        Number `json:"augrc_high"`
	CoverageAt90     Number `json:"coverage_at_90"`
	CoverageAt90Low  Number `json:"coverage_at_90_low"`
	CoverageAt90High Number `json:"coverage_at_90_high"`
	CoverageAt95     Number `json:"coverage_at_95"`
	CoverageAt95Low  Number `json:"coverage_at_95_low"`
	CoverageAt95High Number `json:"coverage_at_95_high"`
	CoverageAt99     Number `json:"coverage_at_99"`
	CoverageAt99Low  Number `json:"coverage_at_99_low"`
	CoverageAt99High Number `json:"coverage_at_99_high"`
}

// OOSReport says how well tickets that no label fits are told from the others. A ticket is refused when its label is
// "oos" or its in-scope probability is below Threshold. Intervals: DeLong's, wilsonF1, Wilson's.
type OOSReport struct {
	N             int    `json:"n"`
	AUROC         Number `json:"auroc"` // of 1 - Verdict.InScope
	AUROCLow      Number `json:"auroc_low"`
	AUROCHigh     Number `json:"auroc_high"`
	Threshold     Number `json:"threshold"`
	Recall        Number `json:"recall"`
	RecallLow     Number `json:"recall_low"`
	RecallHigh    Number `json:"recall_high"`
	Precision     Number `json:"precision"` // 0 when nothing was refused
	PrecisionLow  Number `json:"precision_low"`
	PrecisionHigh Number `json:"precision_high"`
	F1            Number `json:"f1"`
	F1Low         Number `json:"f1_low"`
	F1High        Number `json:"f1_high"`
	Accuracy      Number `json:"in_scope_accuracy"` // over in-scope items, a refused one counted as wrong
	AccuracyLow   Number `json:"in_scope_accuracy_low"`
	AccuracyHigh  Number `json:"in_scope_accuracy_high"`
}

// SliceReport holds the figures of a part of the items. Its bootstrap has 2,000 resamples.
type SliceReport struct {
	N                int    `json:"n"`
	Accuracy         Number `json:"accuracy"`
	AccuracyLow      Number `json:"accuracy_low"`
	AccuracyHigh     Number `json:"accuracy_high"`
	MacroF1          Number `json:"macro_f1"`
	MacroF1Low       Number `json:"macro_f1_low"`
	MacroF1High      Number `json:"macro_f1_high"`
	ECE              Number `json:"ece"`
	ECELow           Number `json:"ece_low"`
	ECEHigh          Number `json:"ece_high"`
	AURC             Number `json:"aurc"`
	AURCLow          Number `json:"aurc_low"`
	AURCHigh         Number `json:"aurc_high"`
	CoverageAt95     Number `json:"coverage_at_95"`
	CoverageAt95Low  Number `json:"coverage_at_95_low"`
	CoverageAt95High Number `json:"coverage_at_95_high"`
}
