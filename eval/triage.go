package eval

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"prediag"
)

// Triager runs one ticket through the whole line: the pipeline in this process, or a client of a running service. A
// request key without ID must make the call count as a new one.
type Triager interface {
	Triage(ctx context.Context, key prediag.RequestKey, t prediag.Ticket) (prediag.Diagnosis, error)
}

// TriageOptions says how Triage measures. The zero value is ready for use.
type TriageOptions struct {
	Workers   int                   // tickets at a time; 0: one for each processor
	Resamples int                   // of the bootstrap; 0: DefaultResamples
	Seed      uint64                // of the bootstrap
	Costs     Costs                 // zero: DefaultCosts
	Now       func() time.Time      // clock for the latencies; nil: they are not measured
	Item      func(TriageItem)      // gets every item at the end, by ID; nil: not wanted
	Progress  func(done, total int) // called after each ticket, one call at a time; nil: not wanted
}

// Costs are what the outcomes cost, in any unit. A wrong automatic answer costs more than a handoff.
type Costs struct {
	RightAnswer     float64 `json:"right_answer"`
	WrongAnswer     float64 `json:"wrong_answer"`
	RightSuggestion float64 `json:"right_suggestion"` // an agent looks and sends it
	WrongSuggestion float64 `json:"wrong_suggestion"` // an agent looks, and starts anew
	Escalation      float64 `json:"escalation"`       // an agent does all of the work
}

// DefaultCosts are in units of one ticket's work by hand.
func DefaultCosts() Costs {
	return Costs{RightAnswer: 0, WrongAnswer: 10, RightSuggestion: 0.3, WrongSuggestion: 1.2, Escalation: 1}
}

// TriageItem is what became of one ticket. It holds no text of the ticket.
type TriageItem struct {
	ID       string               `json:"id"`
	Language string               `json:"language"`
	Outcome  prediag.Outcome      `json:"outcome,omitempty"`
	Truth    string               `json:"truth,omitempty"` // category; empty: not labelled
	Label    string               `json:"label,omitempty"`
	Article  string               `json:"article,omitempty"` // ID or group of the one that solves the ticket; empty: unknown
	Rank     int                  `json:"rank"`              // of that article among the hits, from 1; 0: not found
	Right    bool                 `json:"right"`             // the category is right, and the first hit solves the ticket, as far as known
	Solved   float64              `json:"solved"`            // as the diagnosis states it, 0 to 1
	Reasons  []prediag.ReasonCode `json:"reasons,omitempty"`
	Error    string               `json:"error,omitempty"`

	grounded   float64
	asserting  int // statements of the draft that need a citation
	citations  int
	cited      int // citations of the solving article
	origin     string
	degraded   []prediag.Degradation
	latency    time.Duration
	versions   prediag.Versions
	answerable bool // truth or article is known: Right says something
}

// Triage runs the examples through the whole line and measures each stage and the end. Nothing is asked of the examples:
// stages whose truth they do not hold are measured over those that do. Failed items are counted apart. Without examples
// the error is of kind ErrInvalid; when the context ends it wraps the context's.
func Triage(ctx context.Context, line Triager, examples []prediag.Example, opt TriageOptions) (TriageReport, error) {
	opt.Resamples = cmp.Or(opt.Resamples, DefaultResamples)
	opt.Costs = cmp.Or(opt.Costs, DefaultCosts())
	if opt.Workers <= 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	if len(examples) == 0 {
		return TriageReport{}, prediag.Invalid("NO_EXAMPLES", "examples", "there is no example; give a data set that holds tickets")
	}
	items := make([]TriageItem, len(examples))
	progress := counter{total: len(items), report: opt.Progress}
	parallel(len(items), opt.Workers, func(i int) {
		if ctx.Err() == nil {
			items[i] = triageOne(ctx, line, examples[i], i, opt)
			progress.add()
		}
	})
	if err := ctx.Err(); err != nil {
		return TriageReport{}, fmt.Errorf("triage: %w", err)
	}
	slices.SortStableFunc(items, func(a, b TriageItem) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Truth, b.Truth), cmp.Compare(a.Label, b.Label))
	})
	report := triageReport(items, opt)
	if opt.Item != nil {
		for _, it := range items {
			opt.Item(it)
		}
	}
	return report, nil
}

func triageOne(ctx context.Context, line Triager, e prediag.Example, index int, opt TriageOptions) TriageItem {
	it := TriageItem{
		ID: cmp.Or(e.Ticket.ID, fmt.Sprintf("#%d", index+1)), Language: e.Ticket.Language,
		Truth: e.Labels[prediag.FieldCategory], Article: e.Article,
	}
	var start time.Time
	if opt.Now != nil {
		start = opt.Now()
	}
	d, err := line.Triage(ctx, prediag.RequestKey{}, e.Ticket)
	if opt.Now != nil {
		it.latency = opt.Now().Sub(start)
	}
	it.Language = cmp.Or(it.Language, d.Verdict.Language, "und")
	if err != nil {
		it.Error = cmp.Or(err.Error(), "error without text")
		return it
	}
	it.take(d)
	return it
}

// take reads the diagnosis.
func (it *TriageItem) take(d prediag.Diagnosis) {
	it.Outcome, it.Solved, it.degraded, it.versions = d.Outcome, d.Solved, d.Degraded, d.Versions
	for _, r := range d.Reasons {
		it.Reasons = append(it.Reasons, r.Code)
	}
	slices.Sort(it.Reasons)
	it.Reasons = slices.Compact(it.Reasons)
	if f, ok := d.Verdict.Field(prediag.FieldCategory); ok {
		it.Label = f.Label
	}
	solving := map[string]bool{} // IDs of the articles that solve the ticket: it may be there in several languages
	if it.Article != "" {
		solving[it.Article] = true
		for i, h := range d.Hits {
			if h.ArticleID == it.Article || h.Group == it.Article {
				solving[h.ArticleID] = true
				if it.Rank == 0 {
					it.Rank = i + 1
				}
			}
		}
	}
	it.answerable = it.Truth != "" || it.Article != ""
	it.Right = it.answerable && (it.Truth == "" || it.Truth == it.Label && it.Truth != prediag.LabelOutOfScope) && (it.Article == "" || it.Rank == 1)
	it.takeDraft(d.Draft, solving)
}

func (it *TriageItem) takeDraft(draft prediag.Draft, solving map[string]bool) {
	it.grounded, it.origin = draft.Grounded, draft.Origin
	for _, s := range draft.Statements {
		if !s.Kind.Asserts() {
			continue
		}
		it.asserting++
		for _, c := range s.Citations {
			it.citations++
			if solving[c.ArticleID] {
				it.cited++
			}
		}
	}
}

// of is what the item's outcome costs.
func (c Costs) of(it TriageItem) float64 {
	switch {
	case it.Outcome == prediag.OutcomeAnswer && it.Right:
		return c.RightAnswer
	case it.Outcome == prediag.OutcomeAnswer:
		return c.WrongAnswer
	case it.Outcome == prediag.OutcomeSuggest && it.Right:
		return c.RightSuggestion
	case it.Outcome == prediag.OutcomeSuggest:
		return c.WrongSuggestion
	}
	return c.Escalation
}
