package eval

import (
	"fmt"
	"io"
	"strings"

	"prediag"
)

// WriteMarkdown writes the diff for people: the matrix of outcomes, who was right, and the first changes of each kind.
func (d DecisionDiff) WriteMarkdown(w io.Writer) error {
	outcomes := []prediag.Outcome{prediag.OutcomeAnswer, prediag.OutcomeSuggest, prediag.OutcomeEscalate}
	var b strings.Builder
	fmt.Fprintf(&b, "## %d of %d tickets decided in another way\n\n", d.Changed, d.Tickets)
	fmt.Fprintf(&b, "%d more answered automatically (%d right, %d wrong as far as known), %d no longer; %d with another category; %d failed.\n",
		d.Automated, d.AutoRight, d.AutoWrong, d.Withdrawn, d.Relabelled, d.Failed)
	if d.Undecided > 0 {
		fmt.Fprintf(&b, "%d were kept without the facts that a policy alone needs: replay them with --model.\n", d.Undecided)
	}
	if d.FirstError != "" {
		fmt.Fprintf(&b, "The first failure: %s\n", cell(d.FirstError))
	}
	b.WriteString("\n| from \\ to |")
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
	d.writeSides(&b)
	for _, kind := range d.kinds() {
		kind.write(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeSides says who was right, where that is known of any ticket.
func (d DecisionDiff) writeSides(b *strings.Builder) {
	if d.Before.LabelsJudged+d.Before.Judged+d.After.Judged == 0 {
		return
	}
	b.WriteString("\n| as far as humans said | before | after |\n|---|--:|--:|\n")
	row := func(name string, value func(DecisionSide) string) {
		fmt.Fprintf(b, "| %s | %s | %s |\n", name, value(d.Before), value(d.After))
	}
	row("right category", func(s DecisionSide) string { return fmt.Sprintf("%d of %d", s.LabelsRight, s.LabelsJudged) })
	row("answered, or drawn from what would be", func(s DecisionSide) string { return fmt.Sprint(s.Answerable) })
	row("of these right", func(s DecisionSide) string { return fmt.Sprintf("%d of %d", s.Right, s.Judged) })
	row("precision (95 %)", func(s DecisionSide) string {
		if s.Judged == 0 {
			return Undefined().String()
		}
		return fmt.Sprintf("%s (%s to %s)", s.Precision, s.PrecisionLow, s.PrecisionHigh)
	})
}

// changeKind is one kind of change with its tickets.
type changeKind struct {
	title   string
	changes []DecisionChange
}

// kinds sorts the changes into four kinds, what matters most first. Each change is in one.
func (d DecisionDiff) kinds() []changeKind {
	kinds := []changeKind{{title: "Answered now, not before"}, {title: "No longer answered"}, {title: "Another category"}, {title: "Other changes"}}
	for _, c := range d.Differences {
		at := 3
		switch {
		case c.To == prediag.OutcomeAnswer && c.From != prediag.OutcomeAnswer:
			at = 0
		case c.From == prediag.OutcomeAnswer && c.To != prediag.OutcomeAnswer:
			at = 1
		case c.LabelA != c.LabelB:
			at = 2
		}
		kinds[at].changes = append(kinds[at].changes, c)
	}
	return kinds
}

func (k changeKind) write(b *strings.Builder) {
	if len(k.changes) == 0 {
		return
	}
	fmt.Fprintf(b, "\n### %s: %d\n\n| ticket | text | truth | from | to | p(category) | p(solved) | reasons |\n|---|---|---|---|---|---|---|---|\n", k.title, len(k.changes))
	for _, c := range k.changes[:min(shownFlips, len(k.changes))] {
		reasons := c.Reasons
		if c.To == prediag.OutcomeAnswer {
			reasons = c.ReasonsA // that no longer stand against it
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s %s | %s %s | %.3f to %.3f | %.3f to %.3f | %s |\n", cell(c.ID), cell(c.Text), cell(c.Truth),
			c.From, cell(c.LabelA), c.To, cell(c.LabelB), c.ProbabilityA, c.ProbabilityB, c.SolvedA, c.SolvedB, cell(reasonList(reasons)))
	}
	if rest := len(k.changes) - shownFlips; rest > 0 {
		fmt.Fprintf(b, "\n… and %d more.\n", rest)
	}
}

func reasonList(reasons []prediag.ReasonCode) string {
	words := make([]string, len(reasons))
	for i, r := range reasons {
		words[i] = string(r)
	}
	return strings.Join(words, ", ")
}
