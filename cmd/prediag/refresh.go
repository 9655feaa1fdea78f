package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"prediag"
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
	if *f.asJSON {
		return a.printMessage(server.RefreshMessage(op))
	}
	return renderRefresh(a.out, op)
}
