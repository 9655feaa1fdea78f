package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/eval"
	"prediag/review"
)

// kindLabelCheck is the kind of case that asks about the label of a training ticket.
const kindLabelCheck = "label-check"

// exportReport says what became of the label checks.
type exportReport struct {
	Changed   int `json:"changed"`   // another label than the present one was decided on
	Confirmed int `json:"confirmed"` // the present label is right
	Waiting   int `json:"waiting"`   // not decided yet
}

func (a *app) reviewExport() *cobra.Command {
	var f reviewFlags
	var kind, out, field, source string
	c := &cobra.Command{
		Use: "export --kind label-check --out FILE", Short: "Write what humans decided about labels as a patch",
		Long: `export writes the decisions on label checks as a patch for prediag eval patch: one JSON line for each ticket whose label
is to change. Tickets whose present label was confirmed are not in it. Where a ticket was decided on twice, the later counts.`,
		Example: `  prediag review export --kind label-check --out patch.jsonl
  prediag eval patch tickets.jsonl --patch patch.jsonl --out mended.jsonl
  prediag review export --kind label-check --source tickets.jsonl --field tier --out patch.jsonl --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if kind != kindLabelCheck {
				return usageError{fmt.Errorf("--kind is %q: use %s", kind, kindLabelCheck)}
			}
			if err := needFlags(map[string]string{"out": out}); err != nil {
				return err
			}
			return withQueue(cmd.Context(), f, func(ctx context.Context, q queue) error {
				patch, report, err := exportChecks(ctx, q, field, source)
				if err != nil {
					return err
				}
				if err := writeTo(out, func(w io.Writer) error {
					raw, err := eval.WriteItems(patch)
					if err == nil {
						_, err = w.Write(raw)
					}
					return err
				}); err != nil {
					return err
				}
				if *f.asJSON {
					return a.printJSON(report)
				}
				_, err = fmt.Fprintf(a.out, "%d labels to change, %d confirmed, %d still wait\n", report.Changed, report.Confirmed, report.Waiting)
				return err
			})
		},
	}
	f.flags(c)
	c.Flags().StringVar(&kind, "kind", "", "what to export: label-check (required)")
	c.Flags().StringVar(&out, "out", "", "file to write (required)")
	c.Flags().StringVar(&field, "field", prediag.FieldCategory, "field whose labels are meant")
	c.Flags().StringVar(&source, "source", "", "only checks of this source, as eval suspects named it: the name of the file (default: all)")
	return c
}

// exportChecks reads all label checks and makes the patch, by ticket.
func exportChecks(ctx context.Context, q queue, field, source string) ([]eval.LabelChange, exportReport, error) {
	var report exportReport
	latest := map[string]prediag.Case{}
	filter := prediag.CaseFilter{Queue: review.LabelCheckQueue, States: []prediag.CaseState{prediag.CaseOpen, prediag.CaseClaimed, prediag.CaseResolved}, Limit: 500}
	for {
		page, err := q.List(ctx, filter)
		if err != nil {
			return nil, report, err
		}
		for _, c := range page.Cases {
			if c.Check == nil || c.Check.Field != field || source != "" && c.Check.Source != source {
				continue
			}
			if c.Resolution == nil {
				report.Waiting++
				continue
			}
			id := c.Diagnosis.Ticket.ID
			before, twice := latest[id]
			if twice && before.Check.Source != c.Check.Source {
				return nil, report, prediag.Invalid("SOURCES_MIXED", "source", fmt.Sprintf(
					"ticket %q was checked in %q and in %q: say with --source which is meant", id, before.Check.Source, c.Check.Source))
			}
			if !twice || c.Resolution.At.After(before.Resolution.At) {
				latest[id] = c
			}
		}
		if filter.After = page.Next; page.Next == "" {
			break
		}
	}
	patch := []eval.LabelChange{}
	for id, c := range latest {
		if decided := review.DecidedLabel(c); decided != c.Check.Label {
			patch = append(patch, eval.LabelChange{ID: id, Label: c.Check.Label, Proposed: decided})
		}
	}
	slices.SortFunc(patch, func(a, b eval.LabelChange) int { return cmp.Compare(a.ID, b.ID) })
	report.Changed, report.Confirmed = len(patch), len(latest)-len(patch)
	return patch, report, nil
}
