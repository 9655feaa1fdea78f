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

	LineFigures

	// The draft: mean share of verified statements over drafts that assert something, and the share of citations that
	// point to the solving article, where it is known.
	GroundedShare         Number `json:"grounded_share"`
	GroundedShareLow      Number `json:"grounded_share_low"`
	GroundedShareHigh     Number `json:"grounded_share_high"`
	CitationPrecision     Number `json:"citation_precision"`
	CitationPrecisionLow  Number `json:"citation_precision_low"` // bootstrap over tickets: a draft's citations hang together
	CitationPrecisionHigh Number `json:"citation_precision_high"`

	// CostEscalated is what handing over every ticket would cost: it is set, not measured.
	CostEscalated Number `json:"cost_all_escalated"`
	Costs         Costs  `json:"costs"`

	Matrix    map[prediag.Outcome]OutcomeRow `json:"outcomes"`
	Reasons   map[prediag.ReasonCode]int     `json:"reasons"` // tickets with each reason against an answer
	Degraded  map[prediag.Degradation]int    `json:"degraded"`
	Origins   map[string]int                 `json:"draft_origins"` // drafts by who wrote them
	LatencyMS *Percentiles                   `json:"latency_ms,omitempty"`

	LLM         LLMReport                         `json:"llm"`
	PerLanguage map[string]TriageSlice            `json:"per_language"`
	PerSlice    map[string]map[string]TriageSlice `json:"per_slice"` // by TriageItem.Slices: name, value
}

// LineFigures are those that a part of the tickets has too.
type LineFigures struct {
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
	ArticleAt3Low        Number `json:"article@3_low"`
	ArticleAt3High       Number `json:"article@3_high"`

	// Cost is the mean over tickets whose truth is known, beside what handing over every ticket would cost.
	Cost     Number `json:"cost"`
	CostLow  Number `json:"cost_low"`
	CostHigh Number `json:"cost_high"`
}

// TriageSlice holds the figures of a part of the tickets. Its bootstrap has 2,000 resamples.
type TriageSlice struct {
	N int `json:"n"`
	LineFigures
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
		v := done[0].answer.Versions
		r.Model, r.Taxonomy, r.Index, r.Policy = v.Model, v.Taxonomy, v.Index, v.Policy
	}
	r.LineFigures = lineFigures(done, opt)
	r.CostEscalated = Number(opt.Costs.Escalation)
	r.draftFigures(done, opt)
	r.LLM = llmReport(done, opt)
	slice := func(items []TriageItem) TriageSlice {
		few := opt
		few.Resamples = min(opt.Resamples, sliceResamples)
		return TriageSlice{N: len(items), LineFigures: lineFigures(items, few)}
	}
	r.PerSlice = sliceReports(bySlice(done, func(it TriageItem) map[string]string { return it.Slices }), slice)
	r.PerLanguage = sliceReports(bySlice(done, func(it TriageItem) map[string]string { return map[string]string{"": it.Language} }), slice)[""]
	if opt.Now != nil {
		r.LatencyMS = percentiles(latencies, opt.Seed)
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
	for _, d := range it.answer.Degraded {
		r.Degraded[d]++
	}
	if it.Origin != "" {
		r.Origins[it.Origin]++
	}
}

func lineFigures(done []TriageItem, opt TriageOptions) (f LineFigures) {
	answered, right, wrong, labelled, label, known, first, third := 0, 0, 0, 0, 0, 0, 0, 0
	var costs []float64
	for _, it := range done {
		if it.Outcome == prediag.OutcomeAnswer {
			answered++
			right += count(it.answerable && it.Right)
			wrong += count(it.answerable && !it.Right)
		}
		if it.answerable {
			costs = append(costs, opt.Costs.of(it))
		}
		if it.Truth != "" && it.Truth != prediag.LabelOutOfScope {
			labelled++
			label += count(it.Label == it.Truth)
		}
		if it.Article != "" {
			known++
			first += count(it.Rank == 1)
			third += count(it.Rank >= 1 && it.Rank <= 3)
		}
	}
	f.AutomationRate, f.AutomationRateLow, f.AutomationRateHigh = proportion(answered, len(done))
	f.AnsweredPrecision, f.AnsweredPrecisionLow, f.AnsweredPrecisionHigh = proportion(right, right+wrong)
	f.CategoryAccuracy, f.CategoryAccuracyLow, f.CategoryAccuracyHigh = proportion(label, labelled)
	f.ArticleAt1, f.ArticleAt1Low, f.ArticleAt1High = proportion(first, known)
	f.ArticleAt3, f.ArticleAt3Low, f.ArticleAt3High = proportion(third, known)
	f.Cost, f.CostLow, f.CostHigh = bootstrap(len(costs), opt.Resamples, opt.Seed, weightedMeans(costs))[0].around(meanOf(costs))
	return f
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (r *TriageReport) draftFigures(done []TriageItem, opt TriageOptions) {
	var grounded, cited, citations []float64
	for _, it := range done {
		if it.answer.Asserting > 0 {
			grounded = append(grounded, it.answer.Grounded)
		}
		if it.Article != "" && len(it.answer.Citations) > 0 {
			cited = append(cited, float64(it.cited))
			citations = append(citations, float64(len(it.answer.Citations)))
		}
	}
	r.GroundedShare, r.GroundedShareLow, r.GroundedShareHigh = meanInterval(grounded, bootstrap(len(grounded), opt.Resamples, opt.Seed, weightedMeans(grounded))[0])
	r.CitationPrecision, r.CitationPrecisionLow, r.CitationPrecisionHigh = bootstrap(len(cited), opt.Resamples, opt.Seed,
		weightedRatio(cited, citations))[0].around(meanOf(cited) / meanOf(citations))
}
