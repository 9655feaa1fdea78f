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

// reportOf puts a service's refresh into the words of an own one, so that both print the same.
func reportOf(r prediag.Refresh) ingest.Report {
	out := ingest.Report{Started: r.Started}
	if r.Report == nil {
		return out
	}
	out.Took, out.Generation, out.Twins = r.Report.Took, r.Report.Generation, r.Report.Twins
	out.Phases = ingest.Phases{Reading: r.Report.Reading, Indexing: r.Report.Indexing, Publishing: r.Report.Publishing}
	for _, s := range r.Report.Sources {
		var left []ingest.Quarantined
		for _, f := range s.Faults {
			left = append(left, ingest.Quarantined(f))
		}
		out.Sources = append(out.Sources, ingest.SourceReport{
			Name: s.Name, Files: s.Files, Articles: s.Articles, Added: s.Added, Changed: s.Changed, Moved: s.Moved,
			Unchanged: s.Unchanged, Deleted: s.Deleted, Parsed: s.Parsed, Broken: s.Broken, Skipped: s.Skipped, Quarantined: left, Error: s.Error,
		})
		out.Applied = out.Applied || s.Added+s.Changed+s.Moved+s.Deleted > 0
	}
	return out
}
