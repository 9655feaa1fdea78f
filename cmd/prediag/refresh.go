package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"prediag"
	"prediag/ingest"
	"prediag/server"
)

// refreshThrough asks the service that holds the data folder for a refresh and waits for its end.
func (a *app) refreshThrough(ctx context.Context, h holder, f ingestFlags) error {
	client, err := server.Dial(h.GRPC)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }() // the answer is here
	op, err := client.Start(ctx, f.force)
	if err != nil {
		return err
	}
	bar := a.newProgress("reading")
	defer bar.end()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for op.State == prediag.RefreshRunning {
		bar.set(op.Done, op.Total)
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for refresh %s, which goes on in the service: %w", op.ID, ctx.Err())
		case <-tick.C:
		}
		if op, err = client.Operation(ctx, op.ID); err != nil {
			return err
		}
	}
	bar.end()
	if op.State == prediag.RefreshFailed {
		return errors.New("the refresh failed, the generation before serves on: " + op.Error)
	}
	report := reportOf(op)
	if err := a.printReport(report, prediag.Generation{Number: report.Generation, Articles: report.Total().Articles}, *f.asJSON); err != nil {
		return err
	}
	if op.Error != "" {
		return errors.New("not every source could be read, their articles are as they were: " + op.Error)
	}
	return nil
}

// reportOf puts a service's refresh into the words of an own one, so that both print the same. What the service does
// not tell, the quarantined files, is in its log and its ledger.
func reportOf(r prediag.Refresh) ingest.Report {
	out := ingest.Report{Started: r.Started}
	if r.Report == nil {
		return out
	}
	out.Took, out.Generation = r.Report.Took, r.Report.Generation
	for _, s := range r.Report.Sources {
		out.Sources = append(out.Sources, ingest.SourceReport{
			Name: s.Name, Files: s.Files, Articles: s.Articles, Added: s.Added, Changed: s.Changed,
			Unchanged: s.Unchanged, Deleted: s.Deleted, Skipped: s.Skipped,
		})
		out.Applied = out.Applied || s.Added+s.Changed+s.Deleted > 0
	}
	return out
}
