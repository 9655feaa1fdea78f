package eval

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestDriftFindsWhatMoved(t *testing.T) {
	items := simulated(1600, 8)
	before, after := items[:800], items[800:]
	r, err := Drift(before, after, 1)
	require.NoError(t, err)
	require.Len(t, r.Rows, 6)
	require.Empty(t, r.Unlabelled)
	for _, row := range r.Rows {
		require.False(t, row.Drifted, "%+v", row)
	}
	for i := range after[:200] {
		after[i].Language = "th"
	}
	r, err = Drift(before, after, 1)
	require.NoError(t, err)
	language := r.Rows[1]
	require.Equal(t, "language", language.Property)
	require.True(t, language.Drifted)
	require.InDelta(t, 0.25, float64(language.Distance), 0.03, "a quarter became Thai")
	require.Less(t, float64(language.Noise), 0.1)
	require.Equal(t, DriftMove{"th", 0, 0.25}, roundMove(language.Moved[0]))
	require.False(t, r.Rows[0].Drifted, "the labels did not")
	same, err := Drift(before, after, 1)
	require.NoError(t, err)
	require.Equal(t, r, same)
}

// TestDriftOfUnlabelledTickets: the true label is left out, and that is said; nothing else changes.
func TestDriftOfUnlabelledTickets(t *testing.T) {
	items := simulated(400, 8)
	before, after := items[:200], items[200:]
	with, err := Drift(before, after, 1)
	require.NoError(t, err)
	for i := range after {
		after[i].Truth = ""
		delete(after[i].Slices, "tier")
	}
	r, err := Drift(before, after, 1)
	require.NoError(t, err)
	require.Equal(t, "200 of 200 tickets before and 0 of 200 after have a label: drift of the true label is not told, it takes 100 of each time", r.Unlabelled)
	var names []string
	for i, row := range r.Rows {
		names = append(names, row.Property)
		require.Equal(t, with.Rows[i].Distance, row.Distance)
		require.LessOrEqual(t, row.Low, row.Distance)
		require.GreaterOrEqual(t, row.High, row.Distance)
	}
	require.Equal(t, []string{"predicted label", "language", "confidence", "length"}, names)
}

func roundMove(m DriftMove) DriftMove {
	m.After = Number(math.Round(float64(m.After)*1e9) / 1e9)
	return m
}

func TestDriftNeedsEnoughTickets(t *testing.T) {
	_, err := Drift(simulated(99, 3), simulated(500, 3), 1)
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.ErrorContains(t, err, "at least 100")
}

func TestVariationByHand(t *testing.T) {
	// before: a a b b, after: a b b b
	require.InDelta(t, 0.25, variation([]int{0, 0, 1, 1, 0, 1, 1, 1}, 4, 2), 1e-12)
	require.InDelta(t, 1, variation([]int{0, 1}, 1, 2), 1e-12)
}

func TestUnseenShare(t *testing.T) {
	before := texts("a", "x", "the disk is full")
	share, low, high := UnseenShare(before, texts("b", "x", "the disk broke twice", "disk full", ""), 1)
	require.InDelta(t, (0.5+0)/2, float64(share), 1e-12)
	require.InDelta(t, 0, float64(low), 1e-12)
	require.InDelta(t, 0.5, float64(high), 1e-12)
	share, _, _ = UnseenShare(before, nil, 1)
	require.False(t, share.Defined())
}
