package eval

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Five judgements of one query: a 2, b 1, c 0, d 1, e not judged (in the pool).
var judgements = map[string]int{"a": 2, "b": 1, "c": 0, "d": 1, "e": -1}

func TestRankingByHand(t *testing.T) {
	// ranking: c (0), a (2), x (not judged), b (1), e; d is not found
	j := NewJudged([]ScoredDoc{{"a", 4}, {"c", 5}, {"x", 3}, {"e", 1}, {"b", 2}}, judgements)
	ideal := 2 + 1/math.Log2(3) + 1/math.Log2(4)
	tests := []struct {
		name      string
		got, want float64
	}{
		{"nDCG@10", j.NDCG(10), (2/math.Log2(3) + 1/math.Log2(5)) / ideal},
		{"nDCG@2", j.NDCG(2), (2 / math.Log2(3)) / (2 + 1/math.Log2(3))},
		{"nDCG@1", j.NDCG(1), 0},
		{"RR@10", j.ReciprocalRank(10), 0.5},
		{"RR@1", j.ReciprocalRank(1), 0},
		{"AP", j.AveragePrecision(), (1.0/2 + 2.0/4) / 3},
		{"P@2", j.Precision(2), 0.5},
		{"P@10 counts over ten though five were returned", j.Precision(10), 0.2},
		{"R@2", j.Recall(2), 1.0 / 3},
		{"R@10", j.Recall(10), 2.0 / 3},
		{"success@1", j.Success(1), 0},
		{"success@2", j.Success(2), 1},
		// above a and above b: one judged not relevant, of min(1, 3)
		{"bpref", j.BPref(), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { require.InDelta(t, tt.want, tt.got, 1e-15) })
	}
}

func TestBPrefByHand(t *testing.T) {
	grades := map[string]int{"r1": 1, "r2": 1, "n1": 0, "n2": 0, "n3": 0}
	// r1, n1, r2, n2: r1 has none above, r2 one of min(3, 2): (1 + 1/2) / 2
	j := NewJudged([]ScoredDoc{{"r1", 9}, {"n1", 8}, {"x", 7}, {"r2", 6}, {"n2", 5}}, grades)
	require.InDelta(t, 0.75, j.BPref(), 1e-15)
	// three judged not relevant above r2 count as two
	j = NewJudged([]ScoredDoc{{"r1", 9}, {"n1", 8}, {"n2", 7}, {"n3", 6}, {"r2", 5}}, grades)
	require.InDelta(t, 0.5, j.BPref(), 1e-15)
}

func TestTiesAreRankedByIDDescending(t *testing.T) {
	j := NewJudged([]ScoredDoc{{"a", 1}, {"b", 1}, {"c", 1}}, map[string]int{"c": 1})
	require.Equal(t, 1.0, j.ReciprocalRank(10))
	j = NewJudged([]ScoredDoc{{"a", 1}, {"b", 1}, {"c", 1}}, map[string]int{"a": 1})
	require.Equal(t, 1.0/3, j.ReciprocalRank(10))
}

func TestPublishedNDCG(t *testing.T) {
	// scikit-learn's documentation of ndcg_score
	grades := map[string]int{"d1": 10, "d2": 0, "d3": 0, "d4": 1, "d5": 5}
	j := NewJudged([]ScoredDoc{{"d1", .1}, {"d2", .2}, {"d3", .3}, {"d4", 4}, {"d5", 70}}, grades)
	require.InDelta(t, 0.6956940443813076, j.NDCG(10), 1e-12)
	j = NewJudged([]ScoredDoc{{"d1", .05}, {"d2", 1.1}, {"d3", 1.}, {"d4", .5}, {"d5", .0}}, grades)
	require.InDelta(t, 0.49368019137737595, j.NDCG(10), 1e-12)
	// its documentation of average_precision_score
	j = NewJudged([]ScoredDoc{{"a", .1}, {"b", .4}, {"c", .35}, {"d", .8}}, map[string]int{"a": 0, "b": 0, "c": 1, "d": 1})
	require.InDelta(t, 5.0/6, j.AveragePrecision(), 1e-15)
}

func TestWithoutRelevantDocumentsEveryMeasureIsZero(t *testing.T) {
	j := NewJudged([]ScoredDoc{{"a", 1}}, map[string]int{"a": 0})
	require.Equal(t, []float64{0, 0, 0, 0, 0, 0, 0},
		[]float64{j.NDCG(10), j.ReciprocalRank(10), j.AveragePrecision(), j.Precision(10), j.Recall(10), j.Success(10), j.BPref()})
	j = NewJudged(nil, map[string]int{"a": 1})
	require.Equal(t, []float64{0, 0, 0, 0, 0, 0, 0},
		[]float64{j.NDCG(10), j.ReciprocalRank(10), j.AveragePrecision(), j.Precision(10), j.Recall(10), j.Success(10), j.BPref()})
}
