package eval

import (
	"cmp"
	"slices"
	"sync"

	"prediag"
)

// DecisionDiff says how decisions on the same tickets change from one model, index or policy to another.
type DecisionDiff struct {
	Tickets     int                                         `json:"tickets"`
	Moved       map[prediag.Outcome]map[prediag.Outcome]int `json:"moved"`       // from → to, the unchanged on the diagonal
	Automated   int                                         `json:"automated"`   // answered now, not before
	Withdrawn   int                                         `json:"withdrawn"`   // answered before, not now
	AutoRight   int                                         `json:"auto_right"`  // of Automated, as far as the truth is known
	AutoWrong   int                                         `json:"auto_wrong"`  // of Automated
	Relabelled  int                                         `json:"relabelled"`  // another category
	Before      DecisionSide                                `json:"before"`      // of the same tickets
	After       DecisionSide                                `json:"after"`       //
	Changed     int                                         `json:"changed"`     // tickets with another outcome or category
	Differences []DecisionChange                            `json:"differences"` // these, by ID, MaxDifferences at most
	Failed      int                                         `json:"failed"`      // in either run
	FirstError  string                                      `json:"first_error,omitempty"`
	Undecided   int                                         `json:"undecided"`   // kept without the facts that another policy needs
	OnlyBefore  int                                         `json:"only_before"` // tickets that only one run has
	OnlyAfter   int                                         `json:"only_after"`
}

// MaxDifferences is how many changes a DecisionDiff lists; it counts all.
const MaxDifferences = 10_000

// DecisionSide is how well one of the two decided, over the tickets of which a human said what is right.
type DecisionSide struct {
	// Answerable counts the tickets that were answered, or would have been had they not been drawn for a human to check:
	// of these alone the truth of a live service is known without bias. Precision is the share of right ones, with Wilson's
	// interval at 95 %.
	Answerable    int    `json:"answerable"`
	Judged        int    `json:"judged"` // of Answerable
	Right         int    `json:"right"`  // of Judged
	Precision     Number `json:"precision"`
	PrecisionLow  Number `json:"precision_low"`
	PrecisionHigh Number `json:"precision_high"`
	// LabelsJudged counts all tickets whose category is known, whatever became of them; LabelsRight those with the right one.
	LabelsJudged int `json:"labels_judged"`
	LabelsRight  int `json:"labels_right"`
}

// DecisionChange is one ticket that is decided in another way.
type DecisionChange struct {
	ID           string               `json:"id"`
	Text         string               `json:"text,omitempty"` // shortened
	Truth        string               `json:"truth,omitempty"`
	From         prediag.Outcome      `json:"from"`
	To           prediag.Outcome      `json:"to"`
	LabelA       string               `json:"label_from"`
	LabelB       string               `json:"label_to"`
	ProbabilityA float64              `json:"probability_from"` // of the label, 0 to 1
	ProbabilityB float64              `json:"probability_to"`
	SolvedA      float64              `json:"solved_from"` // probability that the first article solves the ticket, 0 to 1
	SolvedB      float64              `json:"solved_to"`
	RightA       bool                 `json:"right_before"`
	Right        bool                 `json:"right"` // after
	ReasonsA     []prediag.ReasonCode `json:"reasons_before,omitempty"`
	Reasons      []prediag.ReasonCode `json:"reasons,omitempty"` // after
}

// DecidedItem is a decision as an item of a whole-line run: d needs no more than Verdict, Hits, Outcome, Reasons and Solved.
// truth holds what is right as far as known.
func DecidedItem(id string, d prediag.Diagnosis, truth prediag.Example) TriageItem {
	it := TriageItem{
		ID: id, Language: cmp.Or(d.Ticket.Language, d.Verdict.Language, "und"), Truth: truth.Labels[prediag.FieldCategory], Article: truth.Article,
	}
	it.take(answerOf(d))
	return it
}

// Differ collects pairs of decisions. Its methods may be called from many goroutines; its memory is bounded.
type Differ struct {
	mu   sync.Mutex
	diff DecisionDiff
}

// NewDiffer returns a Differ without pairs.
func NewDiffer() *Differ {
	return &Differ{diff: DecisionDiff{Moved: map[prediag.Outcome]map[prediag.Outcome]int{}, Differences: []DecisionChange{}}}
}

