package main

import (
	"context"
	"fmt"
	"slices"

	"prediag"
	"prediag/review"
	"prediag/triage"
)

// cleanChecks takes in label checks without the secrets and personal data of their tickets.
type cleanChecks struct{ *review.Store }

// AddLabelChecks removes secrets and personal data from the tickets before they are stored.
func (r cleanChecks) AddLabelChecks(ctx context.Context, key prediag.RequestKey, checks []prediag.LabelCheck) (int, error) {
	clean := slices.Clone(checks)
	for i := range clean {
		var err error
		if clean[i].Ticket, _, err = triage.Clean(clean[i].Ticket); err != nil {
			return 0, fmt.Errorf("label check %d: %w", i, err)
		}
	}
	return r.Store.AddLabelChecks(ctx, key, clean)
}
