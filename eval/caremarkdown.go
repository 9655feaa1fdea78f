package eval

import (
	"fmt"
	"io"
	"strings"
)

// SuspectReport is what a search for label errors found.
type SuspectReport struct {
	Items    int           `json:"items"`  // judged
	Failed   int           `json:"failed"` // on which the model failed
	Suspects []SuspectItem `json:"suspects"`
}

// SuspectItem is a suspect with the text that a human needs to judge it.
type SuspectItem struct {
	Suspect
	Text string `json:"text,omitempty"`
}

// NewSuspectReport finds the suspects among out-of-sample items. The text function may be nil.
func NewSuspectReport(items []ClassifyItem, text func(id string) string) SuspectReport {
	r := SuspectReport{Items: len(items), Suspects: []SuspectItem{}}
	for _, it := range items {
		if it.Error != "" {
			r.Failed++
		}
	}
	for _, s := range Suspects(items) {
		item := SuspectItem{Suspect: s}
		if text != nil {
			item.Text = text(s.ID)
		}
		r.Suspects = append(r.Suspects, item)
	}
	return r
}

// WriteLines writes every suspect as a line of JSON.
func (r SuspectReport) WriteLines(w io.Writer) error {
	raw, err := WriteItems(r.Suspects)
	if err != nil {
		return err
	}
	_, err = w.Write(raw)
	return err
}

// WriteMarkdown writes the first suspects for people.
func (r SuspectReport) WriteMarkdown(w io.Writer, limit int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d tickets may be labelled wrong, the likeliest first (%d failed).\n", len(r.Suspects), r.Items, r.Failed)
	if len(r.Suspects) > 0 {
		b.WriteString("\n| ticket | label | proposed | p(label) | p(proposed) | text |\n|---|---|---|--:|--:|---|\n")
	}
	shown := min(max(limit, 0), len(r.Suspects))
	for _, s := range r.Suspects[:shown] {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", cell(s.ID), cell(s.Label), cell(s.Proposed), s.Given, s.Confidence, cell(beginning(s.Text)))
	}
	if rest := len(r.Suspects) - shown; rest > 0 {
		fmt.Fprintf(&b, "\n… and %d more.\n", rest)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// beginning is what a table shows of a text.
func beginning(s string) string {
	text, cut := cutRunes(strings.Join(strings.Fields(s), " "), 80)
	if cut {
		text += "…"
	}
	return text
}

// WriteMarkdown writes the counts and the first pairs for people, conflicts first.
func (r LeakReport) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	conflicts := 0
	for _, t := range r.Twins {
		if t.Conflict {
			conflicts++
		}
	}
	fmt.Fprintf(&b, "%d of %d test tickets stand in the training set: %d word for word, %d nearly; %d of them with another label.\n",
		r.Near, r.Test, r.Exact, r.Near-r.Exact, conflicts)
	if len(r.Twins) > 0 {
		b.WriteString("\n| training | test | similarity | labels |\n|---|---|--:|---|\n")
	}
	shown := 0
	for _, conflict := range []bool{true, false} {
		for _, t := range r.Twins {
			if t.Conflict != conflict || shown == shownFlips {
				continue
			}
			shown++
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", cell(t.A), cell(t.B), t.Similarity, map[bool]string{true: "differ", false: "same"}[t.Conflict])
		}
	}
	if rest := len(r.Twins) - shown; rest > 0 {
		fmt.Fprintf(&b, "\n… and %d more.\n", rest)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteMarkdown writes a row for each property, with the value that moved most.
func (r DriftReport) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d tickets before, %d after.\n\n| property | distance (95 %%) | chance stays under | p | drifted | moved most |\n|---|--:|--:|--:|---|---|\n", r.Before, r.After)
	for _, row := range r.Rows {
		moved := ""
		if len(row.Moved) > 0 {
			m := row.Moved[0]
			moved = fmt.Sprintf("%s: %s to %s", cell(m.Value), percentOf(m.Before), percentOf(m.After))
		}
		fmt.Fprintf(&b, "| %s | %s (%s to %s) | %s | %s | %s | %s |\n", cell(row.Property), row.Distance, row.Low, row.High, row.Noise, pValue(row.P), map[bool]string{true: "yes", false: "no"}[row.Drifted], moved)
	}
	if r.Unlabelled != "" {
		fmt.Fprintf(&b, "\n%s.\n", r.Unlabelled)
	}
	if r.Unseen != nil && r.UnseenLow != nil && r.UnseenHigh != nil {
		fmt.Fprintf(&b, "\n%s (%s to %s) of the words of a later ticket stand in no earlier one.\n", percentOf(*r.Unseen), percentOf(*r.UnseenLow), percentOf(*r.UnseenHigh))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Curve is a learning curve over one test set.
type Curve struct {
	Test   int          `json:"test"` // examples of the test set
	Points []CurvePoint `json:"points"`
}

// WriteMarkdown writes a row for each size, and what the last step gained.
func (c Curve) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %d tickets; brackets are 95 %% intervals.\n\n| learned from | accuracy | step | macro F1 | coverage at 95 %% |\n|--:|--:|--:|--:|--:|\n", c.Test)
	for _, p := range c.Points {
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s |\n", p.Examples, ranged(p.Accuracy, p.AccuracyLow, p.AccuracyHigh), ranged(p.Step, p.StepLow, p.StepHigh),
			ranged(p.MacroF1, p.MacroF1Low, p.MacroF1High), ranged(p.CoverageAt95, p.CoverageAt95Low, p.CoverageAt95High))
	}
	b.WriteString("\nThe step is the accuracy less that of the row above: while its interval is over 0, more tickets help.\n")
	_, err := io.WriteString(w, b.String())
	return err
}
