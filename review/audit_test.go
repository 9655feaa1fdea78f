package review

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// entries reads the audit log.
func entries(t testing.TB, s *Store, f EntryFilter) []Entry {
	t.Helper()
	var out []Entry
	require.NoError(t, s.Decisions(t.Context(), f, func(e Entry) error { out = append(out, e); return nil }))
	return out
}

func ids(list []Entry) []string {
	out := []string{}
	for _, e := range list {
		out = append(out, e.Decision.DiagnosisID)
	}
	return out
}

func TestEveryDecisionIsInTheAuditLog(t *testing.T) {
	c := newClock()
	s := openStore(t, Options{Now: c.now})
	d := withCase(1, "network", "L1", 5)
	d.Facts, d.Solved, d.Versions = []byte(`{"Facts":{"Draw":0.5}}`), 0.25, prediag.Versions{Model: "m", Policy: "p"}
	d.Reasons = []prediag.Reason{{Code: prediag.ReasonUrgent, Detail: "<now>"}}
	stored, err := s.Record(t.Context(), key("a"), d)
	require.NoError(t, err)
	require.Nil(t, stored.Facts, "the facts are the audit log's")
	_, err = s.Record(t.Context(), key("a"), d)
	require.NoError(t, err)
	c.advance(time.Hour)
	record(t, s, diagnosis(2))

	list := entries(t, s, EntryFilter{})
	require.Len(t, list, 2, "a retry decides nothing")
	require.Equal(t, Entry{
		Sequence: 1, At: newClock().t, Key: prediag.RequestKey{Method: "Triage", ID: "a", Caller: "desk"},
		Decision: prediag.Decision{DiagnosisID: d.ID, Outcome: d.Outcome, Reasons: d.Reasons, Solved: 0.25, Versions: d.Versions, Facts: d.Facts},
	}, list[0])
	require.Equal(t, d.Ticket, entries(t, s, EntryFilter{Tickets: true})[0].Ticket)

	_, err = s.Resolve(t.Context(), noKey, d.Handoff.CaseID, prediag.Resolution{Reviewer: "mei", Action: prediag.ActionAccepted})
	require.NoError(t, err)
	shadow := prediag.Decision{DiagnosisID: d.ID, Outcome: prediag.OutcomeAnswer, Facts: []byte(`{}`)}
	require.NoError(t, s.RecordShadows(t.Context(), []prediag.Decision{shadow, {DiagnosisID: "gone"}}))
	require.NoError(t, s.RecordShadows(t.Context(), []prediag.Decision{{DiagnosisID: d.ID, Outcome: prediag.OutcomeSuggest}}), "passed over")
	list = entries(t, s, EntryFilter{Shadowed: true})
	require.Len(t, list, 1)
	require.Equal(t, shadow, *list[0].Shadow)
	require.Equal(t, "compute/login-failure", list[0].Example.Labels["category"])
	require.Equal(t, "kb-7", list[0].Example.Article)
	stop := errors.New("stop")
	require.ErrorIs(t, s.Decisions(t.Context(), EntryFilter{}, func(Entry) error { return stop }), stop)
}

// The range is half-open, and pages neither repeat nor miss an entry, whatever the clock did.
func TestTheAuditLogByTime(t *testing.T) {
	c := newClock()
	s := openStore(t, Options{Now: c.now})
	start := c.t
	for n := range 3 * auditPage / 2 {
		if n%100 == 50 {
			c.advance(-30 * time.Second) // a clock that is set back
		}
		record(t, s, diagnosis(n))
		c.advance(time.Second)
	}
	all := entries(t, s, EntryFilter{})
	require.Len(t, all, 3*auditPage/2)
	seen := map[int64]bool{}
	for i, e := range all {
		require.False(t, seen[e.Sequence])
		seen[e.Sequence] = true
		require.True(t, i == 0 || !e.At.Before(all[i-1].At))
	}
	rapid.Check(t, func(t *rapid.T) {
		from := start.Add(time.Duration(rapid.IntRange(-5, 300).Draw(t, "from")) * time.Second)
		to := from.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "length")) * time.Second)
		var want, got []int64
		for _, e := range all {
			if !e.At.Before(from) && e.At.Before(to) {
				want = append(want, e.Sequence)
			}
		}
		err := s.Decisions(t.Context(), EntryFilter{Since: from, Until: to}, func(e Entry) error { got = append(got, e.Sequence); return nil })
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(want) != fmt.Sprint(got) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

func TestTheAuditLogIsAppendOnly(t *testing.T) {
	s := openStore(t, Options{})
	record(t, s, withCase(1, "network", "L1", 1))
	require.NoError(t, s.RecordShadows(t.Context(), []prediag.Decision{{DiagnosisID: "d000001"}}))
	for _, statement := range []string{"update decisions set body = ''", "update shadows set body = ''", "delete from decisions"} {
		_, err := s.writer.ExecContext(t.Context(), statement)
		require.Error(t, err, statement)
	}
	_, err := s.writer.ExecContext(t.Context(), dropTrigger("decisions_no_update", "decisions"))
	require.NoError(t, err)
	_, err = s.writer.ExecContext(t.Context(), "update decisions set body = replace(body, 'ESCALATE', 'ANSWER')")
	require.NoError(t, err)
	require.ErrorIs(t, s.Decisions(t.Context(), EntryFilter{}, func(Entry) error { return nil }), prediag.ErrDamaged, "a change behind its back is noticed")
}

