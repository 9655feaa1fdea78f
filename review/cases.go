package review

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"prediag"
)

// row is a case without its diagnosis, as the database holds it.
type row struct {
	id, diagnosisID, queue, tier string
	priority                     int
	deadline, created            int64
	resolved                     bool
	claimedBy                    string
	leaseUntil                   int64
	resolution, check            []byte
	resolvedAt                   int64
	rev                          int64
}

const rowColumns = `id, diagnosis_id, queue, tier, priority, deadline, created, resolved, claimed_by, lease_until, resolution, label_check, resolved_at, rev`

// scanRow reads the rowColumns.
func scanRow(scan func(...any) error) (row, error) {
	var r row
	var resolved int
	err := scan(&r.id, &r.diagnosisID, &r.queue, &r.tier, &r.priority, &r.deadline, &r.created, &resolved,
		&r.claimedBy, &r.leaseUntil, &r.resolution, &r.check, &r.resolvedAt, &r.rev)
	r.resolved = resolved != 0
	return r, err
}

// claimed reports whether a reviewer holds the case at this time.
func (r row) claimed(now time.Time) bool { return !r.resolved && r.leaseUntil > micros(now) }

// bare is the case as it stands now, without its diagnosis.
func (r row) bare(now time.Time) (prediag.Case, error) {
	c := prediag.Case{ID: r.id, State: prediag.CaseOpen, Priority: r.priority, Created: fromMicros(r.created)}
	var err error
	if c.Check, err = r.labelCheck(); err != nil {
		return prediag.Case{}, err
	}
	switch {
	case r.resolved:
		c.State = prediag.CaseResolved
		c.Resolution = new(prediag.Resolution)
		if err := json.Unmarshal(r.resolution, c.Resolution); err != nil {
			return prediag.Case{}, unreadable("the resolution of case", r.id, err)
		}
	case r.claimed(now):
		c.State = prediag.CaseClaimed
		c.ClaimedBy = r.claimedBy
		c.LeaseUntil = fromMicros(r.leaseUntil)
	}
	return c, nil
}

func loadRow(ctx context.Context, q querier, id string) (row, error) {
	r, err := scanRow(q.QueryRowContext(ctx, "select "+rowColumns+" from cases where id = $1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, notFound("CASE_NOT_FOUND", "no case has the id %q", id)
	}
	return r, err
}

// Case returns the case with the ID as it stands now. The error is of kind ErrNotFound when there is none.
func (s *Store) Case(ctx context.Context, id string) (c prediag.Case, err error) {
	err = s.read(ctx, "get case", func(q querier) error {
		r, err := loadRow(ctx, q, id)
		if err != nil {
			return err
		}
		if c, err = r.bare(s.opt.Now()); err != nil {
			return err
		}
		c.Diagnosis, err = loadDiagnosis(ctx, q, r.diagnosisID)
		return err
	})
	if err != nil {
		return prediag.Case{}, err
	}
	return c, nil
}

// change is one step of a case: it gets the row as it is and returns it as it shall be.
type change struct {
	action string // the event's name
	caseID string // empty: the first open case that the filter selects
	actor  string // the reviewer
	filter prediag.CaseFilter
	done   func(r row, now time.Time) (bool, error) // whether the row is already as the change would make it; nil: never
	apply  func(ctx context.Context, q querier, r row, now time.Time) (row, error)
}

// step makes a change once for a key and returns the case after it.
func (s *Store) step(ctx context.Context, key prediag.RequestKey, ch change) (c prediag.Case, err error) {
	if err := checkKey(key); err != nil {
		return prediag.Case{}, err
	}
	if err := checkReviewer(ch.actor); err != nil {
		return prediag.Case{}, err
	}
	err = s.write(ctx, ch.action, func(q querier) error {
		now := s.opt.Now()
		a, found, err := s.answered(ctx, q, key, now)
		if err != nil {
			return err
		}
		if found {
			c, err = s.replayCase(ctx, q, a)
			return err
		}
		c, err = s.stepOnce(ctx, q, key, ch, now)
		return err
	})
	if err != nil {
		return prediag.Case{}, err
	}
	return c, nil
}

func (s *Store) stepOnce(ctx context.Context, q querier, key prediag.RequestKey, ch change, now time.Time) (prediag.Case, error) {
	if err := s.purge(ctx, q, now, purgeStep); err != nil {
		return prediag.Case{}, err
	}
	r, err := s.pick(ctx, q, ch, now)
	if err != nil {
		return prediag.Case{}, err
	}
	done := false
	if ch.done != nil {
		if done, err = ch.done(r, now); err != nil {
			return prediag.Case{}, err
		}
	}
	if !done {
		if r, err = ch.apply(ctx, q, r, now); err != nil {
			return prediag.Case{}, err
		}
	}
	c, err := r.bare(now)
	if err != nil {
		return prediag.Case{}, err
	}
	body, err := encode(c)
	if err != nil {
		return prediag.Case{}, err
	}
	if !done {
		if err := saveStep(ctx, q, ch, r, body, now); err != nil {
			return prediag.Case{}, err
		}
	}
	if err := s.remember(ctx, q, key, answer{diagnosisID: r.diagnosisID, body: body}, now); err != nil {
		return prediag.Case{}, err
	}
	c.Diagnosis, err = loadDiagnosis(ctx, q, r.diagnosisID)
	return c, err
}

// saveStep writes the changed row and the event of the change.
func saveStep(ctx context.Context, q querier, ch change, r row, body []byte, now time.Time) error {
	if err := saveRow(ctx, q, r); err != nil {
		return err
	}
	return event(ctx, q, now, entry{actor: ch.actor, action: ch.action, caseID: r.id, diagnosisID: r.diagnosisID, body: body})
}

// pick is the case that a change names, or the first open one that its filter selects.
func (s *Store) pick(ctx context.Context, q querier, ch change, now time.Time) (row, error) {
	if ch.caseID != "" {
		return loadRow(ctx, q, ch.caseID)
	}
	w := caseWhere(ch.filter, false)
	w.and("+lease_until <= ?", micros(now)) // the plus keeps the planner on the index that has the order
	r, err := scanRow(q.QueryRowContext(ctx, w.query(1), w.args...).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, notFound("NOTHING_TO_CLAIM", "no case of queue %q and tier %q is open", ch.filter.Queue, ch.filter.Tier)
	}
	return r, err
}

// saveRow writes what may change of a case, when nobody else changed it since it was read.
func saveRow(ctx context.Context, q querier, r row) error {
	resolved := 0
	if r.resolved {
		resolved = 1
	}
	done, err := q.ExecContext(ctx, `update cases set resolved = $1, claimed_by = $2, lease_until = $3, resolution = $4,
		resolved_at = $5, rev = rev + 1 where id = $6 and rev = $7`, resolved, r.claimedBy, r.leaseUntil, string(r.resolution), r.resolvedAt, r.id, r.rev)
	return wantRow(done, err, "CASE_CHANGED", "case %q was changed by another call; try again", r.id)
}

func checkReviewer(name string) error {
	if name == "" {
		return invalid("REVIEWER_MISSING", "reviewer", "the reviewer is missing; say who decides")
	}
	if len(name) > prediag.MaxFieldBytes {
		return invalid("REVIEWER_TOO_LONG", "reviewer", "the reviewer's name has %d bytes; at most %d are allowed", len(name), prediag.MaxFieldBytes)
	}
	return nil
}

func conflict(reason, format string, args ...any) error {
	return &prediag.Error{Kind: prediag.ErrConflict, Reason: reason, Field: "case_id", Message: fmt.Sprintf(format, args...)}
}
