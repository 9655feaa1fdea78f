package review

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"prediag"
)

// LabelCheckQueue is the queue of the cases that ask about the label of a training ticket, and LabelCheckPriority their
// priority: no customer waits for them, so they come last.
const (
	LabelCheckQueue    = "label-check"
	LabelCheckPriority = 6
)

// maxOpenChecks bounds the label checks that wait at one time, so that they take no room from customers' tickets.
const maxOpenChecks = 10_000

// AddLabelChecks opens a case for each check that has none yet, waiting or resolved, and returns how many are new. What a
// check is about is its field, ticket and present label: another suggestion for them is the same check. All or none are
// added: the error is of kind ErrOverloaded when too many wait, of kind ErrInvalid for a check that says nothing. The
// tickets must be without secrets and personal data.
func (s *Store) AddLabelChecks(ctx context.Context, key prediag.RequestKey, checks []prediag.LabelCheck) (added int, err error) {
	if err := checkKey(key); err != nil {
		return 0, err
	}
	if len(checks) > prediag.MaxBatch {
		return 0, &prediag.Error{Kind: prediag.ErrTooLarge, Reason: "BATCH_TOO_LARGE", Field: "checks",
			Message: fmt.Sprintf("%d label checks; at most %d are taken at a time", len(checks), prediag.MaxBatch)}
	}
	for i, c := range checks {
		if err := checkLabelCheck(c, i); err != nil {
			return 0, err
		}
	}
	err = s.write(ctx, "add label checks", func(q querier) error {
		now := s.opt.Now()
		a, found, err := s.answered(ctx, q, key, now)
		if err != nil {
			return err
		}
		if found {
			added, err = strconv.Atoi(string(a.body))
			return err
		}
		if err := s.purge(ctx, q, now, purgeStep); err != nil {
			return err
		}
		if added, err = addChecks(ctx, q, key.Caller, checks, now); err != nil {
			return err
		}
		return s.remember(ctx, q, key, answer{body: []byte(strconv.Itoa(added))}, now)
	})
	if err != nil {
		return 0, err
	}
	return added, nil
}

func checkLabelCheck(c prediag.LabelCheck, i int) error {
	at := fmt.Sprintf("checks[%d]", i)
	if c.Ticket.Blank() {
		return invalid("TICKET_EMPTY", at+".ticket", "label check %d has a ticket without text; give a title or a body", i)
	}
	for name, s := range map[string]string{"field": c.Field, "label": c.Label, "suggested": c.Suggested} {
		if s == "" || len(s) > prediag.MaxFieldBytes {
			return invalid("LABEL_CHECK_INVALID", at+"."+name, "the %s of label check %d is empty or over %d bytes", name, i, prediag.MaxFieldBytes)
		}
	}
	if len(c.Source) > prediag.MaxFieldBytes {
		return invalid("LABEL_CHECK_INVALID", at+".source", "the source of label check %d has %d bytes; at most %d are allowed", i, len(c.Source), prediag.MaxFieldBytes)
	}
	for name, p := range map[string]float64{"probability": c.Probability, "suggested_probability": c.SuggestedProbability} {
		if !(p >= 0 && p <= 1) {
			return invalid("LABEL_CHECK_INVALID", at+"."+name, "the %s of label check %d is %v, not a number from 0 to 1", name, i, p)
		}
	}
	return nil
}

func addChecks(ctx context.Context, q querier, actor string, checks []prediag.LabelCheck, now time.Time) (added int, err error) {
	for _, c := range checks {
		isNew, err := addCheck(ctx, q, actor, c, now)
		if err != nil {
			return 0, err
		}
		if isNew {
			added++
		}
	}
	var waiting int
	if err := q.QueryRowContext(ctx, "select coalesce(sum(waiting), 0) from backlog where queue = $1", LabelCheckQueue).Scan(&waiting); err != nil {
		return 0, err
	}
	if waiting > maxOpenChecks && added > 0 {
		return 0, &prediag.Error{Kind: prediag.ErrOverloaded, Reason: "QUEUE_FULL", RetryAfter: time.Minute, Message: fmt.Sprintf(
			"more than %d label checks would wait for a human, which is the limit; have some resolved first", maxOpenChecks)}
	}
	return added, nil
}

