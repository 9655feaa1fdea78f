package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Where no bar can be drawn, a line every ten seconds says how far the work is, and none when it is short.
func TestProgressInLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Unix(1000, 0)
	p := (&app{err: &out}).newProgress("training")
	p.now, p.start, p.told = func() time.Time { return now }, now, now
	p.set(1, 100)
	now = now.Add(9 * time.Second)
	p.set(2, 100)
	require.Empty(t, out.String())
	now = now.Add(11 * time.Second)
	p.set(25, 100)
	p.set(26, 100)
	require.Equal(t, "training: 25 of 100 (25 %) after 20s, about 1m0s left\n", out.String())
	now = now.Add(10 * time.Second)
	p.set(40, 0)
	p.end()
	require.Contains(t, out.String(), "training: 40 done after 30s\n")
}
