package review

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

func labelCheck(id, label, suggested string) prediag.LabelCheck {
	return prediag.LabelCheck{
		Source: "tickets.jsonl", Ticket: prediag.Ticket{ID: id, Body: "the domain does not resolve"}, Field: "category",
		Label: label, Suggested: suggested, Probability: 0.01, SuggestedProbability: 0.9,
	}
}

func TestLabelChecksAreCasesThatComeLast(t *testing.T) {
	s := openStore(t, Options{})
	checks := []prediag.LabelCheck{labelCheck("1", "storage", "network"), labelCheck("2", "storage", "network"), labelCheck("1", "storage", "other")}
	added, err := s.AddLabelChecks(t.Context(), key("import"), checks)
	require.NoError(t, err)
	require.Equal(t, 2, added, "another suggestion for the same ticket and label is the same check")
	again, err := s.AddLabelChecks(t.Context(), noKey, checks)
	require.NoError(t, err)
	require.Zero(t, again, "no doubles")
	again, err = s.AddLabelChecks(t.Context(), key("import"), checks)
	require.NoError(t, err)
	require.Equal(t, 2, again, "a retry gets the answer of the first call")
	record(t, s, withCase(1, "network", "L1", 500))

	c, err := s.Claim(t.Context(), noKey, "", "mei", prediag.CaseFilter{})
	require.NoError(t, err)
	require.Equal(t, "c000001", c.ID, "the customer first")
	require.Nil(t, c.Check)
	c, err = s.Claim(t.Context(), noKey, "", "mei", prediag.CaseFilter{Queue: LabelCheckQueue})
	require.NoError(t, err)
	want := checks[0]
	if c.Diagnosis.Ticket.ID == "2" {
		want = checks[1]
	}
	require.Equal(t, want.Ticket, c.Diagnosis.Ticket)
	want.Ticket = prediag.Ticket{}
	require.Equal(t, &want, c.Check)
	require.Equal(t, LabelCheckPriority, c.Priority)
	require.Equal(t, prediag.ReasonLabelCheck, c.Diagnosis.Reasons[0].Code)
	require.True(t, c.Diagnosis.Handoff.Deadline.IsZero())
	require.Len(t, entries(t, s, EntryFilter{}), 1, "no decision was made on them")
	require.NoError(t, s.Verify(t.Context()))
}

func TestWhatAHumanDecidesOnALabel(t *testing.T) {
	s := openStore(t, Options{})
	resolve := func(id string, r prediag.Resolution) (prediag.Case, error) {
		_, err := s.AddLabelChecks(t.Context(), noKey, []prediag.LabelCheck{labelCheck(id, "storage", "network")})
		require.NoError(t, err)
		c, err := s.Claim(t.Context(), noKey, "", "mei", prediag.CaseFilter{Queue: LabelCheckQueue})
		require.NoError(t, err)
		r.Reviewer = "mei"
		done, err := s.Resolve(t.Context(), noKey, c.ID, r)
		if err != nil {
			_, err2 := s.Resolve(t.Context(), noKey, c.ID, prediag.Resolution{Reviewer: "mei", Action: prediag.ActionRejected})
			require.NoError(t, err2)
		}
		return done, err
	}
	for name, c := range map[string]struct {
		action prediag.ResolutionAction
		label  string
		want   string // empty: refused
	}{
		"the suggestion": {prediag.ActionAccepted, "", "network"}, "the present one": {prediag.ActionRejected, "", "storage"},
		"a third": {prediag.ActionCorrected, "billing", "billing"}, "corrected to the present one": {prediag.ActionCorrected, "storage", "storage"},
		"accepted is not another": {prediag.ActionAccepted, "storage", ""}, "rejected is not another": {prediag.ActionRejected, "network", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := prediag.Resolution{Action: c.action}
			if c.label != "" {
				r.Labels = map[string]string{"category": c.label}
			}
			done, err := resolve(name, r)
			if c.want == "" {
				require.ErrorIs(t, err, prediag.ErrInvalid)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, DecidedLabel(done))
		})
	}
	_, err := resolve("other field", prediag.Resolution{Action: prediag.ActionCorrected, Labels: map[string]string{"tier": "L1"}})
	require.ErrorContains(t, err, `without the right label of field "category"`)
	examples, err := s.Examples(t.Context(), 0, 0)
	require.NoError(t, err)
	require.Empty(t, examples, "the decisions go back into the data")
	require.Empty(t, DecidedLabel(prediag.Case{}))
}

func TestLabelChecksThatAreRefused(t *testing.T) {
	s := openStore(t, Options{})
	for name, change := range map[string]func(*prediag.LabelCheck){
		"no text": func(c *prediag.LabelCheck) { c.Ticket.Body = " " }, "no field": func(c *prediag.LabelCheck) { c.Field = "" },
		"no label": func(c *prediag.LabelCheck) { c.Label = "" }, "no suggestion": func(c *prediag.LabelCheck) { c.Suggested = "" },
		"no probability": func(c *prediag.LabelCheck) { c.Probability = 1.5 },
	} {
		good, bad := labelCheck("1", "a", "b"), labelCheck("2", "a", "b")
		change(&bad)
		_, err := s.AddLabelChecks(t.Context(), noKey, []prediag.LabelCheck{good, bad})
		require.ErrorIs(t, err, prediag.ErrInvalid, name)
		require.ErrorContains(t, err, "label check 1", name)
	}
	require.Zero(t, count(t, s, "select count(*) from cases"), "all or none")
	_, err := s.AddLabelChecks(t.Context(), noKey, make([]prediag.LabelCheck, prediag.MaxBatch+1))
	require.ErrorIs(t, err, prediag.ErrTooLarge)
}

func TestLabelChecksLeaveRoomForCustomers(t *testing.T) {
	s := openStore(t, Options{})
	_, err := s.writer.ExecContext(t.Context(), "insert into backlog values ($1, '', $2, 0)", LabelCheckQueue, maxOpenChecks-1)
	require.NoError(t, err)
	_, err = s.AddLabelChecks(t.Context(), noKey, []prediag.LabelCheck{labelCheck("1", "a", "b"), labelCheck("2", "a", "b")})
	require.ErrorIs(t, err, prediag.ErrOverloaded)
	require.Zero(t, count(t, s, "select count(*) from cases"))
	added, err := s.AddLabelChecks(t.Context(), noKey, []prediag.LabelCheck{labelCheck("1", "a", "b")})
	require.NoError(t, err, fmt.Sprint(added))
}
