package ingest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

// gate is a source whose walk takes a while and may fail.
type gate struct {
	takes time.Duration

	mu    sync.Mutex
	fault error
	begun []time.Time
}

func (g *gate) Name() string { return "s" }

func (g *gate) Walk(ctx context.Context, yield func(Item) error) error {
	g.mu.Lock()
	g.begun = append(g.begun, time.Now())
	fault := g.fault
	g.mu.Unlock()
	select {
	case <-time.After(g.takes):
	case <-ctx.Done():
		return ctx.Err()
	}
	if fault != nil {
		return fault
	}
	return FS("s", files(map[string]string{"a.md": "# A\n\nx"})).Walk(ctx, yield)
}

// fail makes the walks that follow fail, or not.
func (g *gate) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fault = err
}

// walks says when the walks so far began.
func (g *gate) walks() []time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.begun)
}

// loop runs an Ingester over a gate in a bubble of synthetic time and stops it at the end.
func loop(t *testing.T, opt Options, g *gate, test func(t *testing.T, in *Ingester, index *memory)) {
	synctest.Test(t, func(t *testing.T) {
		index := newMemory()
		in := New(index, opt)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- in.Run(ctx, func() []Source { return []Source{g} }, 0) }()
		synctest.Wait()
		test(t, in, index)
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		require.True(t, in.Next().IsZero())
	})
}

func TestRunRefreshesEverySixHours(t *testing.T) {
	g := &gate{takes: time.Minute}
	loop(t, Options{}, g, func(t *testing.T, in *Ingester, index *memory) {
		time.Sleep(26 * time.Hour) // the fifth begins after 25 h 16 min at the latest
		synctest.Wait()
		walks := g.walks()
		require.Len(t, walks, 5)
		for i := 1; i < len(walks); i++ {
			gap := walks[i].Sub(walks[i-1]) - time.Minute
			require.True(t, gap >= 6*time.Hour && gap <= 6*time.Hour+18*time.Minute, gap)
		}
		op, ok := in.Last()
		require.True(t, ok)
		require.Equal(t, OperationSucceeded, op.State)
		require.False(t, op.Report.Applied, "nothing had changed")
		require.Equal(t, 1, index.applied)
		require.WithinDuration(t, walks[4].Add(6*time.Hour), in.Next(), 20*time.Minute)
	})
}

func TestRunWaitsWhenTheLastRefreshIsYoung(t *testing.T) {
	for name, c := range map[string]struct {
		age  time.Duration
		wait time.Duration
	}{"young": {4 * time.Hour, 2 * time.Hour}, "old": {7 * time.Hour, 0}, "in the future": {-time.Hour, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gate{}
				start := time.Now()
				in := New(newMemory(), Options{LastRefresh: start.Add(-c.age)})
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- in.Run(ctx, func() []Source { return []Source{g} }, 6*time.Hour) }()
				time.Sleep(5 * time.Hour)
				synctest.Wait()
				cancel()
				require.ErrorIs(t, <-done, context.Canceled)
				require.Equal(t, c.wait, g.walks()[0].Sub(start))
			})
		})
	}
}

func TestRunTriesAgainAfterAFailure(t *testing.T) {
	g := &gate{fault: errors.New("source is down")}
	loop(t, Options{}, g, func(t *testing.T, in *Ingester, index *memory) {
		time.Sleep(8 * time.Minute)
		synctest.Wait()
		require.Len(t, g.walks(), 4, "at once, and after 1, 2 and 4 minutes")
		op, _ := in.Last()
		require.Equal(t, OperationFailed, op.State)
		require.Contains(t, op.Error, "source is down")
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		walks := g.walks()
		n := len(walks)
		require.InDelta(t, time.Hour, walks[n-1].Sub(walks[n-2]), float64(4*time.Minute))
		g.fail(nil)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		op, _ = in.Last()
		require.Equal(t, OperationSucceeded, op.State)
		require.Len(t, index.articles, 1)
	})
}

func TestStart(t *testing.T) {
	g := &gate{takes: time.Minute}
	loop(t, Options{}, g, func(t *testing.T, in *Ingester, _ *memory) {
		first, err := in.Start(t.Context(), true)
		require.NoError(t, err)
		require.Equal(t, OperationRunning, first.State, "the one that Run began with")
		require.False(t, first.Force)
		_, err = in.Refresh(t.Context(), nil)
		require.ErrorIs(t, err, prediag.ErrConflict, "never two at once")
		require.ErrorIs(t, in.Run(t.Context(), nil, 0), prediag.ErrConflict)

		time.Sleep(2 * time.Minute)
		synctest.Wait()
		op, ok := in.Operation(first.ID)
		require.True(t, ok)
		require.Equal(t, OperationSucceeded, op.State)
		require.Equal(t, 1, op.Report.Sources[0].Articles)
		require.Equal(t, time.Minute, op.Ended.Sub(op.Started))
		require.Len(t, g.walks(), 1, "asking during a refresh causes no second one")

		second, err := in.Start(t.Context(), true)
		require.NoError(t, err)
		require.NotEqual(t, first.ID, second.ID)
		require.True(t, second.Force)
		in.Trigger()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.Len(t, g.walks(), 2)
		_, ok = in.Operation("nothing")
		require.False(t, ok)
	})
}

func TestStartWithoutALoop(t *testing.T) {
	in := New(newMemory(), Options{})
	_, err := in.Start(t.Context(), false)
	require.ErrorIs(t, err, prediag.ErrNotReady)
	in.Trigger()
	_, ok := in.Last()
	require.False(t, ok)
}

func TestStoppingEndsTheRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := New(newMemory(), Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := in.Run(ctx, func() []Source { return []Source{&gate{takes: time.Hour}} }, 0)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		op, _ := in.Last()
		require.Equal(t, OperationFailed, op.State)
	})
}

func TestPanicInSourcesIsAFailedRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := New(newMemory(), Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.ErrorIs(t, in.Run(ctx, func() []Source { panic("bad configuration") }, 0), context.DeadlineExceeded)
		op, _ := in.Last()
		require.Equal(t, OperationFailed, op.State)
		require.Contains(t, op.Error, "bad configuration")
	})
}

func TestOperationsAreForgotten(t *testing.T) {
	in := New(newMemory(), Options{})
	var firstID string
	for i := range maxOperations + 1 {
		op := in.open(false)
		if i == 0 {
			firstID = op.ID
		}
		in.closeOperation(op, Report{}, nil)
	}
	_, ok := in.Operation(firstID)
	require.False(t, ok)
	require.Len(t, in.ops, maxOperations)
}

func TestProgress(t *testing.T) {
	var got []Progress
	index := newMemory()
	in := New(index, Options{Progress: func(p Progress) { got = append(got, p) }})
	_, err := in.Refresh(t.Context(), []Source{FS("s", files(numberedFiles(100)))})
	require.NoError(t, err)
	require.Equal(t, []Progress{{StageReading, 1, 0}, {StageReading, 65, 0}, {StagePublishing, 100, 0}}, got)
	got = nil
	_, err = in.Refresh(t.Context(), []Source{FS("s", files(numberedFiles(100)))})
	require.NoError(t, err)
	require.Equal(t, []Progress{{StageReading, 1, 100}, {StageReading, 65, 100}}, got)
}
