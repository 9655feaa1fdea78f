package review

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestResolveIsFinalAndMakesAnExample(t *testing.T) {
	clk := newClock()
	s := openStore(t, Options{Now: clk.now})
	record(t, s, withCase(1, "network", "L1", 5))
	_, err := s.Claim(t.Context(), noKey, "c000001", "ann", prediag.CaseFilter{})
	require.NoError(t, err)
	r := prediag.Resolution{Reviewer: "bo", Action: prediag.ActionCorrected, Labels: map[string]string{"category": "network/dns"},
		Article: "kb-9", Answer: "see <there>", Note: "n"}
	_, err = s.Resolve(t.Context(), noKey, "c000001", r)
	require.ErrorIs(t, err, prediag.ErrConflict, "ann holds it")
	require.ErrorContains(t, err, `"ann"`)

	r.Reviewer = "ann"
	c, err := s.Resolve(t.Context(), key("r"), "c000001", r)
	require.NoError(t, err)
	decided := r
	decided.At = clk.now()
	require.Equal(t, prediag.Case{ID: "c000001", Diagnosis: withCase(1, "network", "L1", 5), State: prediag.CaseResolved,
		Priority: 3, Created: clk.now(), Resolution: &decided}, c)
	read, err := s.Case(t.Context(), "c000001")
	require.NoError(t, err)
	require.Equal(t, c, read)

	clk.advance(time.Minute)
	for _, k := range []prediag.RequestKey{key("r"), key("r2"), noKey} {
		again, err := s.Resolve(t.Context(), k, "c000001", r)
		require.NoError(t, err, "the same decision again")
		require.Equal(t, c, again)
	}
	reused := key("r")
	reused.Digest = "another"
	_, err = s.Resolve(t.Context(), reused, "c000001", r)
	require.ErrorIs(t, err, prediag.ErrReused)
	different := r
	different.Labels = map[string]string{"category": "network/vpn-peering"}
	_, err = s.Resolve(t.Context(), noKey, "c000001", different)
	require.ErrorIs(t, err, prediag.ErrConflict)
	_, err = s.Claim(t.Context(), noKey, "c000001", "ann", prediag.CaseFilter{})
	require.ErrorIs(t, err, prediag.ErrConflict)
	_, err = s.Release(t.Context(), noKey, "c000001", "ann")
	require.ErrorIs(t, err, prediag.ErrConflict)

	examples, err := s.Examples(t.Context(), 0, 0)
	require.NoError(t, err)
	require.Equal(t, []Example{{Sequence: 1, CaseID: "c000001", At: decided.At, Example: prediag.Example{
		Ticket: diagnosis(1).Ticket, Labels: map[string]string{"category": "network/dns"}, Article: "kb-9", Source: "review"}}}, examples)
	require.Equal(t, 3, count(t, s, "select count(*) from events"), "recorded, claimed, resolved")
	require.Equal(t, 1, count(t, s, "select count(*) from events where seq = 3 and actor = 'ann' and action = 'RESOLVED' and case_id = 'c000001' and length(digest) = 64"))
}

func TestExampleOfAResolution(t *testing.T) {
	d := withCase(1, "network", "L1", 5)
	verdict := map[string]string{"category": "compute/login-failure", "tier": "L1"}
	for name, c := range map[string]struct {
		resolution prediag.Resolution
		labels     map[string]string
		article    string
	}{
		"accepted confirms all":        {prediag.Resolution{Action: prediag.ActionAccepted}, verdict, "kb-7"},
		"accepted in part":             {prediag.Resolution{Action: prediag.ActionAccepted, Labels: map[string]string{"tier": "L1"}}, map[string]string{"tier": "L1"}, "kb-7"},
		"accepted with an article":     {prediag.Resolution{Action: prediag.ActionAccepted, Article: "kb-1"}, verdict, "kb-1"},
		"corrected says what it says":  {prediag.Resolution{Action: prediag.ActionCorrected, Labels: map[string]string{"tier": "L2"}}, map[string]string{"tier": "L2"}, ""},
		"rejected is out of scope":     {prediag.Resolution{Action: prediag.ActionRejected}, map[string]string{"category": "oos"}, ""},
		"rejected with its own labels": {prediag.Resolution{Action: prediag.ActionRejected, Labels: map[string]string{"category": "spam"}}, map[string]string{"category": "spam"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := example(d, c.resolution)
			require.Equal(t, prediag.Example{Ticket: d.Ticket, Labels: c.labels, Article: c.article, Source: "review"}, e)
		})
	}
}

