package eval

import (
	"time"

	"prediag"
)

// TriageReport holds the figures of the whole line. Ends of intervals (…_low, …_high) are at 95 %: Wilson's for shares,
// percentile bootstrap for means.
type TriageReport struct {
	N          int    `json:"n"` // tickets that did not fail
	Failed     int    `json:"failed"`
	FirstError string `json:"first_error,omitempty"`
	Model      string `json:"model"`
	Taxonomy   string `json:"taxonomy"`
	Index      uint64 `json:"index"`
	Policy     string `json:"policy"`

	// AutomationRate is the share of tickets answered without a human. AnsweredPrecision is the share of right ones
	// among the answered whose truth is known: right category, and the first hit is the solving article where that is
	// known; an answer to an out-of-scope ticket is wrong.
	AutomationRate        Number `json:"automation_rate"`
	AutomationRateLow     Number `json:"automation_rate_low"`
	AutomationRateHigh    Number `json:"automation_rate_high"`
	AnsweredPrecision     Number `json:"answered_precision"`
	AnsweredPrecisionLow  Number `json:"answered_precision_low"`
	AnsweredPrecisionHigh Number `json:"answered_precision_high"`

	// The stages, over the tickets whose truth is known: classification of in-scope tickets, search for the solving
	// article (by ID or group).
	CategoryAccuracy     Number `json:"category_accuracy"`
	CategoryAccuracyLow  Number `json:"category_accuracy_low"`
	CategoryAccuracyHigh Number `json:"category_accuracy_high"`
	ArticleAt1           Number `json:"article@1"`
	ArticleAt1Low        Number `json:"article@1_low"`
	ArticleAt1High       Number `json:"article@1_high"`
	ArticleAt3           Number `json:"article@3"`

	// The draft: mean share of verified statements over drafts that assert something, and the share of citations that
	// point to the solving article, where it is known.
	GroundedShare     Number `json:"grounded_share"`
	CitationPrecision Number `json:"citation_precision"`

	// Cost is the mean over tickets whose truth is known, beside what handing over every ticket would cost.
	Cost          Number `json:"cost"`
	CostLow       Number `json:"cost_low"`
	CostHigh      Number `json:"cost_high"`
	CostEscalated Number `json:"cost_all_escalated"`
	Costs         Costs  `json:"costs"`

	Matrix    map[prediag.Outcome]OutcomeRow `json:"outcomes"`
	Reasons   map[prediag.ReasonCode]int     `json:"reasons"` // tickets with each reason against an answer
	Degraded  map[prediag.Degradation]int    `json:"degraded"`
	Origins   map[string]int                 `json:"draft_origins"` // drafts by who wrote them
	LatencyMS *Percentiles                   `json:"latency_ms,omitempty"`
}

// OutcomeRow counts the tickets with one outcome.
type OutcomeRow struct {
	N       int `json:"n"`
	Right   int `json:"right"` // what was found is right, whether it was sent or not
	Wrong   int `json:"wrong"`
	Unknown int `json:"unknown"` // no truth to hold it against
}

// triageReport sums up the items, which are sorted.
func triageReport(items []TriageItem, opt TriageOptions) TriageReport {
	r := TriageReport{
		Costs: opt.Costs, Matrix: map[prediag.Outcome]OutcomeRow{}, Reasons: map[prediag.ReasonCode]int{},
		Degraded: map[prediag.Degradation]int{}, Origins: map[string]int{},
	}
	var done []TriageItem
	var latencies []time.Duration
	for _, it := range items {
		latencies = append(latencies, it.latency)
		if it.Error != "" {
			if r.Failed++; r.FirstError == "" {
				r.FirstError = it.Error
			}
			continue
		}
		done = append(done, it)
		r.count(it)
	}
	r.N = len(done)
	if len(done) > 0 {
		v := done[0].versions
		r.Model, r.Taxonomy, r.Index, r.Policy = v.Model, v.Taxonomy, v.Index, v.Policy
	}
	r.endFigures(done, opt)
	r.stageFigures(done)
	if opt.Now != nil {
		r.LatencyMS = percentiles(latencies)
	}
	return r
}

func (r *TriageReport) count(it TriageItem) {
	row := r.Matrix[it.Outcome]
	row.N++
	switch {
	case !it.answerable:
		row.Unknown++
	case it.Right:
		row.Right++
	default:
		row.Wrong++
	}
	r.Matrix[it.Outcome] = row
	for _, reason := range it.Reasons {
		r.Reasons[reason]++
	}
	for _, d := range it.degraded {
		r.Degraded[d]++
	}
	if it.origin != "" {
		r.Origins[it.origin]++
	}
}

func (r *TriageReport) endFigures(done []TriageItem, opt TriageOptions) {
	answered := r.Matrix[prediag.OutcomeAnswer]
	r.AutomationRate, r.AutomationRateLow, r.AutomationRateHigh = proportion(answered.N, len(done))
	r.AnsweredPrecision, r.AnsweredPrecisionLow, r.AnsweredPrecisionHigh = proportion(answered.Right, answered.Right+answered.Wrong)
	var costs []float64
	var sum float64
	for _, it := range done {
		if it.answerable {
			costs = append(costs, opt.Costs.of(it))
			sum += opt.Costs.of(it)
		}
	}
	low, high := Bootstrap(costs, opt.Resamples, opt.Seed)
	r.Cost, r.CostLow, r.CostHigh = Number(sum/float64(len(costs))), Number(low), Number(high) // 0/0 is undefined
	r.CostEscalated = Number(opt.Costs.Escalation)
}

func (r *TriageReport) stageFigures(done []TriageItem) {
	labelled, right, known, first, third := 0, 0, 0, 0, 0
	drafts, cited, citations := 0, 0, 0
	var grounded float64
	for _, it := range done {
		if it.Truth != "" && it.Truth != prediag.LabelOutOfScope {
			labelled++
			if it.Label == it.Truth {
				right++
			}
		}
		if it.asserting > 0 {
			drafts++
			grounded += it.grounded
		}
		if it.Article == "" {
			continue
		}
		known++
		cited += it.cited
		citations += it.citations
		if it.Rank == 1 {
			first++
		}
		if it.Rank >= 1 && it.Rank <= 3 {
			third++
		}
	}
	r.CategoryAccuracy, r.CategoryAccuracyLow, r.CategoryAccuracyHigh = proportion(right, labelled)
	r.ArticleAt1, r.ArticleAt1Low, r.ArticleAt1High = proportion(first, known)
	r.ArticleAt3 = Number(ratio(third, known))
	r.GroundedShare = Number(grounded / float64(drafts)) // 0/0 is undefined
	r.CitationPrecision = Number(ratio(cited, citations))
}

// proportion is a share with Wilson's interval.
func proportion(successes, n int) (share, low, high Number) {
	l, h := Wilson(successes, n)
	return Number(ratio(successes, n)), Number(l), Number(h)
}
