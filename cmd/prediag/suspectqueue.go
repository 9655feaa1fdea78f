package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/eval"
	"prediag/review"
	"prediag/server"
)

// suspectQueueFlags say which suspects humans are to look at.
type suspectQueueFlags struct {
	toQueue bool
	dataDir string
	top     int
}

func (f *suspectQueueFlags) flags(c *cobra.Command) {
	c.Flags().BoolVar(&f.toQueue, "to-queue", false, "ask humans: make cases of the suspects, which come after all customers' tickets")
	c.Flags().StringVar(&f.dataDir, "data-dir", "data", "folder of the cases, with --to-queue; while a service holds it they go through the service")
	c.Flags().IntVar(&f.top, "queue-top", 200, "suspects to make cases of, the likeliest errors first")
}

// labelChecker takes in label checks: the service, or the record itself.
type labelChecker interface {
	AddLabelChecks(ctx context.Context, key prediag.RequestKey, checks []prediag.LabelCheck) (int, error)
}

// queueSuspects makes cases of the likeliest suspects. Those that were asked about before are not asked again.
func (a *app) queueSuspects(ctx context.Context, f suspectQueueFlags, suspects []eval.SuspectItem, about careFlags, file string, tickets map[string]prediag.Ticket) error {
	var checks []prediag.LabelCheck
	for _, s := range suspects[:min(max(f.top, 0), len(suspects))] {
		t := tickets[s.ID]
		t.ID = s.ID
		checks = append(checks, prediag.LabelCheck{
			Source: filepath.Base(file), Ticket: t, Field: about.field, Label: s.Label, Suggested: s.Proposed,
			Probability: float64(s.Given), SuggestedProbability: float64(s.Confidence),
		})
	}
	return withLabelChecker(ctx, dataDir(f.dataDir), func(ctx context.Context, q labelChecker) error {
		added := 0
		for part := range slices.Chunk(checks, prediag.MaxBatch) {
			n, err := q.AddLabelChecks(ctx, prediag.RequestKey{}, part)
			if err != nil {
				return fmt.Errorf("after %d label checks: %w", added, err)
			}
			added += n
		}
		a.note("%d label checks added to the queue %s, %d were there before: prediag review claim --queue %s --data-dir %s",
			added, review.LabelCheckQueue, len(checks)-added, review.LabelCheckQueue, f.dataDir)
		return nil
	})
}

// withLabelChecker opens the record, through the service that holds the data folder where there is one.
func withLabelChecker(ctx context.Context, dir dataDir, do func(context.Context, labelChecker) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if h, ok := dir.service(); ok {
		client, err := server.Dial(h.GRPC)
		if err != nil {
			return err
		}
		return errors.Join(do(ctx, client), client.Close())
	}
	return dir.withRecord("eval suspects", review.Options{}, func(store *review.Store) error { return do(ctx, cleanChecks{store}) })
}
