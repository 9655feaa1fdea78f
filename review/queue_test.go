package review

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func TestClaimLeaseAndRelease(t *testing.T) {
	clk := newClock()
	s := openStore(t, Options{Now: clk.now, Lease: 10 * time.Minute})
	record(t, s, withCase(1, "network", "L1", 5))

	c, err := s.Claim(t.Context(), noKey, "c000001", "ann", prediag.CaseFilter{})
	require.NoError(t, err)
	require.Equal(t, prediag.Case{ID: "c000001", Diagnosis: withCase(1, "network", "L1", 5), State: prediag.CaseClaimed,
		Priority: 3, Created: clk.now(), ClaimedBy: "ann", LeaseUntil: clk.now().Add(10 * time.Minute)}, c)

	_, err = s.Claim(t.Context(), noKey, "c000001", "bo", prediag.CaseFilter{})
	require.ErrorIs(t, err, prediag.ErrConflict)
	require.ErrorContains(t, err, `claimed by "ann" until 2026-03-04T05:16:07Z`)
	_, err = s.Claim(t.Context(), noKey, "", "bo", prediag.CaseFilter{})
	require.ErrorIs(t, err, prediag.ErrNotFound)
	_, err = s.Release(t.Context(), noKey, "c000001", "bo")
	require.ErrorIs(t, err, prediag.ErrConflict)

	clk.advance(9 * time.Minute)
	c, err = s.Claim(t.Context(), noKey, "c000001", "ann", prediag.CaseFilter{})
	require.NoError(t, err)
	require.Equal(t, clk.now().Add(10*time.Minute), c.LeaseUntil, "the own lease is extended")

	clk.advance(10*time.Minute - time.Microsecond)
	_, err = s.Claim(t.Context(), noKey, "c000001", "bo", prediag.CaseFilter{})
	require.ErrorIs(t, err, prediag.ErrConflict, "the lease holds to its last moment")
	clk.advance(time.Microsecond)
	c, err = s.Case(t.Context(), "c000001")
	require.NoError(t, err)
	require.Equal(t, prediag.CaseOpen, c.State)
	require.Empty(t, c.ClaimedBy)
	require.Zero(t, c.LeaseUntil)
	c, err = s.Claim(t.Context(), noKey, "", "bo", prediag.CaseFilter{})
	require.NoError(t, err)
	require.Equal(t, "bo", c.ClaimedBy)

	c, err = s.Release(t.Context(), noKey, "c000001", "bo")
	require.NoError(t, err)
	require.Equal(t, prediag.CaseOpen, c.State)
	events := count(t, s, "select count(*) from events")
	_, err = s.Release(t.Context(), noKey, "c000001", "bo")
	require.NoError(t, err, "an open case stays open")
	require.Equal(t, events, count(t, s, "select count(*) from events"))
}

func TestClaimRefusals(t *testing.T) {
	s := openStore(t, Options{})
	record(t, s, withCase(1, "network", "L1", 5))
	_, err := s.Claim(t.Context(), noKey, "nope", "ann", prediag.CaseFilter{})
	require.ErrorIs(t, err, prediag.ErrNotFound)
	_, err = s.Claim(t.Context(), noKey, "c000001", "", prediag.CaseFilter{})
	require.ErrorIs(t, err, prediag.ErrInvalid)
	_, err = s.Claim(t.Context(), noKey, "", "ann", prediag.CaseFilter{Queue: "network", Tier: "L2"})
	require.ErrorIs(t, err, prediag.ErrNotFound)
	_, err = s.Release(t.Context(), noKey, "", "ann")
	require.ErrorIs(t, err, prediag.ErrInvalid)
	_, err = s.Case(t.Context(), "nope")
	require.ErrorIs(t, err, prediag.ErrNotFound)
	_, err = s.Claim(t.Context(), prediag.RequestKey{ID: string(make([]byte, 2000))}, "", "ann", prediag.CaseFilter{})
	require.ErrorIs(t, err, prediag.ErrInvalid)
}

func TestClaimReplays(t *testing.T) {
	clk := newClock()
	s := openStore(t, Options{Now: clk.now})
	record(t, s, withCase(1, "network", "L1", 5), withCase(2, "network", "L1", 6))
	first, err := s.Claim(t.Context(), key("k"), "", "ann", prediag.CaseFilter{})
	require.NoError(t, err)
	clk.advance(time.Hour)
	again, err := s.Claim(t.Context(), key("k"), "", "ann", prediag.CaseFilter{})
	require.NoError(t, err)
	require.Equal(t, first, again, "a retry neither claims a second case nor extends the lease")
	other := key("k")
	other.Digest = "another"
	_, err = s.Claim(t.Context(), other, "", "ann", prediag.CaseFilter{})
	require.ErrorIs(t, err, prediag.ErrReused)
}