func TestPruneKeepsWhatWaits(t *testing.T) {
	c := newClock()
	s := openStore(t, Options{Now: c.now})
	day := 24 * time.Hour
	var ds []prediag.Diagnosis
	for n := range 3 * pruneStep {
		ds = append(ds, diagnosis(n))
	}
	record(t, s, ds...)
	record(t, s, withCase(100, "network", "L1", 1), withCase(101, "network", "L1", 1), withCase(102, "network", "L1", 1))
	accept := prediag.Resolution{Reviewer: "mei", Action: prediag.ActionAccepted}
	_, err := s.Resolve(t.Context(), noKey, "c000101", accept)
	require.NoError(t, err)
	require.NoError(t, s.RecordShadows(t.Context(), []prediag.Decision{{DiagnosisID: "d000101"}}))
	c.advance(80 * day)
	_, err = s.Resolve(t.Context(), noKey, "c000102", accept)
	require.NoError(t, err)
	record(t, s, diagnosis(200))
	c.advance(20 * day)

	_, err = s.Prune(t.Context(), c.now().Add(-time.Hour))
	require.ErrorIs(t, err, prediag.ErrInvalid, "retries of the last day need their answers")
	removed, err := s.Prune(t.Context(), c.now().Add(-90*day))
	require.NoError(t, err)
	require.Equal(t, 3*pruneStep+1, removed)
	require.Equal(t, []string{"d000100", "d000102", "d000200"}, ids(entries(t, s, EntryFilter{})), "waits; resolved lately; young")
	_, err = s.Diagnosis(t.Context(), "d000101")
	require.ErrorIs(t, err, prediag.ErrNotFound)
	_, err = s.Case(t.Context(), "c000101")
	require.ErrorIs(t, err, prediag.ErrNotFound)
	examples, err := s.Examples(t.Context(), 0, 0)
	require.NoError(t, err)
	require.Len(t, examples, 2, "what humans decided stays")
	require.Zero(t, count(t, s, "select count(*) from shadows"))
	require.NoError(t, s.Verify(t.Context()))
	again, err := s.Prune(t.Context(), c.now().Add(-90*day))
	require.NoError(t, err)
	require.Zero(t, again)
}

// A database of the version before is brought up to date with what it held.
func TestMigrationFillsTheAuditLog(t *testing.T) {
	onlySQLite(t)
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := Open(path, Options{})
	require.NoError(t, err)
	record(t, s, withCase(7, "network", "L1", 1))
	require.NoError(t, s.Close())
	asBefore(t, path)
	_, err = OpenReadOnly(path, Options{})
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.ErrorContains(t, err, "start the service once")
	s = openAt(t, path, Options{})
	list := entries(t, s, EntryFilter{Tickets: true})
	require.Len(t, list, 1)
	require.Equal(t, prediag.OutcomeEscalate, list[0].Decision.Outcome)
	require.Equal(t, "cannot log in", list[0].Ticket.Title)
	require.Empty(t, list[0].Decision.Facts)
}

// asBefore takes away what the migrations after the first made.
func asBefore(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	require.NoError(t, err)
	_, err = db.Exec(`drop table leases; drop table authority; drop table decisions; drop table shadows; alter table cases drop column label_check;
		alter table cases drop column resolved_at; delete from schema_version where version > 1`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

// Another process reads while this one writes, as eval replay does beside the service.
func TestReadingBesideAWriter(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	path := filepath.Join(t.TempDir(), "state.db")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childPath+"="+place(t, path))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	in := bufio.NewScanner(out)
	for n := 0; n < 20 && in.Scan(); n++ {
	}
	go func() {
		for in.Scan() { // so that the writer never waits for us
		}
	}()
	s, err := OpenReadOnly(place(t, path), Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	before := 0
	for range 5 {
		now := before
		for start := time.Now(); now == before && time.Since(start) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
			now = len(entries(t, s, EntryFilter{}))
		}
		require.Greater(t, now, before, "the writer goes on, and the reader sees it")
		before = now
	}
	_, err = s.Record(t.Context(), noKey, diagnosis(1))
	require.ErrorIs(t, err, prediag.ErrInvalid, "opened for reading")
}

func TestOpenReadOnlyMakesNothing(t *testing.T) {
	dir := t.TempDir()
	_, err := OpenReadOnly(filepath.Join(dir, "state.db"), Options{})
	require.ErrorIs(t, err, prediag.ErrNotFound)
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, list)
	other := filepath.Join(dir, "other.db")
	require.NoError(t, os.WriteFile(other, []byte("no database"), 0o600))
	_, err = OpenReadOnly(other, Options{})
	require.ErrorIs(t, err, prediag.ErrDamaged)
}

func TestDecisionRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := prediag.Decision{
			DiagnosisID: "d", Outcome: prediag.Outcome(rapid.String().Draw(t, "outcome")), Solved: rapid.Float64Range(0, 1).Draw(t, "solved"),
			Versions: prediag.Versions{Model: rapid.String().Draw(t, "model"), Index: rapid.Uint64().Draw(t, "index")},
		}
		if rapid.Bool().Draw(t, "reasons") {
			want.Reasons = []prediag.Reason{{Detail: rapid.String().Draw(t, "detail")}}
		}
		if rapid.Bool().Draw(t, "facts") {
			want.Facts = []byte(`{"Facts":{"Draw":0.1}}`)
		}
		body, err := encodeDecision(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeDecision("d", body, checksum(body))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}
