package review

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestRecordReplays(t *testing.T) {
	clk := newClock()
	s := openStore(t, Options{Now: clk.now})
	first, err := s.Record(t.Context(), key("r1"), withCase(1, "network", "L1", 5))
	require.NoError(t, err)
	require.Equal(t, withCase(1, "network", "L1", 5), first)

	clk.advance(23 * time.Hour)
	again, err := s.Record(t.Context(), key("r1"), withCase(2, "network", "L1", 5))
	require.NoError(t, err)
	require.Equal(t, first, again, "the answer of the first time")
	early, found, err := s.Recorded(t.Context(), key("r1"))
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, first, early)
	require.Equal(t, 1, count(t, s, "select count(*) from cases"))
	_, err = s.Diagnosis(t.Context(), "d000002")
	require.ErrorIs(t, err, prediag.ErrNotFound)

	other := key("r1")
	other.Digest = "another"
	_, err = s.Record(t.Context(), other, diagnosis(3))
	require.ErrorIs(t, err, prediag.ErrReused)
	_, _, err = s.Recorded(t.Context(), other)
	require.ErrorIs(t, err, prediag.ErrReused)

	clk.advance(time.Hour)
	_, found, err = s.Recorded(t.Context(), key("r1"))
	require.NoError(t, err)
	require.False(t, found, "forgotten after the retention")
	_, err = s.Record(t.Context(), other, diagnosis(3))
	require.NoError(t, err, "a forgotten id may be used again")
}

func TestKeysDoNotMeet(t *testing.T) {
	s := openStore(t, Options{})
	keys := []prediag.RequestKey{
		{Method: "a", ID: "1", Caller: "x"}, {Method: "b", ID: "1", Caller: "x"}, {Method: "a", ID: "1", Caller: "y"}, {}, {},
	}
	for i, k := range keys {
		d, err := s.Record(t.Context(), k, diagnosis(i))
		require.NoError(t, err)
		require.Equal(t, diagnosis(i).ID, d.ID)
	}
	_, found, err := s.Recorded(t.Context(), noKey)
	require.NoError(t, err)
	require.False(t, found)
	require.Equal(t, 3, count(t, s, "select count(*) from requests"))
}

func TestRecordAllKeepsTheGood(t *testing.T) {
	s := openStore(t, Options{})
	record(t, s, withCase(1, "network", "L1", 5))
	reused := key("a")
	reused.Digest = "another"
	sameCase := withCase(4, "network", "L1", 5)
	sameCase.Handoff.CaseID = "c000001"
	ds := []prediag.Diagnosis{withCase(2, "network", "L1", 5), diagnosis(1), diagnosis(3), {}, sameCase, diagnosis(5), diagnosis(6)}
	keys := []prediag.RequestKey{key("a"), key("b"), reused, key("d"), key("e"), key("a"), noKey}
	stored, errs := s.RecordAll(t.Context(), keys, ds)
	require.NoError(t, errs[0])
	require.ErrorIs(t, errs[1], prediag.ErrConflict, "diagnosis id taken")
	require.ErrorIs(t, errs[2], prediag.ErrReused)
	require.ErrorIs(t, errs[3], prediag.ErrInvalid)
	require.ErrorIs(t, errs[4], prediag.ErrConflict, "case id taken")
	require.NoError(t, errs[5])
	require.Equal(t, stored[0], stored[5], "the same key within one batch")
	require.NoError(t, errs[6])
	require.Equal(t, ds[0], stored[0])
	require.Equal(t, ds[6], stored[6])
	require.Equal(t, 3, count(t, s, "select count(*) from diagnoses"), "a refused item leaves nothing behind")
	require.Equal(t, 2, count(t, s, "select sum(waiting) from backlog"))
	require.Equal(t, 3, count(t, s, "select count(*) from events where action = 'RECORDED'"))
	require.Equal(t, 1, count(t, s, "select count(*) from requests"))
}

func TestRecordAllWithinOneBatch(t *testing.T) {
	s := openStore(t, Options{})
	stored, errs := s.RecordAll(t.Context(), []prediag.RequestKey{key("a"), key("a")}, []prediag.Diagnosis{diagnosis(1), diagnosis(2)})
	require.Equal(t, []error{nil, nil}, errs)
	require.Equal(t, stored[0], stored[1])

	_, errs = s.RecordAll(t.Context(), []prediag.RequestKey{key("b")}, []prediag.Diagnosis{diagnosis(3), diagnosis(4)})
	require.ErrorIs(t, errs[0], prediag.ErrInvalid)
	require.ErrorIs(t, errs[1], prediag.ErrInvalid)
	stored, errs = s.RecordAll(t.Context(), nil, nil)
	require.Empty(t, stored)
	require.Empty(t, errs)
}

func TestRecordAllFailsAsAWhole(t *testing.T) {
	s := openStore(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stored, errs := s.RecordAll(ctx, []prediag.RequestKey{key("a"), key("b")}, []prediag.Diagnosis{diagnosis(1), {}})
	require.ErrorIs(t, errs[0], context.Canceled)
	require.ErrorIs(t, errs[1], prediag.ErrInvalid)
	require.Zero(t, stored[0].ID)
}

func TestFullQueueRefuses(t *testing.T) {
	s := openStore(t, Options{MaxOpen: 2})
	record(t, s, withCase(1, "network", "L1", 5), withCase(2, "database", "L2", 5))
	_, err := s.Record(t.Context(), key("x"), withCase(3, "network", "L1", 5))
	require.ErrorIs(t, err, prediag.ErrOverloaded)
	var e *prediag.Error
	require.ErrorAs(t, err, &e)
	require.Positive(t, e.RetryAfter)
	_, err = s.Diagnosis(t.Context(), "d000003")
	require.ErrorIs(t, err, prediag.ErrNotFound, "nothing half stored")
	_, err = s.Record(t.Context(), noKey, diagnosis(4))
	require.NoError(t, err, "a ticket without a case is not held up")

	_, err = s.Resolve(t.Context(), noKey, "c000001", prediag.Resolution{Reviewer: "bo", Action: prediag.ActionRejected})
	require.NoError(t, err)
	_, err = s.Record(t.Context(), key("x"), withCase(3, "network", "L1", 5))
	require.NoError(t, err, "a refused request may be tried again")
}

func TestOldKeysGoInSmallSteps(t *testing.T) {
	clk := newClock()
	s := openStore(t, Options{Now: clk.now})
	for i := range 60 {
		_, err := s.Record(t.Context(), key(fmt.Sprint("old", i)), diagnosis(i))
		require.NoError(t, err)
	}
	clk.advance(25 * time.Hour)
	record(t, s, diagnosis(100))
	require.Equal(t, 60-purgeStep-2, count(t, s, "select count(*) from requests"))
	for i := range 4 {
		record(t, s, diagnosis(200+i))
	}
	require.Zero(t, count(t, s, "select count(*) from requests"))
}

func TestConcurrentRetriesStoreOnce(t *testing.T) {
	s := openStore(t, Options{})
	var wg sync.WaitGroup
	got := make([]string, 32)
	for i := range got {
		wg.Go(func() {
			d, err := s.Record(t.Context(), key(fmt.Sprint(i%4)), withCase(i, "network", "L1", 5))
			if err == nil {
				got[i] = d.ID
			}
		})
	}
	wg.Wait()
	for i := range got {
		require.NotEmpty(t, got[i])
		require.Equal(t, got[i%4], got[i])
	}
	require.Equal(t, 4, count(t, s, "select count(*) from cases"))
}
