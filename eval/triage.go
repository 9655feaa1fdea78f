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
	Prices    Prices                // of language models; zero: none is known
	Cache     *Cache                // of a key that names program, model, index and policy; nil: none
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
	ID          string               `json:"id"`
	Language    string               `json:"language"`
	Outcome     prediag.Outcome      `json:"outcome,omitempty"`
	Truth       string               `json:"truth,omitempty"` // category; empty: not labelled
	Label       string               `json:"label,omitempty"`
	Probability float64              `json:"probability,omitempty"` // of Label, 0 to 1
	Article     string               `json:"article,omitempty"`     // ID or group of the one that solves the ticket; empty: unknown
	Rank        int                  `json:"rank"`                  // of that article among the hits, from 1; 0: not found
	Right       bool                 `json:"right"`                 // the category is right, and the first hit solves the ticket, as far as known
	Solved      float64              `json:"solved"`                // as the diagnosis states it, 0 to 1
	Reasons     []prediag.ReasonCode `json:"reasons,omitempty"`
	Origin      string               `json:"origin,omitempty"` // who wrote the draft
	Usage       *prediag.Usage       `json:"usage,omitempty"`  // tokens of a language model, where it said them
	Error       string               `json:"error,omitempty"`

	// Slices are those of ClassifyItem.
	Slices map[string]string `json:"slices,omitempty"`

	answer     lineAnswer
	latency    time.Duration
	cited      int  // citations of the solving article
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
	items, newest := make([]TriageItem, len(examples)), newestTicket(examples)
	progress := counter{total: len(items), report: opt.Progress}
	parallel(len(items), opt.Workers, func(i int) {
		if ctx.Err() == nil {
			items[i] = triageOne(ctx, line, examples[i], i, opt)
			items[i].Slices = slicesOf(examples[i], newest)
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
	d, err := remembered(opt.Cache, func() (lineAnswer, error) { return ask(ctx, line, e.Ticket, opt.Now) }, "triage", e.Ticket)
	it.latency = d.Latency
	it.Language = cmp.Or(it.Language, d.Language, "und")
	if err != nil {
		it.Error = cmp.Or(err.Error(), "error without text")
		return it
	}
	it.take(d)
	return it
}

// lineAnswer is what is measured of a diagnosis, as a cache keeps it.
type lineAnswer struct {
	Outcome     prediag.Outcome
	Language    string
	Label       string // of the category
	Probability float64
	Solved      float64
	Reasons     []prediag.ReasonCode
	Hits        [][2]string // article and group, best first
	Grounded    float64
	Origin      string
	Usage       *prediag.Usage
	Asserting   int      // statements of the draft that need a citation
	Citations   []string // articles that these cite
	Degraded    []prediag.Degradation
	Versions    prediag.Versions
	Latency     time.Duration
}

func ask(ctx context.Context, line Triager, t prediag.Ticket, now func() time.Time) (a lineAnswer, err error) {
	var start time.Time
	if now != nil {
		start = now()
	}
	d, err := line.Triage(ctx, prediag.RequestKey{}, t)
	if err == nil {
		a = answerOf(d)
	}
	a.Language = d.Verdict.Language
	if now != nil {
		a.Latency = now().Sub(start)
	}
	return a, err
}

// answerOf reads the diagnosis.
func answerOf(d prediag.Diagnosis) (a lineAnswer) {
	a.Language = d.Verdict.Language
	a.Outcome, a.Solved, a.Degraded, a.Versions = d.Outcome, d.Solved, d.Degraded, d.Versions
	for _, r := range d.Reasons {
		a.Reasons = append(a.Reasons, r.Code)
	}
	slices.Sort(a.Reasons)
	a.Reasons = slices.Compact(a.Reasons)
	if f, ok := d.Verdict.Field(prediag.FieldCategory); ok {
		a.Label, a.Probability = f.Label, f.Probability
	}
	for _, h := range d.Hits {
		a.Hits = append(a.Hits, [2]string{h.ArticleID, h.Group})
	}
	a.takeDraft(d.Draft)
	return a
}

func (a *lineAnswer) takeDraft(draft prediag.Draft) {
	a.Grounded, a.Origin, a.Usage = draft.Grounded, draft.Origin, draft.Usage
	for _, s := range draft.Statements {
		if !s.Kind.Asserts() {
			continue
		}
		a.Asserting++
		for _, c := range s.Citations {
			a.Citations = append(a.Citations, c.ArticleID)
		}
	}
}

// take reads the answer in the light of the truth.
func (it *TriageItem) take(a lineAnswer) {
	it.answer = a
	it.Outcome, it.Solved, it.Label, it.Probability = a.Outcome, a.Solved, a.Label, a.Probability
	it.Reasons, it.Origin, it.Usage = a.Reasons, a.Origin, a.Usage
	solving := map[string]bool{} // IDs of the articles that solve the ticket: it may be there in several languages
	if it.Article != "" {
		solving[it.Article] = true
		for i, h := range a.Hits {
			if h[0] == it.Article || h[1] == it.Article {
				solving[h[0]] = true
				if it.Rank == 0 {
					it.Rank = i + 1
				}
			}
		}
	}
	for _, c := range a.Citations {
		if solving[c] {
			it.cited++
		}
	}
	it.answerable = it.Truth != "" || it.Article != ""
	it.Right = it.answerable && (it.Truth == "" || it.Truth == it.Label && it.Truth != prediag.LabelOutOfScope) && (it.Article == "" || it.Rank == 1)
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
