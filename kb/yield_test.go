package kb

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestRefreshesGiveWayToSearchesAndGetOn(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	apply(t, k, put(article("a", "Title", "Body")))
	find(t, k, prediag.Query{Text: "body"})
	slept := 0
	k.giveWay(func(time.Duration) { slept++ })
	require.Zero(t, slept, "no search is at work")

	k.searches.Add(1)
	k.giveWay(func(time.Duration) { slept++ })
	require.Equal(t, yieldSteps, slept, "one that never ends holds nobody up for long")

	slept = 0
	k.giveWay(func(time.Duration) {
		slept++
		k.searches.Add(-1)
	})
	require.Equal(t, 1, slept, "it has ended")
}
