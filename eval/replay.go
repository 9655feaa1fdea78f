package eval

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

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
	Differences []DecisionChange                            `json:"differences"` // every ticket with another outcome or category, by ID
	Failed      int                                         `json:"failed"`      // in either run
	OnlyBefore  int                                         `json:"only_before"` // tickets that only one run has
	OnlyAfter   int                                         `json:"only_after"`
}

// DecisionChange is one ticket that is decided in another way.
type DecisionChange struct {
	ID      string               `json:"id"`
	Truth   string               `json:"truth,omitempty"`
	From    prediag.Outcome      `json:"from"`
	To      prediag.Outcome      `json:"to"`
	LabelA  string               `json:"label_from"`
	LabelB  string               `json:"label_to"`
	Right   bool                 `json:"right"`             // after
	Reasons []prediag.ReasonCode `json:"reasons,omitempty"` // after
}

// Replay pairs the items of two whole-line runs by ID and tells what would be decided in another way.
func Replay(before, after []TriageItem) DecisionDiff {
	d := DecisionDiff{Moved: map[prediag.Outcome]map[prediag.Outcome]int{}}
	byID := make(map[string]TriageItem, len(after))
	for _, it := range after {
		byID[it.ID] = it
	}
	for _, a := range before {
		b, ok := byID[a.ID]
		if !ok {
			d.OnlyBefore++
			continue
		}
		delete(byID, a.ID)
		if a.Error != "" || b.Error != "" {
			d.Failed++
			continue
		}
		d.add(a, b)
	}
	d.OnlyAfter = len(byID)
	slices.SortFunc(d.Differences, func(x, y DecisionChange) int { return cmp.Compare(x.ID, y.ID) })
	return d
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
		} else if b.Truth != "" || b.Article != "" {
			d.AutoWrong++
		}
	case a.Outcome == prediag.OutcomeAnswer && b.Outcome != prediag.OutcomeAnswer:
		d.Withdrawn++
	}
	if a.Label != b.Label {
		d.Relabelled++
	}
	if a.Label != b.Label || a.Outcome != b.Outcome {
		d.Differences = append(d.Differences, DecisionChange{
			ID: a.ID, Truth: b.Truth, From: a.Outcome, To: b.Outcome, LabelA: a.Label, LabelB: b.Label, Right: b.Right, Reasons: b.Reasons,
		})
	}
}

// WriteMarkdown writes the diff for people: the matrix of outcomes, and the first changes.
func (d DecisionDiff) WriteMarkdown(w io.Writer) error {
	outcomes := []prediag.Outcome{prediag.OutcomeAnswer, prediag.OutcomeSuggest, prediag.OutcomeEscalate}
	var b strings.Builder
	fmt.Fprintf(&b, "## %d of %d tickets decided in another way\n\n", len(d.Differences), d.Tickets)
	fmt.Fprintf(&b, "%d more answered automatically (%d right, %d wrong as far as known), %d no longer; %d with another category; %d failed.\n\n",
		d.Automated, d.AutoRight, d.AutoWrong, d.Withdrawn, d.Relabelled, d.Failed)
	b.WriteString("| from \\ to |")
	for _, to := range outcomes {
		fmt.Fprintf(&b, " %s |", to)
	}
	b.WriteString("\n|---|--:|--:|--:|\n")
	for _, from := range outcomes {
		fmt.Fprintf(&b, "| %s |", from)
		for _, to := range outcomes {
			fmt.Fprintf(&b, " %d |", d.Moved[from][to])
		}
		b.WriteString("\n")
	}
	if len(d.Differences) > 0 {
		b.WriteString("\n| ticket | truth | from | to | reasons |\n|---|---|---|---|---|\n")
	}
	for _, c := range d.Differences[:min(shownFlips, len(d.Differences))] {
		fmt.Fprintf(&b, "| %s | %s | %s %s | %s %s | %s |\n", cell(c.ID), cell(c.Truth), c.From, cell(c.LabelA), c.To, cell(c.LabelB), cell(reasonList(c.Reasons)))
	}
	if rest := len(d.Differences) - shownFlips; rest > 0 {
		fmt.Fprintf(&b, "\n… and %d more.\n", rest)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func reasonList(reasons []prediag.ReasonCode) string {
	words := make([]string, len(reasons))
	for i, r := range reasons {
		words[i] = string(r)
	}
	return strings.Join(words, ", ")
}
