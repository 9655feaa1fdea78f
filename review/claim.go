package review

import (
	"context"
	"time"

	"prediag"
)

// Claim gives the reviewer a case for the length of the lease and returns it.
//
// An empty caseID means the first open case of the filter's queue and tier; the filter's other fields play no part. A
// case that the reviewer holds already gets a new lease. The error is of kind ErrConflict when another reviewer holds the
// case or it is resolved, of kind ErrNotFound when there is no such case or none to claim.
func (s *Store) Claim(ctx context.Context, key prediag.RequestKey, caseID, reviewer string, filter prediag.CaseFilter) (prediag.Case, error) {
	return s.step(ctx, key, change{action: "CLAIMED", caseID: caseID, actor: reviewer, filter: filter,
		apply: func(_ context.Context, _ querier, r row, now time.Time) (row, error) {
			if err := r.free(reviewer, now); err != nil {
				return row{}, err
			}
			r.claimedBy = reviewer
			r.leaseUntil = micros(now.Add(s.opt.Lease))
			return r, nil
		}})
}

// Release gives a case back before its lease ends. A case that is open already stays as it is. The error is of kind
// ErrConflict when another reviewer holds it or it is resolved, of kind ErrNotFound when there is no such case.
func (s *Store) Release(ctx context.Context, key prediag.RequestKey, caseID, reviewer string) (prediag.Case, error) {
	if caseID == "" {
		return prediag.Case{}, missingCaseID()
	}
	return s.step(ctx, key, change{action: "RELEASED", caseID: caseID, actor: reviewer,
		done: func(r row, now time.Time) (bool, error) { return !r.resolved && !r.claimed(now), nil },
		apply: func(_ context.Context, _ querier, r row, now time.Time) (row, error) {
			if err := r.free(reviewer, now); err != nil {
				return row{}, err
			}
			r.claimedBy, r.leaseUntil = "", 0
			return r, nil
		}})
}

// free reports, as an error, why the reviewer may not act on the case now.
func (r row) free(reviewer string, now time.Time) error {
	switch {
	case r.resolved:
		return conflict("CASE_RESOLVED", "case %q is resolved, which is final", r.id)
	case r.claimed(now) && r.claimedBy != reviewer:
		return conflict("CASE_CLAIMED", "case %q is claimed by %q until %s; choose another or wait until then",
			r.id, r.claimedBy, fromMicros(r.leaseUntil).Format(time.RFC3339))
	}
	return nil
}

func missingCaseID() error {
	return invalid("CASE_ID_MISSING", "case_id", "the case id is missing; take it from the list of cases")
}
