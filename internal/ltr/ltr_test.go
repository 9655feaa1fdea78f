package ltr

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// lists are queries whose relevant document is the one with the greatest sum of feature 0 and twice feature 2; feature 1 is
// noise.
func lists(n int, seed uint64) []List {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]List, n)
	for i := range out {
		best, at := math.Inf(-1), 0
		for j := range 10 {
			x := []float64{r.Float64(), r.Float64(), r.Float64(), 1}
			out[i].Features = append(out[i].Features, x)
			if s := x[0] + 2*x[2]; s > best {
				best, at = s, j
			}
		}
		out[i].Gains = make([]float64, 10)
		out[i].Gains[at] = 1
	}
	return out
}

func TestFitFindsTheRule(t *testing.T) {
	w, err := Fit(context.Background(), lists(400, 1), Options{Ridge: 1e-3})
	require.NoError(t, err)
	require.InDelta(t, 2, w[2]/w[0], 0.2)
	require.InDelta(t, 0, w[1]/w[0], 0.15)
	require.Zero(t, w[3], "what never differs says nothing")
	again, err := Fit(context.Background(), lists(400, 1), Options{Ridge: 1e-3})
	require.NoError(t, err)
	require.Equal(t, w, again)
}

// TestRidgePullsToTheFirstFeature: under a great penalty the order is the one that there was.
func TestRidgePullsToTheFirstFeature(t *testing.T) {
	w, err := Fit(context.Background(), lists(100, 2), Options{Ridge: 1e6})
	require.NoError(t, err)
	require.Greater(t, w[0], 0.0)
	require.Less(t, math.Abs(w[2]), 1e-3*w[0])
}

// TestFitByHand: of two documents with one feature the relevant one is ahead in three lists of four, so that its
// probability is 3/4 and the weight log 3.
func TestFitByHand(t *testing.T) {
	ahead := List{Features: [][]float64{{1}, {0}}, Gains: []float64{1, 0}}
	behind := List{Features: [][]float64{{1}, {0}}, Gains: []float64{0, 1}}
	w, err := Fit(context.Background(), []List{ahead, ahead, ahead, behind}, Options{Ridge: 1e-9})
	require.NoError(t, err)
	require.InDelta(t, math.Log(3), w[0], 1e-4)
}

// TestUnitsMakeNoDifference: a feature in other units gets the weight in other units.
func TestUnitsMakeNoDifference(t *testing.T) {
	base := lists(60, 3)
	want, err := Fit(context.Background(), base, Options{})
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		unit, shift := rapid.Float64Range(1e-3, 1e3).Draw(t, "unit"), rapid.Float64Range(-5, 5).Draw(t, "shift")
		scaled := make([]List, len(base))
		for i, l := range base {
			scaled[i].Gains = l.Gains
			for _, x := range l.Features {
				scaled[i].Features = append(scaled[i].Features, []float64{x[0], x[1], x[2]*unit + shift, x[3]})
			}
		}
		w, err := Fit(context.Background(), scaled, Options{})
		require.NoError(t, err)
		require.InEpsilon(t, want[2], w[2]*unit, 1e-3)
		require.InEpsilon(t, want[0], w[0], 1e-3)
	})
}

func TestNothingToLearn(t *testing.T) {
	for _, l := range [][]List{nil, {{}}, {{Features: [][]float64{{1}, {2}}, Gains: []float64{0, 0}}}, {{Features: [][]float64{{1}}, Gains: []float64{1}}}} {
		_, err := Fit(context.Background(), l, Options{})
		require.ErrorIs(t, err, ErrNothing)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Fit(ctx, lists(5, 1), Options{})
	require.ErrorIs(t, err, context.Canceled)
}
