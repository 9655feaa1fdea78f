package review

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"prediag"
)

// Record stores a diagnosis, its case when it has a handoff, and the request key, and returns what is stored.
//
// The same key again returns the diagnosis that was stored the first time; with another digest the error is of kind
// ErrReused. Times come back in UTC, bytes that are not UTF-8 as U+FFFD, and Facts, which go into the audit log, not at all. A
// diagnosis or case ID that is taken is of kind ErrConflict, a full queue of kind ErrOverloaded.
func (s *Store) Record(ctx context.Context, key prediag.RequestKey, d prediag.Diagnosis) (prediag.Diagnosis, error) {
	stored, errs := s.RecordAll(ctx, []prediag.RequestKey{key}, []prediag.Diagnosis{d})
	return stored[0], errs[0]
}

// RecordAll does what Record does for each pair of keys and diagnoses, which must be equally many, in one transaction.
// Both results are as long as ds. An item that is refused does not hold up the others; when the transaction fails, every
// item has an error.
func (s *Store) RecordAll(ctx context.Context, keys []prediag.RequestKey, ds []prediag.Diagnosis) ([]prediag.Diagnosis, []error) {
	stored, errs := make([]prediag.Diagnosis, len(ds)), make([]error, len(ds))
	items := make([]item, 0, len(ds))
	for i, d := range ds {
		if len(keys) != len(ds) {
			errs[i] = invalid("KEYS_MISMATCH", "", "%d request keys for %d diagnoses; give one for each", len(keys), len(ds))
			continue
		}
		it, err := newItem(keys[i], d)
		if err != nil {
			errs[i] = err
			continue
		}
		it.index = i
		items = append(items, it)
	}
	if len(items) == 0 {
		return stored, errs
	}
	err := s.write(ctx, "record", func(q querier) error {
		for _, it := range items { // of a run that was undone
			stored[it.index], errs[it.index] = prediag.Diagnosis{}, nil
		}
		return s.recordItems(ctx, q, items, stored, errs)
	})
	if err == nil {
		return stored, errs
	}
	clear(stored)
	for _, it := range items {
		if errs[it.index] == nil {
			errs[it.index] = err
		}
	}
	return stored, errs
}

// item is one diagnosis on its way into the store.
type item struct {
	index int // in the caller's slices
	key   prediag.RequestKey
	d     prediag.Diagnosis
	body  []byte // without the facts, which are in the decision

	decision []byte
}

func newItem(key prediag.RequestKey, d prediag.Diagnosis) (item, error) {
	if err := checkKey(key); err != nil {
		return item{}, err
	}
	ids := []string{d.ID}
	if d.Handoff != nil {
		ids = append(ids, d.Handoff.CaseID, d.Handoff.Queue, d.Handoff.Tier)
	}
	for i, id := range ids {
		if id == "" && i < 2 {
			return item{}, invalid("DIAGNOSIS_INCOMPLETE", "diagnosis", "a diagnosis needs an id, and a handoff needs a case id")
		}
		if len(id) > prediag.MaxFieldBytes {
			return item{}, invalid("DIAGNOSIS_ID_TOO_LONG", "diagnosis", "an id, queue or tier of diagnosis %.64q is over %d bytes", d.ID, prediag.MaxFieldBytes)
		}
	}
	decision, err := encodeDecision(decisionOf(d))
	if err != nil {
		return item{}, err
	}
	d.Facts = nil
	body, err := encodeDiagnosis(d)
	return item{key: key, d: d, body: body, decision: decision}, err
}

