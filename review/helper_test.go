package review

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

var noKey prediag.RequestKey

// clock is a time that the test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func openStore(t testing.TB, opt Options) *Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "state.db"), opt)
}

func openAt(t testing.TB, path string, opt Options) *Store {
	t.Helper()
	s, err := Open(place(t, path), opt)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func key(id string) prediag.RequestKey {
	return prediag.RequestKey{Method: "Triage", ID: id, Caller: "desk", Digest: "digest-" + id}
}

// diagnosis is one without a case.
func diagnosis(n int) prediag.Diagnosis {
	return prediag.Diagnosis{
		ID:      fmt.Sprintf("d%06d", n),
		Ticket:  prediag.Ticket{ID: fmt.Sprint(n), Title: "cannot log in", Body: "错误 ACS.0013 <b>&", Fields: map[string]string{"channel": "phone"}},
		Verdict: prediag.Verdict{Fields: []prediag.FieldVerdict{{Field: "category", Label: "compute/login-failure"}, {Field: "tier", Label: "L1"}}},
		Draft: prediag.Draft{Statements: []prediag.Statement{
			{Kind: prediag.StatementQuestion, Text: "since when?", Citations: []prediag.Citation{{ArticleID: "ignored"}}},
			{Kind: prediag.StatementStep, Text: "reset it", Citations: []prediag.Citation{{ArticleID: "kb-7"}}},
		}},
		Outcome: prediag.OutcomeAnswer,
		Created: time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC),
	}
}

// withCase is a diagnosis with a handoff; deadline in minutes after the test's start.
func withCase(n int, queue, tier string, deadline int) prediag.Diagnosis {
	d := diagnosis(n)
	d.Outcome = prediag.OutcomeEscalate
	d.Handoff = &prediag.Handoff{CaseID: fmt.Sprintf("c%06d", n), Queue: queue, Tier: tier, Priority: 3,
		Deadline: newClock().t.Add(time.Duration(deadline) * time.Minute)}
	return d
}

func record(t testing.TB, s *Store, ds ...prediag.Diagnosis) {
	t.Helper()
	_, errs := s.RecordAll(t.Context(), make([]prediag.RequestKey, len(ds)), ds)
	for _, err := range errs {
		require.NoError(t, err)
	}
}

func count(t testing.TB, s *Store, query string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, s.reader.QueryRowContext(t.Context(), query, args...).Scan(&n))
	return n
}

func caseIDs(cases []prediag.Case) []string {
	ids := make([]string, len(cases))
	for i, c := range cases {
		ids[i] = c.ID
	}
	return ids
}
