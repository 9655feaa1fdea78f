package kb

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestABuildWithoutRoomIsRefused(t *testing.T) {
	free := int64(1 << 40)
	dir := t.TempDir()
	k := open(t, dir, Options{Free: func(string) (int64, error) { return free, nil }})
	before := apply(t, k, put(article("a", "Disk", "words")))
	free = leastEstimate * 2
	_, err := k.Apply(context.Background(), put(article("b", "New", "text")))
	require.ErrorIs(t, err, prediag.ErrOverloaded)
	require.ErrorContains(t, err, "8.4 MB are free")
	require.ErrorContains(t, err, "may need 9.2 MB")
	require.Equal(t, before, k.Generation())
	require.ElementsMatch(t, []string{pointerName, genName(1)}, names(t, dir))
	require.Equal(t, before, apply(t, k, changes()), "what changes nothing needs no room")
	free = -1
	require.EqualValues(t, 2, apply(t, k, put(article("b", "New", "text"))).Number, "unknown")
	real, err := freeBytes(dir)
	require.NoError(t, err)
	require.NotZero(t, real)
}

func TestScrubKeepsToItsRate(t *testing.T) {
	k := open(t, t.TempDir(), Options{ScrubRate: 200 << 10})
	apply(t, k, put(article("a", "Disk", "words")))
	began := time.Now()
	require.NoError(t, k.Scrub(context.Background()))
	least := float64(k.Generation().Bytes) / (200 << 10)
	require.Greater(t, time.Since(began).Seconds(), least/2)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, k.Scrub(ctx), context.Canceled)
}