// recordItems stores each item under a savepoint of its own, so that a refused one leaves nothing behind.
func (s *Store) recordItems(ctx context.Context, q querier, items []item, stored []prediag.Diagnosis, errs []error) error {
	now := s.opt.Now()
	if err := s.purge(ctx, q, now, purgeStep+2*len(items)); err != nil {
		return err
	}
	for _, it := range items {
		if _, err := q.ExecContext(ctx, "savepoint item"); err != nil {
			return err
		}
		var refused *prediag.Error
		d, err := s.recordItem(ctx, q, it, now)
		switch {
		case err == nil:
			stored[it.index] = d
		case errors.As(err, &refused):
			errs[it.index] = err
			if _, err := q.ExecContext(ctx, "rollback to savepoint item"); err != nil {
				return err
			}
		default:
			return err
		}
		if _, err := q.ExecContext(ctx, "release savepoint item"); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) recordItem(ctx context.Context, q querier, it item, now time.Time) (prediag.Diagnosis, error) {
	if a, found, err := s.answered(ctx, q, it.key, now); err != nil {
		return prediag.Diagnosis{}, err
	} else if found {
		return loadDiagnosis(ctx, q, a.diagnosisID)
	}
	if err := insertDiagnosis(ctx, q, it, now); err != nil {
		return prediag.Diagnosis{}, err
	}
	if err := insertDecision(ctx, q, it, now); err != nil {
		return prediag.Diagnosis{}, err
	}
	caseID := ""
	if it.d.Handoff != nil {
		caseID = it.d.Handoff.CaseID
		if err := s.insertCase(ctx, q, it.d, now); err != nil {
			return prediag.Diagnosis{}, err
		}
	}
	e := entry{actor: it.key.Caller, action: "RECORDED", caseID: caseID, diagnosisID: it.d.ID, body: it.body}
	if err := event(ctx, q, now, e); err != nil {
		return prediag.Diagnosis{}, err
	}
	if err := s.remember(ctx, q, it.key, answer{diagnosisID: it.d.ID}, now); err != nil {
		return prediag.Diagnosis{}, err
	}
	// Decoding what was encoded makes the first answer equal to every later one, to the byte.
	return decodeDiagnosis(it.d.ID, it.body)
}

func insertDiagnosis(ctx context.Context, q querier, it item, now time.Time) error {
	done, err := q.ExecContext(ctx, `insert into diagnoses (id, outcome, created, checksum, body)
		values ($1, $2, $3, $4, $5) on conflict (id) do nothing`,
		it.d.ID, string(it.d.Outcome), micros(now), checksum(it.body), string(it.body))
	if err := wantRow(done, err, "DIAGNOSIS_EXISTS", "diagnosis %q is stored already", it.d.ID); err != nil {
		return err
	}
	return tally(ctx, q, "outcome", string(it.d.Outcome))
}

const noDeadline = math.MaxInt64 // as the column holds it: after all others

// insertCase opens the case of a diagnosis that has a handoff.
func (s *Store) insertCase(ctx context.Context, q querier, d prediag.Diagnosis, now time.Time) error {
	var waiting int
	if err := q.QueryRowContext(ctx, "select coalesce(sum(waiting), 0) from backlog").Scan(&waiting); err != nil {
		return err
	}
	if waiting >= s.opt.MaxOpen {
		return &prediag.Error{Kind: prediag.ErrOverloaded, Reason: "QUEUE_FULL", RetryAfter: time.Minute, Message: fmt.Sprintf(
			"%d cases wait for a human, which is the limit; have cases resolved or raise the limit", waiting)}
	}
	h := d.Handoff
	deadline := int64(noDeadline)
	if !h.Deadline.IsZero() {
		deadline = micros(h.Deadline)
	}
	done, err := q.ExecContext(ctx, `insert into cases (id, diagnosis_id, queue, tier, priority, deadline, created)
		values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing`,
		h.CaseID, d.ID, h.Queue, h.Tier, h.Priority, deadline, micros(now))
	if err := wantRow(done, err, "CASE_EXISTS", "case %q is stored already", h.CaseID); err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, `insert into backlog (queue, tier, waiting, resolved) values ($1, $2, 1, 0)
		on conflict (queue, tier) do update set waiting = backlog.waiting + 1`, h.Queue, h.Tier)
	return err
}

// wantRow makes a conflict of a statement that should have changed one row and changed none.
func wantRow(done sql.Result, err error, reason, format, id string) error {
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return &prediag.Error{Kind: prediag.ErrConflict, Reason: reason, Message: fmt.Sprintf(format, id)}
}

func tally(ctx context.Context, q querier, kind, label string) error {
	_, err := q.ExecContext(ctx, `insert into tallies (kind, label, n) values ($1, $2, 1)
		on conflict (kind, label) do update set n = tallies.n + 1`, kind, label)
	return err
}

// Recorded returns the diagnosis that the key got before, if any, so that a retry need not be worked on again. The error
// is of kind ErrReused when the key came with another digest.
func (s *Store) Recorded(ctx context.Context, key prediag.RequestKey) (d prediag.Diagnosis, found bool, err error) {
	if err := checkKey(key); err != nil || !key.Idempotent() {
		return prediag.Diagnosis{}, false, err
	}
	err = s.read(ctx, "look up request", func(q querier) error {
		a, ok, err := s.answered(ctx, q, key, s.opt.Now())
		if err != nil || !ok {
			return err
		}
		found = true
		d, err = loadDiagnosis(ctx, q, a.diagnosisID)
		return err
	})
	if err != nil {
		return prediag.Diagnosis{}, false, err
	}
	return d, found, nil
}

// Diagnosis returns the stored diagnosis with the ID. The error is of kind ErrNotFound when there is none.
func (s *Store) Diagnosis(ctx context.Context, id string) (d prediag.Diagnosis, err error) {
	err = s.read(ctx, "get diagnosis", func(q querier) error {
		d, err = loadDiagnosis(ctx, q, id)
		return err
	})
	return d, err
}

func loadDiagnosis(ctx context.Context, q querier, id string) (prediag.Diagnosis, error) {
	d, _, err := loadDiagnosisSize(ctx, q, id)
	return d, err
}

// loadDiagnosisSize also tells how many bytes the stored diagnosis has.
func loadDiagnosisSize(ctx context.Context, q querier, id string) (prediag.Diagnosis, int, error) {
	var body []byte
	var sum int64
	err := q.QueryRowContext(ctx, "select body, checksum from diagnoses where id = $1", id).Scan(&body, &sum)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return prediag.Diagnosis{}, 0, notFound("DIAGNOSIS_NOT_FOUND", "no diagnosis has the id %q", id)
	case err != nil:
		return prediag.Diagnosis{}, 0, err
	case checksum(body) != sum:
		return prediag.Diagnosis{}, 0, unreadable("diagnosis", id, nil)
	}
	d, err := decodeDiagnosis(id, body)
	return d, len(body), err
}

func notFound(reason, format string, args ...any) error {
	return &prediag.Error{Kind: prediag.ErrNotFound, Reason: reason, Message: fmt.Sprintf(format, args...)}
}
