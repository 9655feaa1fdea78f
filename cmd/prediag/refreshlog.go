package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"prediag/ingest"
)

// refreshRecord is what the data folder remembers of its last refresh.
type refreshRecord struct {
	Report   ingest.Report `json:"report"`
	Error    string        `json:"error,omitempty"`    // why it failed
	LastGood time.Time     `json:"last_good,omitzero"` // when the last one that succeeded ended
}

// readRefresh reads what is remembered of the last refresh; nil when that is nothing, or half of it.
func (d dataDir) readRefresh() (*refreshRecord, error) {
	raw, err := os.ReadFile(d.refreshes())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("last refresh: %w", err)
	}
	var r refreshRecord
	if json.Unmarshal(raw, &r) != nil {
		return nil, nil // it is a memory only
	}
	return &r, nil
}

// recordRefresh returns what writes down how a refresh ended. One that left a source out counts as good for the others.
func (d dataDir) recordRefresh(logger *slog.Logger) func(ingest.Report, error) {
	return func(report ingest.Report, failed error) {
		r := refreshRecord{Report: report, LastGood: report.Started.Add(report.Took)}
		if failed != nil {
			r.Error, r.LastGood = failed.Error(), time.Time{}
			if before, err := d.readRefresh(); err == nil && before != nil {
				r.LastGood = before.LastGood
			}
		}
		if err := writeJSON(d.refreshes(), r); err != nil {
			logger.Error("the refresh's report cannot be written", "error", err)
		}
	}
}
