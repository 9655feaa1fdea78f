package eval

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFoldsKeepTogether(t *testing.T) {
	qrels := Qrels{"none": {"x": 0}}
	for i := range 100 {
		qrels[fmt.Sprintf("q%d", i)] = map[string]int{fmt.Sprintf("d%d", i/2): 1}
	}
	qrels["q0"]["d49"] = 1 // joins the first and the last two
	fold, group := Folds(qrels, 5, 1)
	require.Len(t, fold, 100)
	require.NotContains(t, fold, "none")
	sizes := make([]int, 5)
	for i := range 100 {
		q, twin := fmt.Sprintf("q%d", i), fmt.Sprintf("q%d", i^1)
		require.Equal(t, fold[q], fold[twin])
		require.Equal(t, group[q], group[twin])
		sizes[fold[q]]++
	}
	require.Equal(t, fold["q0"], fold["q99"])
	for _, n := range sizes {
		require.InDelta(t, 20, n, 4)
	}
	again, _ := Folds(qrels, 5, 1)
	require.Equal(t, fold, again)
	other, _ := Folds(qrels, 5, 2)
	require.NotEqual(t, fold, other)
}

// TestGroupedChange: ten queries that rise together are one piece of evidence, ten that rise alone are ten.
func TestGroupedChange(t *testing.T) {
	before, after := make([]float64, 10), make([]float64, 10)
	one, ten := make([]string, 10), make([]string, 10)
	for i := range 10 {
		before[i], after[i], one[i], ten[i] = 0.5, 0.6, "same", fmt.Sprint(i)
	}
	c := GroupedChange(before, after, ten, 1)
	require.InDelta(t, 0.1, float64(c.Change), 1e-12)
	require.InDelta(t, 0.1, float64(c.Low), 1e-12)
	require.InDelta(t, 2.0/1024, float64(c.P), 0.002, "all heads or all tails")
	require.Equal(t, 10, c.Groups)
	c = GroupedChange(before, after, one, 1)
	require.Equal(t, 1, c.Groups)
	require.Equal(t, Number(1), c.P)
	require.InDelta(t, 0.1, float64(c.Change), 1e-12)
	require.False(t, c.Low.Defined(), "of one group nothing can be said")
}
