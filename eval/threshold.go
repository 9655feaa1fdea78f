package eval

// ThresholdRow says what answering from one confidence on would give.
type ThresholdRow struct {
	Threshold     Number `json:"threshold"`
	Answered      int    `json:"answered"`
	Wrong         int    `json:"wrong"`
	Coverage      Number `json:"coverage"`
	CoverageLow   Number `json:"coverage_low"`
	CoverageHigh  Number `json:"coverage_high"`
	Precision     Number `json:"precision"` // null when nothing is answered
	PrecisionLow  Number `json:"precision_low"`
	PrecisionHigh Number `json:"precision_high"`
	Policy        bool   `json:"policy,omitempty"` // the policy's own threshold
}

// ThresholdTable gives a row for each threshold: what is answered when items with at least that confidence are.
func ThresholdTable(items []Scored, thresholds []float64) []ThresholdRow {
	rows := make([]ThresholdRow, len(thresholds))
	for i, t := range thresholds {
		rows[i] = thresholdRow(items, t)
	}
	return rows
}

func thresholdRow(items []Scored, threshold float64) ThresholdRow {
	r := ThresholdRow{Threshold: Number(threshold)}
	for _, it := range items {
		if it.Confidence >= threshold {
			r.Answered++
			if !it.Right {
				r.Wrong++
			}
		}
	}
	r.Coverage, r.CoverageLow, r.CoverageHigh = proportion(r.Answered, len(items))
	r.Precision, r.PrecisionLow, r.PrecisionHigh = proportion(r.Answered-r.Wrong, r.Answered)
	return r
}