func TestConcurrentClaimsNeverShareACase(t *testing.T) {
	s := openStore(t, Options{})
	const cases = 200
	ds := make([]prediag.Diagnosis, cases)
	for i := range ds {
		ds[i] = withCase(i, "network", "L1", i%7)
	}
	record(t, s, ds...)
	var mu sync.Mutex
	holders := map[string][]string{}
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			who := fmt.Sprint("agent", g)
			for {
				c, err := s.Claim(context.Background(), noKey, "", who, prediag.CaseFilter{})
				if errors.Is(err, prediag.ErrNotFound) {
					return
				}
				mu.Lock()
				holders[c.ID] = append(holders[c.ID], fmt.Sprint(who, err))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Len(t, holders, cases)
	for id, by := range holders {
		require.Len(t, by, 1, id)
	}
}

func TestListOrderAndFilters(t *testing.T) {
	clk := newClock()
	s := openStore(t, Options{Now: clk.now})
	incident := withCase(5, "network", "L1", 90)
	incident.Handoff.Priority = 0
	noDeadline := withCase(6, "network", "L2", 0)
	noDeadline.Handoff.Deadline = time.Time{}
	record(t, s, withCase(1, "network", "L1", 30), withCase(2, "database", "L1", 10), withCase(3, "network", "L2", 10),
		withCase(4, "network", "L1", 10), incident, noDeadline)
	_, err := s.Claim(t.Context(), noKey, "c000003", "ann", prediag.CaseFilter{})
	require.NoError(t, err)
	_, err = s.Resolve(t.Context(), noKey, "c000004", prediag.Resolution{Reviewer: "bo", Action: prediag.ActionRejected})
	require.NoError(t, err)

	for name, c := range map[string]struct {
		filter prediag.CaseFilter
		want   []int
		open   int
	}{
		"waiting":             {prediag.CaseFilter{}, []int{5, 2, 3, 1, 6}, 4},
		"everything":          {prediag.CaseFilter{States: []prediag.CaseState{"OPEN", "CLAIMED", "RESOLVED"}}, []int{5, 2, 3, 4, 1, 6}, 4},
		"open":                {prediag.CaseFilter{States: []prediag.CaseState{"OPEN"}}, []int{5, 2, 1, 6}, 4},
		"claimed":             {prediag.CaseFilter{States: []prediag.CaseState{"CLAIMED"}}, []int{3}, 4},
		"resolved":            {prediag.CaseFilter{States: []prediag.CaseState{"RESOLVED"}}, []int{4}, 4},
		"claimed or resolved": {prediag.CaseFilter{States: []prediag.CaseState{"RESOLVED", "CLAIMED"}}, []int{3, 4}, 4},
		"queue":               {prediag.CaseFilter{Queue: "network"}, []int{5, 3, 1, 6}, 3},
		"tier":                {prediag.CaseFilter{Tier: "L2"}, []int{3, 6}, 1},
		"queue and tier":      {prediag.CaseFilter{Queue: "database", Tier: "L1"}, []int{2}, 1},
		"none":                {prediag.CaseFilter{Queue: "billing"}, []int{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := s.List(t.Context(), c.filter)
			require.NoError(t, err)
			want := make([]string, len(c.want))
			for i, n := range c.want {
				want[i] = withCase(n, "", "", 0).Handoff.CaseID
			}
			require.Equal(t, want, caseIDs(page.Cases))
			require.Equal(t, c.open, page.Open)
			require.Empty(t, page.Next)
		})
	}
	clk.advance(time.Hour)
	page, err := s.List(t.Context(), prediag.CaseFilter{States: []prediag.CaseState{prediag.CaseOpen}})
	require.NoError(t, err)
	require.Equal(t, 5, page.Open, "a case is open again when its lease is over")
	require.Contains(t, caseIDs(page.Cases), "c000003")
}

func TestListRefusesBadFilters(t *testing.T) {
	s := openStore(t, Options{})
	for name, f := range map[string]prediag.CaseFilter{
		"limit over":     {Limit: 501},
		"limit negative": {Limit: -1},
		"state":          {States: []prediag.CaseState{"DONE"}},
		"token":          {After: "###"},
		"token content":  {After: "MS4y"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.List(t.Context(), f)
			require.ErrorIs(t, err, prediag.ErrInvalid)
		})
	}
}

// walk reads all pages; between runs after each.
func walk(t require.TestingT, s *Store, f prediag.CaseFilter, between func()) []string {
	var ids []string
	for range 1000 {
		page, err := s.List(context.Background(), f)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Cases), f.Limit)
		ids = append(ids, caseIDs(page.Cases)...)
		if page.Next == "" {
			return ids
		}
		f.After = page.Next
		between()
	}
	require.Fail(t, "paging does not end")
	return nil
}

