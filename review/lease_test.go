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

func TestLeaseGoesToOneHolder(t *testing.T) {
	s := openStore(t, Options{})
	a, err := s.Acquire(t.Context(), "builder", "a", time.Hour)
	require.NoError(t, err)
	require.Equal(t, "a", a.Holder)
	require.EqualValues(t, 1, a.Epoch)
	require.InDelta(t, time.Hour.Seconds(), a.Left.Seconds(), 60)
	require.Len(t, a.Authority, 32)
	b, err := s.Acquire(t.Context(), "builder", "b", time.Hour)
	require.NoError(t, err)
	require.Equal(t, "a", b.Holder, "held")
	again, err := s.Acquire(t.Context(), "builder", "a", 2*time.Hour)
	require.NoError(t, err)
	require.EqualValues(t, 1, again.Epoch, "a renewal is the same epoch")
	require.Greater(t, again.Left, a.Left)
	other, err := s.Acquire(t.Context(), "other", "b", time.Hour)
	require.NoError(t, err)
	require.Equal(t, "b", other.Holder, "another name is another lease")

	_, err = s.writer.ExecContext(t.Context(), "update leases set expires = 1")
	require.NoError(t, err)
	b, err = s.Acquire(t.Context(), "builder", "b", time.Hour)
	require.NoError(t, err)
	require.Equal(t, "b", b.Holder, "the lease had ended")
	require.EqualValues(t, 2, b.Epoch)
	require.NoError(t, s.GiveUp(t.Context(), a), "too late")
	late, err := s.Acquire(t.Context(), "builder", "a", time.Hour)
	require.NoError(t, err)
	require.Equal(t, "b", late.Holder)
	require.NoError(t, s.GiveUp(t.Context(), b))
	back, err := s.Acquire(t.Context(), "builder", "b", time.Hour)
	require.NoError(t, err)
	require.EqualValues(t, 3, back.Epoch, "who comes back after a gap has another epoch")
}

func TestLeaseArguments(t *testing.T) {
	s := openStore(t, Options{})
	for _, c := range []struct {
		name, holder string
		ttl          time.Duration
	}{{"", "a", time.Hour}, {"x", "", time.Hour}, {"x", "a", 0}, {"x", "a", time.Microsecond}} {
		_, err := s.Acquire(t.Context(), c.name, c.holder, c.ttl)
		require.ErrorIs(t, err, prediag.ErrInvalid)
	}
}

// Many processes ask at once, again and again: at any time one of them holds the lease, and epochs only grow.
func TestLeaseUnderContention(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	const holders, rounds = 4, 25
	var mu sync.Mutex
	held := map[uint64]string{}
	var wg sync.WaitGroup
	for n := range holders {
		s := openAt(t, path, Options{})
		wg.Go(func() {
			me := fmt.Sprint("holder ", n)
			for range rounds {
				l, err := s.Acquire(t.Context(), "builder", me, time.Hour)
				if err != nil || l.Holder != me {
					continue
				}
				mu.Lock()
				if was := held[l.Epoch]; was != "" {
					t.Errorf("epoch %d was held by %s and %s", l.Epoch, was, me)
				}
				held[l.Epoch] = me
				mu.Unlock()
				if err := s.GiveUp(t.Context(), l); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.NotEmpty(t, held)
}