func TestAcceptingADegradedDiagnosisTeachesNothing(t *testing.T) {
	s := openStore(t, Options{})
	d := withCase(1, "network", "L1", 5)
	d.Verdict, d.Draft = prediag.Verdict{}, prediag.Draft{}
	record(t, s, d)
	_, err := s.Resolve(t.Context(), noKey, "c000001", prediag.Resolution{Reviewer: "bo", Action: prediag.ActionAccepted})
	require.NoError(t, err)
	examples, err := s.Examples(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Empty(t, examples)
}

func TestResolveRefusals(t *testing.T) {
	s := openStore(t, Options{})
	record(t, s, withCase(1, "network", "L1", 5))
	long := strings.Repeat("x", prediag.MaxFieldBytes+1)
	many := map[string]string{}
	for i := range prediag.MaxTicketFields + 1 {
		many[strings.Repeat("f", i+1)] = "x"
	}
	for name, r := range map[string]prediag.Resolution{
		"no reviewer":       {Action: prediag.ActionAccepted},
		"long reviewer":     {Reviewer: long, Action: prediag.ActionAccepted},
		"no action":         {Reviewer: "bo"},
		"unknown action":    {Reviewer: "bo", Action: "MAYBE"},
		"no labels":         {Reviewer: "bo", Action: prediag.ActionCorrected},
		"empty label":       {Reviewer: "bo", Action: prediag.ActionCorrected, Labels: map[string]string{"tier": ""}},
		"long label":        {Reviewer: "bo", Action: prediag.ActionCorrected, Labels: map[string]string{"tier": long}},
		"many labels":       {Reviewer: "bo", Action: prediag.ActionCorrected, Labels: many},
		"long article":      {Reviewer: "bo", Action: prediag.ActionAccepted, Article: long},
		"long answer":       {Reviewer: "bo", Action: prediag.ActionAccepted, Answer: strings.Repeat("x", prediag.MaxTicketBytes+1)},
		"accepts otherwise": {Reviewer: "bo", Action: prediag.ActionAccepted, Labels: map[string]string{"tier": "L3"}},
		"year 10000":        {Reviewer: "bo", Action: prediag.ActionRejected, At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Resolve(t.Context(), noKey, "c000001", r)
			require.ErrorIs(t, err, prediag.ErrInvalid)
		})
	}
	ok := prediag.Resolution{Reviewer: "bo", Action: prediag.ActionAccepted}
	_, err := s.Resolve(t.Context(), noKey, "", ok)
	require.ErrorIs(t, err, prediag.ErrInvalid)
	_, err = s.Resolve(t.Context(), noKey, "nope", ok)
	require.ErrorIs(t, err, prediag.ErrNotFound)
	require.Zero(t, count(t, s, "select count(*) from examples"))
	_, err = s.Examples(t.Context(), 0, 1001)
	require.ErrorIs(t, err, prediag.ErrInvalid)
}

func TestExamplesAndStats(t *testing.T) {
	clk := newClock()
	s := openStore(t, Options{Now: clk.now})
	st, err := s.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, Stats{Outcomes: map[prediag.Outcome]int{}, Actions: map[prediag.ResolutionAction]int{}}, st)

	for i := range 6 {
		record(t, s, withCase(i, "network", "L1", 5))
		clk.advance(time.Minute)
	}
	record(t, s, diagnosis(10))
	for _, id := range []string{"c000003", "c000000"} {
		_, err := s.Resolve(t.Context(), noKey, id, prediag.Resolution{Reviewer: "bo", Action: prediag.ActionRejected})
		require.NoError(t, err)
	}
	_, err = s.Claim(t.Context(), noKey, "c000001", "ann", prediag.CaseFilter{})
	require.NoError(t, err)

	page, err := s.Examples(t.Context(), 0, 1)
	require.NoError(t, err)
	require.Len(t, page, 1)
	require.Equal(t, "c000003", page[0].CaseID, "in the order of the decisions")
	page, err = s.Examples(t.Context(), page[0].Sequence, 10)
	require.NoError(t, err)
	require.Len(t, page, 1)
	require.Equal(t, "c000000", page[0].CaseID)

	want := Stats{Open: 3, Claimed: 1, Resolved: 2, OldestOpen: 4 * time.Minute,
		Outcomes: map[prediag.Outcome]int{prediag.OutcomeEscalate: 6, prediag.OutcomeAnswer: 1},
		Actions:  map[prediag.ResolutionAction]int{prediag.ActionRejected: 2}}
	st, err = s.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, st)
	clk.advance(time.Hour)
	want.Open, want.Claimed, want.OldestOpen = 4, 0, 65*time.Minute
	st, err = s.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, st, "the lease is over: case 1 is the oldest open one")
}