// addCheck opens the case unless it is there.
func addCheck(ctx context.Context, q querier, actor string, c prediag.LabelCheck, now time.Time) (bool, error) {
	d := checkDiagnosis(c, now)
	caseID := d.Handoff.CaseID
	switch _, err := loadRow(ctx, q, caseID); {
	case err == nil:
		return false, nil
	case !errors.Is(err, prediag.ErrNotFound):
		return false, err
	}
	body, err := encodeDiagnosis(d)
	if err != nil {
		return false, err
	}
	c.Ticket = prediag.Ticket{} // the diagnosis has it
	check, err := encode(c)
	if err != nil {
		return false, err
	}
	for _, st := range []struct {
		query string
		args  []any
	}{
		{"insert into diagnoses (id, outcome, created, checksum, body) values ($1, $2, $3, $4, $5)",
			[]any{d.ID, string(d.Outcome), micros(now), checksum(body), string(body)}},
		{"insert into cases (id, diagnosis_id, queue, tier, priority, deadline, created, label_check) values ($1, $2, $3, $4, $5, $6, $7, $8)",
			[]any{caseID, d.ID, LabelCheckQueue, "", LabelCheckPriority, noDeadline, micros(now), string(check)}},
		{"insert into backlog (queue, tier, waiting, resolved) values ($1, '', 1, 0) on conflict (queue, tier) do update set waiting = backlog.waiting + 1",
			[]any{LabelCheckQueue}},
	} {
		if _, err := q.ExecContext(ctx, st.query, st.args...); err != nil {
			return false, err
		}
	}
	return true, event(ctx, q, now, entry{actor: actor, action: "ADDED", caseID: caseID, diagnosisID: d.ID, body: check})
}

// checkDiagnosis shows a label check as other cases are shown: the suggested label is the verdict, the present one its
// alternative.
func checkDiagnosis(c prediag.LabelCheck, now time.Time) prediag.Diagnosis {
	name := digest([]byte(fmt.Sprintf("%q %q %q %q %q", c.Field, c.Label, c.Ticket.ID, c.Ticket.Title, c.Ticket.Body)))[:20]
	return prediag.Diagnosis{
		ID: "k-" + name, Ticket: c.Ticket, Created: now, Outcome: prediag.OutcomeEscalate,
		Verdict: prediag.Verdict{Language: c.Ticket.Language, Fields: []prediag.FieldVerdict{{
			Field: c.Field, Label: c.Suggested, Probability: c.SuggestedProbability,
			Alternatives: []prediag.Label{{Value: c.Label, Probability: c.Probability}},
		}}},
		Reasons: []prediag.Reason{{Code: prediag.ReasonLabelCheck, Field: c.Field, Detail: fmt.Sprintf(
			"labelled %q with probability %.4f; a model that did not learn from this ticket says %q with %.4f",
			c.Label, c.Probability, c.Suggested, c.SuggestedProbability)}},
		Handoff: &prediag.Handoff{CaseID: "c-k" + name, Queue: LabelCheckQueue, Priority: LabelCheckPriority},
	}
}

// labelCheck is what the case asks, nil for a customer's ticket.
func (r row) labelCheck() (*prediag.LabelCheck, error) {
	if len(r.check) == 0 {
		return nil, nil
	}
	c := new(prediag.LabelCheck)
	if err := json.Unmarshal(r.check, c); err != nil {
		return nil, unreadable("the label check of case", r.id, err)
	}
	return c, nil
}

// checkJudged refuses a decision on a label check that says two things, or nothing on the label in doubt.
func checkJudged(r prediag.Resolution, c *prediag.LabelCheck) error {
	if c == nil {
		return nil
	}
	label := r.Labels[c.Field]
	switch {
	case r.Action == prediag.ActionRejected && label != "" && label != c.Label:
		return invalid("LABEL_CONTRADICTS", "resolution.labels", "REJECTED keeps the present label %.64q of field %q, and %.64q was given; use CORRECTED", c.Label, c.Field, label)
	case r.Action == prediag.ActionCorrected && label == "":
		return invalid("LABELS_MISSING", "resolution.labels", "a correction without the right label of field %q, which is in doubt", c.Field)
	}
	return nil
}

// DecidedLabel is the label that a human decided on in a resolved label check; empty for any other case.
func DecidedLabel(c prediag.Case) string {
	if c.Check == nil || c.Resolution == nil {
		return ""
	}
	switch c.Resolution.Action {
	case prediag.ActionAccepted:
		return c.Check.Suggested
	case prediag.ActionRejected:
		return c.Check.Label
	}
	return c.Resolution.Labels[c.Check.Field]
}
