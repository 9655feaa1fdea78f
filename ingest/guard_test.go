package ingest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(1, 2*time.Second)
		_, reason, err := g.run(t.Context(), func() (prediag.Article, string) { return prediag.Article{}, SkipEmpty })
		require.NoError(t, err)
		require.Equal(t, SkipEmpty, reason)

		_, reason, err = g.run(t.Context(), func() (prediag.Article, string) { panic("bug") })
		require.ErrorContains(t, err, "bug")
		require.Equal(t, SkipPanic, reason)

		// Endless parsers take up all the slots; then nothing runs until one of them ends.
		stop := make(chan struct{})
		for range 1 + maxStragglers {
			start := time.Now()
			_, reason, _ = g.run(t.Context(), func() (prediag.Article, string) { <-stop; return prediag.Article{}, "" })
			require.Equal(t, SkipTimeout, reason)
			require.Equal(t, 2*time.Second, time.Since(start))
		}
		ran := false
		_, reason, _ = g.run(t.Context(), func() (prediag.Article, string) { ran = true; return prediag.Article{}, "" })
		require.Equal(t, SkipTimeout, reason)
		require.False(t, ran)
		close(stop)
		synctest.Wait()
		_, reason, _ = g.run(t.Context(), func() (prediag.Article, string) { ran = true; return prediag.Article{}, "" })
		require.Empty(t, reason)
		require.True(t, ran)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, _, _ = g.run(ctx, func() (prediag.Article, string) { time.Sleep(time.Hour); return prediag.Article{}, "" })
		require.Equal(t, time.Second, time.Since(start))
		time.Sleep(2 * time.Hour)
	})
}
