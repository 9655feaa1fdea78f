package eval

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// stream draws items whose log-odds of being in scope lie around 1 where they are and around -1 where they are not, both with a variance of 2, so
// that the true log-odds are the value itself when both kinds are equally frequent.
func stream(rng *rand.Rand, in, out int) []ClassifyItem {
	var items []ClassifyItem
	for i := range in + out {
		it := ClassifyItem{Truth: "dns", Label: "dns", Right: i < in}
		x := 1 + math.Sqrt2*rng.NormFloat64()
		if i >= in {
			it.Truth, x = "oos", x-2
		}
		it.InScope = 1 / (1 + math.Exp(-x))
		items = append(items, it)
	}
	return items
}

func TestLikelyOOSThresholdFollowsTheStream(t *testing.T) {
	items := stream(rand.New(rand.NewPCG(1, 2)), 4000, 4000)
	for _, share := range []float64{0.1, 0.5, 0.9} {
		// in scope as likely as not where x + log((1-share)/share) is 0, and sigmoid(x) is InScope
		require.InDelta(t, share, LikelyOOSThreshold(items, share), 0.03)
	}
	few := append(items[:4000:4000], items[4000:4100]...)
	require.InDelta(t, 0.5, LikelyOOSThreshold(few, 0.5), 0.1, "however few of the items are outside")
}

func TestLikelyOOSThresholdIsSteadier(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var likely, best []float64
	for range 60 {
		items := stream(rng, 200, 22)
		likely, best = append(likely, LikelyOOSThreshold(items, StreamOutside)), append(best, ChooseOOSThreshold(items))
	}
	require.Less(t, 2*variance(likely), variance(best))
}

func variance(x []float64) (v float64) {
	for _, a := range x {
		v += (a - meanOf(x)) * (a - meanOf(x))
	}
	return v
}

func TestLikelyOOSThresholdOfLittle(t *testing.T) {
	item := func(scope float64, truth string, right bool) ClassifyItem {
		return ClassifyItem{InScope: scope, Truth: truth, Label: "dns", Right: right}
	}
	require.Equal(t, -1.0, LikelyOOSThreshold(nil, 0.1))
	require.Equal(t, -1.0, LikelyOOSThreshold([]ClassifyItem{item(0.1, "oos", false)}, 0.1))
	require.Equal(t, -1.0, LikelyOOSThreshold([]ClassifyItem{item(0.1, "dns", true), item(0.2, "dns", false)}, 0.1))
	require.Equal(t, -1.0, LikelyOOSThreshold([]ClassifyItem{item(0.1, "dns", true), item(0.9, "oos", false), item(0.2, "dns", true), item(0.8, "oos", false)}, 0.1))
	got := LikelyOOSThreshold([]ClassifyItem{item(0.1, "oos", false), item(0.9, "dns", true)}, 0.5)
	require.InDelta(t, 0.5, got, 0.2, "parted by any threshold between")
	rapid.Check(t, func(t *rapid.T) {
		var items []ClassifyItem
		for range rapid.IntRange(1, 20).Draw(t, "items") {
			items = append(items, item(rapid.Float64Range(0, 1).Draw(t, "in scope"), rapid.SampledFrom([]string{"oos", "dns"}).Draw(t, "truth"), rapid.Bool().Draw(t, "right")))
		}
		got := LikelyOOSThreshold(items, rapid.Float64Range(0.01, 0.99).Draw(t, "share"))
		require.True(t, got == -1 || got >= 0 && got <= 1, "%v", got)
	})
}

func TestOOSAtDecidesAgain(t *testing.T) {
	items := []ClassifyItem{{InScope: 0.2, Truth: "oos", Label: "dns"}, {InScope: 0.6, Truth: "oos", Label: "dns"}, {InScope: 0.7, Truth: "oos", Label: "oos"},
		{InScope: 0.4, Truth: "dns", Label: "dns", Right: true, Refused: true}, {InScope: 0.9, Truth: "dns", Label: "dns", Right: true}, {Error: "lost"}}
	low, high := OOSAt(items, 0.3), OOSAt(items, 0.5)
	require.InDelta(t, 2.0/3, float64(low.Recall), 1e-12)
	require.InDelta(t, 1, float64(low.Precision), 1e-12)
	require.InDelta(t, 1, float64(low.Accuracy), 1e-12)
	require.InDelta(t, 2.0/3, float64(high.Precision), 1e-12)
	require.InDelta(t, 0.5, float64(high.Accuracy), 1e-12)
	require.True(t, items[3].Refused, "the items stay")
	require.Nil(t, OOSAt(items[3:], 0.5))
}
