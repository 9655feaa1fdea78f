package review

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"prediag"
)

// Resolve writes the reviewer's final decision on a case, with the example that it makes, and returns the case. A label
// check makes none: its decision goes back into the data that it came from.
//
// The reviewer must hold the case, or it must be open. A label that Options.Labels does not have is of kind ErrInvalid unless
// r.NewLabel is set. The same resolution again, whatever its time, changes nothing and
// returns the case; a different one is of kind ErrConflict, and so is a case that another reviewer holds. A zero r.At
// means now.
func (s *Store) Resolve(ctx context.Context, key prediag.RequestKey, caseID string, r prediag.Resolution) (prediag.Case, error) {
	if caseID == "" {
		return prediag.Case{}, missingCaseID()
	}
	if err := checkResolution(r); err != nil {
		return prediag.Case{}, err
	}
	return s.step(ctx, key, change{action: "RESOLVED", caseID: caseID, actor: r.Reviewer,
		done: func(was row, now time.Time) (bool, error) {
			c, err := was.bare(now)
			return err == nil && c.Resolution != nil && sameResolution(*c.Resolution, r), err
		},
		apply: func(ctx context.Context, q querier, was row, now time.Time) (row, error) {
			return s.resolve(ctx, q, was, r, now)
		}})
}

// resolve is the row after the decision; it writes the example and the counts.
func (s *Store) resolve(ctx context.Context, q querier, was row, r prediag.Resolution, now time.Time) (row, error) {
	if err := was.free(r.Reviewer, now); err != nil {
		return row{}, err
	}
	d, err := loadDiagnosis(ctx, q, was.diagnosisID)
	if err != nil {
		return row{}, err
	}
	if err := checkAccepted(r, d.Verdict); err != nil {
		return row{}, err
	}
	check, err := was.labelCheck()
	if err != nil {
		return row{}, err
	}
	if err := checkJudged(r, check); err != nil {
		return row{}, err
	}
	if err := s.checkKnown(r, check); err != nil {
		return row{}, err
	}
	if r.At.IsZero() {
		r.At = now
	}
	r.At = r.At.UTC()
	if was.resolution, err = encode(r); err != nil {
		return row{}, invalid("RESOLUTION_NOT_STORABLE", "resolution", "the resolution of case %q cannot be stored: %v", was.id, err)
	}
	was.resolved, was.claimedBy, was.leaseUntil, was.resolvedAt = true, "", 0, micros(now)
	if check == nil {
		if err := insertExample(ctx, q, was.id, example(d, r), now); err != nil {
			return row{}, err
		}
	}
	if err := tally(ctx, q, "action", string(r.Action)); err != nil {
		return row{}, err
	}
	_, err = q.ExecContext(ctx, `update backlog set waiting = waiting - 1, resolved = resolved + 1
		where queue = $1 and tier = $2`, was.queue, was.tier)
	return was, err
}

func checkResolution(r prediag.Resolution) error {
	if err := checkReviewer(r.Reviewer); err != nil {
		return err
	}
	switch r.Action {
	case prediag.ActionAccepted, prediag.ActionCorrected, prediag.ActionRejected:
	default:
		return invalid("ACTION_UNKNOWN", "resolution.action", "the action %q is not known; use ACCEPTED, CORRECTED or REJECTED", r.Action)
	}
	if r.Action == prediag.ActionCorrected && len(r.Labels) == 0 {
		return invalid("LABELS_MISSING", "resolution.labels", "a correction without labels; give the right label of at least one field")
	}
	if len(r.Labels) > prediag.MaxTicketFields {
		return invalid("LABELS_TOO_MANY", "resolution.labels", "%d labels; at most %d are allowed", len(r.Labels), prediag.MaxTicketFields)
	}
	for field, label := range r.Labels {
		if field == "" || label == "" || len(field) > prediag.MaxFieldBytes || len(label) > prediag.MaxFieldBytes {
			return invalid("LABEL_INVALID", "resolution.labels", "the label of field %.64q is empty or over %d bytes; leave out fields that were not judged", field, prediag.MaxFieldBytes)
		}
	}
	if len(r.Article) > prediag.MaxFieldBytes {
		return invalid("ARTICLE_TOO_LONG", "resolution.article", "the article id has %d bytes; at most %d are allowed", len(r.Article), prediag.MaxFieldBytes)
	}
	if n := len(r.Answer) + len(r.Note); n > prediag.MaxTicketBytes {
		return invalid("ANSWER_TOO_LONG", "resolution.answer", "answer and note have %d bytes; at most %d are allowed", n, prediag.MaxTicketBytes)
	}
	return nil
}

