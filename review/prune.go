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
		var n, looked int
		var next entryPosition
		err := s.write(ctx, "prune", func(q querier) (err error) {
			n, looked, next, err = pruneSome(ctx, q, before, at)
			return err
		})
		if err != nil {
			return removed, err
		}
		removed, at = removed+n, next
		if looked < pruneStep {
			return removed, nil
		}
		select {
		case <-ctx.Done():
			return removed, fmt.Errorf("review: prune: %w", ctx.Err())
		case <-time.After(prunePause):
		}
	}
}

// pruneSome removes what may go of the next few diagnoses behind a position, and says how many it looked at and where it
// ended.
func pruneSome(ctx context.Context, q querier, before time.Time, at entryPosition) (removed, looked int, next entryPosition, err error) {
	old, next, err := loadOld(ctx, q, before, at)
	if err != nil {
		return 0, 0, at, err
	}
	for _, o := range old {
		if o.waits || o.resolvedAt >= micros(before) {
			continue
		}
		if err := removeDiagnosis(ctx, q, o.diagnosisID); err != nil {
			return 0, 0, at, err
		}
		removed++
	}
	return removed, len(old), next, nil
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

// readOnly is the error of a change to a store that was opened for reading.
func readOnly(doing string) error {
	return &prediag.Error{Kind: prediag.ErrInvalid, Reason: "STATE_READ_ONLY", Message: doing + ": the state database was opened for reading"}
}
