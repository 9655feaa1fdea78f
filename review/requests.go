package review

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"prediag"
)

// answer is what a request got: a diagnosis, or a case as it then was.
type answer struct {
	diagnosisID string
	body        []byte // JSON of the case without its diagnosis, which never changes; empty: the diagnosis is the answer
}

// purgeStep is how many forgotten keys one change removes beside its own work: more than it adds, so that the table
// shrinks, and few enough that no call is held up.
const purgeStep = 16

func checkKey(key prediag.RequestKey) error {
	for _, part := range []string{key.Method, key.ID, key.Caller, key.Digest} {
		if len(part) > prediag.MaxFieldBytes {
			return invalid("REQUEST_ID_TOO_LONG", "request_id", "the request key holds %d bytes in one part; at most %d are allowed", len(part), prediag.MaxFieldBytes)
		}
	}
	return nil
}

// answered finds the answer that the key got within the retention.
func (s *Store) answered(ctx context.Context, q querier, key prediag.RequestKey, now time.Time) (answer, bool, error) {
	if !key.Idempotent() {
		return answer{}, false, nil
	}
	var a answer
	var have string
	err := q.QueryRowContext(ctx, `select digest, diagnosis_id, body from requests
		where method = $1 and caller = $2 and id = $3 and created > $4`,
		key.Method, key.Caller, key.ID, micros(now.Add(-s.opt.Retention))).Scan(&have, &a.diagnosisID, &a.body)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return answer{}, false, nil
	case err != nil:
		return answer{}, false, err
	case have != key.Digest:
		return answer{}, false, &prediag.Error{Kind: prediag.ErrReused, Reason: "REQUEST_ID_REUSED", Field: "request_id",
			Message: "request id \"" + key.ID + "\" came before with another request; use a new id for a new request"}
	}
	return a, true, nil
}

// remember stores the answer under the key, in place of one that is past the retention.
func (s *Store) remember(ctx context.Context, q querier, key prediag.RequestKey, a answer, now time.Time) error {
	if !key.Idempotent() {
		return nil
	}
	// The condition on the old row matters where several connections write: it never replaces a living answer.
	done, err := q.ExecContext(ctx, `insert into requests (method, caller, id, digest, diagnosis_id, body, created)
		values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (method, caller, id) do update set digest = excluded.digest, diagnosis_id = excluded.diagnosis_id,
			body = excluded.body, created = excluded.created
		where requests.created <= $8`,
		key.Method, key.Caller, key.ID, key.Digest, a.diagnosisID, string(a.body), micros(now), micros(now.Add(-s.opt.Retention)))
	return wantRow(done, err, "REQUEST_IN_FLIGHT", "request id %q is being worked on by another call; try again", key.ID)
}

// purge removes up to n keys that are past the retention, oldest first.
func (s *Store) purge(ctx context.Context, q querier, now time.Time, n int) error {
	_, err := q.ExecContext(ctx, `delete from requests where (method, caller, id) in
		(select method, caller, id from requests where created <= $1 order by created limit $2)`,
		micros(now.Add(-s.opt.Retention)), n)
	return err
}

// replayCase is the case that the key got before.
func (s *Store) replayCase(ctx context.Context, q querier, a answer) (prediag.Case, error) {
	var c prediag.Case
	if err := json.Unmarshal(a.body, &c); err != nil {
		return prediag.Case{}, unreadable("the answer for diagnosis", a.diagnosisID, err)
	}
	var err error
	c.Diagnosis, err = loadDiagnosis(ctx, q, a.diagnosisID)
	return c, err
}

// event appends to the record of who did what.
func event(ctx context.Context, q querier, now time.Time, e entry) error {
	_, err := q.ExecContext(ctx, `insert into events (created, actor, action, case_id, diagnosis_id, digest)
		values ($1, $2, $3, $4, $5, $6)`, micros(now), e.actor, e.action, e.caseID, e.diagnosisID, digest(e.body))
	return err
}

// entry is one event; body is what was written, of which the digest is kept.
type entry struct {
	actor, action, caseID, diagnosisID string
	body                               []byte
}