// checkAccepted refuses an acceptance that names another label than the one it accepts: it would be counted as right.
func checkAccepted(r prediag.Resolution, v prediag.Verdict) error {
	if r.Action != prediag.ActionAccepted {
		return nil
	}
	for _, f := range v.Fields {
		if label, given := r.Labels[f.Field]; given && label != f.Label {
			return invalid("LABEL_CONTRADICTS", "resolution.labels", "ACCEPTED with label %.64q for field %q, where the diagnosis says %.64q; use CORRECTED", label, f.Field, f.Label)
		}
	}
	return nil
}

// sameResolution reports whether two resolutions decide the same, whenever they were made.
func sameResolution(a, b prediag.Resolution) bool {
	return a.Reviewer == b.Reviewer && a.Action == b.Action && a.Article == b.Article && a.Answer == b.Answer &&
		a.Note == b.Note && maps.Equal(a.Labels, b.Labels)
}

// example is what a classifier may learn from a decision.
//
// An acceptance that names no label confirms every label of the verdict, and the first article that the draft cites. A
// rejection says that no category fits: the ticket is an example of what is out of scope.
func example(d prediag.Diagnosis, r prediag.Resolution) prediag.Example {
	e := prediag.Example{Ticket: d.Ticket, Labels: map[string]string{}, Article: r.Article, Source: "review"}
	maps.Copy(e.Labels, r.Labels)
	switch r.Action {
	case prediag.ActionAccepted:
		if len(r.Labels) == 0 {
			for _, f := range d.Verdict.Fields {
				e.Labels[f.Field] = f.Label
			}
		}
		if e.Article == "" {
			e.Article = citedArticle(d.Draft)
		}
	case prediag.ActionRejected:
		if e.Labels[prediag.FieldCategory] == "" {
			e.Labels[prediag.FieldCategory] = prediag.LabelOutOfScope
		}
	}
	return e
}

// citedArticle is the first article that a statement of the draft rests on; empty when there is none.
func citedArticle(d prediag.Draft) string {
	for _, st := range d.Statements {
		if st.Kind.Asserts() && len(st.Citations) > 0 {
			return st.Citations[0].ArticleID
		}
	}
	return ""
}

// insertExample stores the example unless it says nothing.
func insertExample(ctx context.Context, q querier, caseID string, e prediag.Example, now time.Time) error {
	if len(e.Labels) == 0 && e.Article == "" {
		return nil
	}
	body, err := encode(e)
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, "insert into examples (case_id, created, body) values ($1, $2, $3)", caseID, micros(now), string(body))
	return err
}

// Example is an example with its place in the order in which humans decided.
type Example struct {
	Sequence int64 // 1 or more; grows with every decision
	CaseID   string
	At       time.Time // when it was stored
	Example  prediag.Example
}

// Examples returns up to limit examples (1 to 1,000; 0 means 500) with a sequence greater than after, in order. A page
// may be shorter than limit for its size; the end is reached when it is empty.
func (s *Store) Examples(ctx context.Context, after int64, limit int) (out []Example, err error) {
	if limit < 0 || limit > 1000 {
		return nil, invalid("LIMIT_OUT_OF_RANGE", "limit", "the limit %d is not within 0 and 1,000", limit)
	}
	if limit == 0 {
		limit = 500
	}
	err = s.read(ctx, "list examples", func(q querier) error {
		out, err = loadExamples(ctx, q, after, limit)
		return err
	})
	return out, err
}

func loadExamples(ctx context.Context, q querier, after int64, limit int) ([]Example, error) {
	rows, err := q.QueryContext(ctx, "select seq, case_id, created, body from examples where seq > $1 order by seq limit $2", after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Example
	for size := 0; size < maxPageBytes && rows.Next(); {
		var e Example
		var at int64
		var body []byte
		if err := rows.Scan(&e.Sequence, &e.CaseID, &at, &body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(body, &e.Example); err != nil {
			return nil, unreadable("the example of case", e.CaseID, err)
		}
		e.At = fromMicros(at)
		size += len(body)
		out = append(out, e)
	}
	return out, rows.Err()
}