func TestPagingCoversEveryCaseOnce(t *testing.T) {
	s := openStore(t, Options{})
	var all []string
	for i := range 60 {
		record(t, s, withCase(i, []string{"network", "database"}[i%2], "L1", i%4))
		all = append(all, withCase(i, "", "", 0).Handoff.CaseID)
		if i%3 == 0 {
			_, err := s.Resolve(t.Context(), noKey, all[i], prediag.Resolution{Reviewer: "bo", Action: prediag.ActionRejected})
			require.NoError(t, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		f := prediag.CaseFilter{Limit: rapid.IntRange(1, 70).Draw(t, "limit"),
			States: []prediag.CaseState{prediag.CaseOpen, prediag.CaseClaimed, prediag.CaseResolved}}
		got := walk(t, s, f, func() {})
		slices.Sort(got)
		require.Equal(t, all, got)
	})
}

func TestPagingIsStableUnderChanges(t *testing.T) {
	s := openStore(t, Options{})
	var all []string
	for i := range 30 {
		record(t, s, withCase(i, "network", "L1", i))
		all = append(all, withCase(i, "", "", 0).Handoff.CaseID)
	}
	n := 1000
	got := walk(t, s, prediag.CaseFilter{Limit: 4}, func() {
		n++
		record(t, s, withCase(n, "network", "L1", -n)) // before every page that is still to come
		_, err := s.Claim(context.Background(), noKey, "", "ann", prediag.CaseFilter{})
		require.NoError(t, err)
	})
	require.Equal(t, all, got)
}

func TestPageIsBoundedByBytes(t *testing.T) {
	s := openStore(t, Options{})
	body := string(make([]byte, 200<<10)) // NUL takes six bytes as JSON
	for i := range 8 {
		d := withCase(i, "network", "L1", i)
		d.Ticket.Body = body
		record(t, s, d)
	}
	page, err := s.List(t.Context(), prediag.CaseFilter{})
	require.NoError(t, err)
	require.Len(t, page.Cases, 4)
	require.NotEmpty(t, page.Next)
	require.Len(t, walk(t, s, prediag.CaseFilter{Limit: 50}, func() {}), 8)
}

func TestPositionRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := position{rapid.Int().Draw(t, "priority"), rapid.Int64().Draw(t, "deadline"), rapid.StringN(0, 100, -1).Draw(t, "id")}
		got, err := parsePosition(p.String())
		require.NoError(t, err)
		require.Equal(t, p, got)
	})
}

func FuzzParsePosition(f *testing.F) {
	f.Add(position{3, 1772600767000000, "c000001"}.String())
	f.Add("")
	f.Add("MS4y")
	f.Add("LTEuMC4uLg")
	f.Fuzz(func(t *testing.T, token string) {
		p, err := parsePosition(token)
		if err != nil {
			require.ErrorIs(t, err, prediag.ErrInvalid)
			return
		}
		again, err := parsePosition(p.String())
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}

// Every walk over the queue must follow an index: a sort would read all cases for one page.
func TestQueriesFollowAnIndex(t *testing.T) {
	onlySQLite(t)
	s := openStore(t, Options{})
	for _, f := range []prediag.CaseFilter{{}, {Queue: "network"}, {Tier: "L1"}, {Queue: "network", Tier: "L1"}} {
		for _, after := range []string{"", position{3, 5, "c"}.String()} {
			for _, resolved := range []bool{false, true} {
				f.After = after
				sel, err := newSelection(f)
				require.NoError(t, err)
				w := sel.where(resolved)
				w.and("+lease_until <= ?", 0)
				plan := explain(t, s, w.query(50), w.args...)
				require.Contains(t, plan, "USING INDEX cases_")
				require.NotContains(t, plan, "TEMP B-TREE", "%+v", f)
				require.NotContains(t, plan, "cases_lease", "%+v", f)
			}
		}
	}
	w := caseWhere(prediag.CaseFilter{}, false)
	w.and("lease_until > ?", 0)
	require.Contains(t, explain(t, s, w.query(50), w.args...), "cases_lease")
}

func explain(t *testing.T, s *Store, query string, args ...any) string {
	rows, err := s.reader.QueryContext(t.Context(), "explain query plan "+query, args...)
	require.NoError(t, err)
	defer rows.Close()
	plan := ""
	for rows.Next() {
		var id, parent, unused int
		var detail string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
		plan += detail + "\n"
	}
	require.NoError(t, rows.Err())
	return plan
}
