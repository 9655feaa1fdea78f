package review

import (
	"context"
	"fmt"
	"time"

	"prediag"
)

const (
	pruneStep  = 16                    // diagnoses that one transaction looks at, so that no call is held up
	prunePause = 20 * time.Millisecond // between two transactions
)

// Prune removes the diagnoses that were recorded before a time, with their entries in the audit log and their resolved
// cases, and returns how many. A diagnosis stays while its case waits, and until its resolution is as old as that; the
// examples that the resolutions made, and the counts of Stats, stay for good. The file does not shrink: its room is used
// again. A time within Options.Retention is of kind ErrInvalid: retries could not be answered.
func (s *Store) Prune(ctx context.Context, before time.Time) (removed int, err error) {
	if before.After(s.opt.Now().Add(-s.opt.Retention)) {
		return 0, invalid("PRUNE_TOO_RECENT", "before", "diagnoses of the last %s answer retries; keep them longer than that", s.opt.Retention)
	}
	var at entryPosition
	for {
		done := false
		err := s.write(ctx, "prune", func(q querier) error {
			old, next, err := loadOld(ctx, q, before, at)
			if err != nil {
				return err
			}
			at, done = next, len(old) < pruneStep
			for _, o := range old {
				if o.waits || o.resolvedAt >= micros(before) {
					continue
				}
				if err := removeDiagnosis(ctx, q, o.diagnosisID); err != nil {
					return err
				}
				removed++
			}
			return nil
		})
		if err != nil || done {
			return removed, err
		}
		select {
		case <-ctx.Done():
			return removed, fmt.Errorf("review: prune: %w", ctx.Err())
		case <-time.After(prunePause):
		}
	}
}

// oldRow is a diagnosis past its time.
type oldRow struct {
	diagnosisID string
	waits       bool
	resolvedAt  int64
}

func loadOld(ctx context.Context, q querier, before time.Time, at entryPosition) ([]oldRow, entryPosition, error) {
	rows, err := q.QueryContext(ctx, `select d.created, d.seq, d.diagnosis_id, coalesce(1 - c.resolved, 0), coalesce(c.resolved_at, 0)
		from decisions d left join cases c on c.diagnosis_id = d.diagnosis_id
		where (d.created, d.seq) > ($1, $2) and d.created < $3 order by d.created, d.seq limit $4`,
		at.created, at.seq, micros(before), pruneStep)
	if err != nil {
		return nil, at, err
	}
	defer rows.Close()
	var out []oldRow
	for rows.Next() {
		var o oldRow
		var waits int
		if err := rows.Scan(&at.created, &at.seq, &o.diagnosisID, &waits, &o.resolvedAt); err != nil {
			return nil, at, err
		}
		o.waits = waits != 0
		out = append(out, o)
	}
	return out, at, rows.Err()
}

// removeDiagnosis deletes the entry of the audit log first: the database itself refuses that while a case waits.
func removeDiagnosis(ctx context.Context, q querier, id string) error {
	for _, statement := range []string{
		"delete from decisions where diagnosis_id = $1", "delete from shadows where diagnosis_id = $1",
		"delete from cases where diagnosis_id = $1", "delete from diagnoses where id = $1",
	} {
		if _, err := q.ExecContext(ctx, statement, id); err != nil {
			return err
		}
	}
	return nil
}

// OpenReadOnly opens the store in the file at path for reading, while another process may be writing it. Calls that
// change something are of kind ErrInvalid. The error is of kind ErrNotFound when there is no such file, of kind
// ErrInvalid when it is another program's or another version's.
func OpenReadOnly(path string, opt Options) (*Store, error) {
	if err := checkFile(path); err != nil {
		return nil, err
	}
	s := &Store{opt: opt.withDefaults()}
	var err error
	if s.reader, err = openPool(path, true); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = s.read(ctx, "open", func(q querier) error { return checkVersion(ctx, q, path) })
	if err != nil {
		_ = s.Close() // the first error says more
		return nil, openFault(path, err)
	}
	return s, nil
}

// readOnly is the error of a change to a store that was opened for reading.
func readOnly(doing string) error {
	return &prediag.Error{Kind: prediag.ErrInvalid, Reason: "STATE_READ_ONLY", Message: doing + ": the state database was opened for reading"}
}