// Add takes in one ticket. An item with an error counts as failed. text is asked for a ticket that is decided in another
// way; nil: its text is not shown.
func (d *Differ) Add(before, after TriageItem, text func() string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := cmp.Or(before.Error, after.Error); e != "" {
		d.diff.Failed++
		d.diff.FirstError = cmp.Or(d.diff.FirstError, e)
		return
	}
	if d.diff.add(before, after); before.Outcome == after.Outcome && before.Label == after.Label {
		return
	}
	if d.diff.Changed++; len(d.diff.Differences) >= MaxDifferences {
		return
	}
	c := change(before, after)
	if text != nil {
		c.Text = beginning(text())
	}
	d.diff.Differences = append(d.diff.Differences, c)
}

// Undecided counts a ticket on which the other side cannot decide.
func (d *Differ) Undecided() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.diff.Undecided++
}

// Diff is what was collected, the differences by ID.
func (d *Differ) Diff() DecisionDiff {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.diff
	out.Differences = slices.Clone(out.Differences)
	slices.SortFunc(out.Differences, func(x, y DecisionChange) int { return cmp.Compare(x.ID, y.ID) })
	for _, side := range []*DecisionSide{&out.Before, &out.After} {
		side.Precision = Undefined()
		if side.Judged > 0 {
			side.Precision = Number(float64(side.Right) / float64(side.Judged))
		}
		low, high := Wilson(side.Right, side.Judged)
		side.PrecisionLow, side.PrecisionHigh = Number(low), Number(high)
	}
	return out
}

// Replay pairs the items of two whole-line runs by ID and tells what would be decided in another way.
func Replay(before, after []TriageItem, text func(id string) string) DecisionDiff {
	d := NewDiffer()
	byID := make(map[string]TriageItem, len(after))
	for _, it := range after {
		byID[it.ID] = it
	}
	for _, a := range before {
		b, ok := byID[a.ID]
		if !ok {
			d.diff.OnlyBefore++
			continue
		}
		delete(byID, a.ID)
		if text == nil {
			d.Add(a, b, nil)
			continue
		}
		d.Add(a, b, func() string { return text(a.ID) })
	}
	d.diff.OnlyAfter = len(byID)
	return d.Diff()
}

func (d *DecisionDiff) add(a, b TriageItem) {
	d.Tickets++
	if d.Moved[a.Outcome] == nil {
		d.Moved[a.Outcome] = map[prediag.Outcome]int{}
	}
	d.Moved[a.Outcome][b.Outcome]++
	switch {
	case b.Outcome == prediag.OutcomeAnswer && a.Outcome != prediag.OutcomeAnswer:
		d.Automated++
		if b.Right {
			d.AutoRight++
		} else if b.judged() {
			d.AutoWrong++
		}
	case a.Outcome == prediag.OutcomeAnswer && b.Outcome != prediag.OutcomeAnswer:
		d.Withdrawn++
	}
	if a.Label != b.Label {
		d.Relabelled++
	}
	d.Before.add(a)
	d.After.add(b)
}

func (s *DecisionSide) add(it TriageItem) {
	if it.Truth != "" {
		s.LabelsJudged++
		if it.Truth == it.Label {
			s.LabelsRight++
		}
	}
	if !it.answerableNow() {
		return
	}
	s.Answerable++
	if it.judged() {
		s.Judged++
		if it.Right {
			s.Right++
		}
	}
}

// judged reports whether Right says something.
func (it TriageItem) judged() bool { return it.Truth != "" || it.Article != "" }

// answerableNow reports whether the ticket was answered, or only kept from it by the draw for the audit sample.
func (it TriageItem) answerableNow() bool {
	return it.Outcome == prediag.OutcomeAnswer || slices.Contains(it.Reasons, prediag.ReasonAuditSample)
}

func change(a, b TriageItem) DecisionChange {
	return DecisionChange{
		ID: a.ID, Truth: b.Truth, From: a.Outcome, To: b.Outcome, LabelA: a.Label, LabelB: b.Label, ProbabilityA: a.Probability, ProbabilityB: b.Probability,
		SolvedA: a.Solved, SolvedB: b.Solved, RightA: a.Right, Right: b.Right, ReasonsA: a.Reasons, Reasons: b.Reasons,
	}
}

// Gate holds the newly answered tickets against the number of wrong ones that is allowed. Where there are some and none
// was ever judged by a human it is GateInconclusive, without tickets GateError.
func (d DecisionDiff) Gate(maxWrong int) GateStatus {
	switch {
	case d.Tickets == 0:
		return GateError
	case d.AutoWrong > maxWrong:
		return GateRegression
	case d.Automated > 0 && d.AutoRight+d.AutoWrong == 0:
		return GateInconclusive
	}
	return GateOK
}
