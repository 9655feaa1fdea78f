package review

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"prediag"
)

// Stats are counts over everything that was ever stored, what Prune removed included.
type Stats struct {
	Open       int                     // cases that wait and that nobody holds
	Claimed    int                     // cases under a lease
	Resolved   int                     // cases with a decision
	OldestOpen time.Duration           // age of the oldest open case; 0 when there is none
	Outcomes   map[prediag.Outcome]int // of customers' tickets
	Actions    map[prediag.ResolutionAction]int
}

// Stats counts cases by state, diagnoses by outcome and resolutions by action. It costs the same at any size.
func (s *Store) Stats(ctx context.Context) (st Stats, err error) {
	err = s.read(ctx, "count", func(q querier) error {
		st, err = loadStats(ctx, q, s.opt.Now())
		return err
	})
	return st, err
}

func loadStats(ctx context.Context, q querier, now time.Time) (Stats, error) {
	st := Stats{Outcomes: map[prediag.Outcome]int{}, Actions: map[prediag.ResolutionAction]int{}}
	var waiting int
	err := q.QueryRowContext(ctx, "select coalesce(sum(waiting), 0), coalesce(sum(resolved), 0) from backlog").Scan(&waiting, &st.Resolved)
	if err != nil {
		return st, err
	}
	if st.Open, err = countOpen(ctx, q, "", "", now); err != nil {
		return st, err
	}
	st.Claimed = waiting - st.Open
	var oldest int64
	err = q.QueryRowContext(ctx, `select created from cases where resolved = 0 and +lease_until <= $1
		order by created limit 1`, micros(now)).Scan(&oldest)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return st, err
	}
	if err == nil {
		st.OldestOpen = max(0, now.Sub(fromMicros(oldest)))
	}
	return st, loadTallies(ctx, q, &st)
}

func loadTallies(ctx context.Context, q querier, st *Stats) error {
	rows, err := q.QueryContext(ctx, "select kind, label, n from tallies")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var kind, label string
		var n int
		if err := rows.Scan(&kind, &label, &n); err != nil {
			return err
		}
		if kind == "outcome" {
			st.Outcomes[prediag.Outcome(label)] = n
		} else {
			st.Actions[prediag.ResolutionAction(label)] = n
		}
	}
	return rows.Err()
}
