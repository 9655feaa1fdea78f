package eval

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// The expected figures below are those that trec_eval itself prints (4 decimals): the file test/out.test.aqc of its
// repository, made with "trec_eval -q -c -m all_trec", github.com/usnistgov/trec_eval, developed by the National
// Institute of Standards and Technology. The rankings are made here so that they have the properties that the same file
// states: which ranks are relevant, how many documents were returned, how many are judged relevant.

// published is a ranking of n documents whose relevant ones stand at the ranks; all others are judged not relevant. So
// many more relevant documents exist that were not returned.
func published(n, relevant int, ranks ...int) Judged {
	grades := map[string]int{}
	docs := make([]ScoredDoc, n)
	for i := range docs {
		docs[i] = ScoredDoc{fmt.Sprintf("d%04d", i+1), float64(n - i)}
		grades[docs[i].ID] = 0
	}
	for _, r := range ranks {
		grades[docs[r-1].ID] = 1
	}
	for i := len(ranks); i < relevant; i++ {
		grades[fmt.Sprintf("missed%04d", i)] = 1
	}
	return NewJudged(docs, grades)
}

func fourDecimals(t *testing.T, want string, got float64, what string) {
	t.Helper()
	require.Equal(t, want, fmt.Sprintf("%.4f", got), what)
}

// TestTrecEvalQuery303: 84 returned, 10 relevant, and by its precision and recall at each cut the relevant ones stand at
// ranks 3, 4, 5, 7, 13 and 18.
func TestTrecEvalQuery303(t *testing.T) {
	j := published(84, 10, 3, 4, 5, 7, 13, 18)
	fourDecimals(t, "0.2723", j.AveragePrecision(), "map")
	fourDecimals(t, "0.3300", j.BPref(), "bpref")
	fourDecimals(t, "0.3333", j.ReciprocalRank(84), "recip_rank")
	for k, want := range map[int][3]string{ // P, recall, ndcg_cut
		5: {"0.6000", "0.3000", "0.4469"}, 10: {"0.4000", "0.4000", "0.3633"}, 15: {"0.3333", "0.5000", "0.4211"},
		20: {"0.3000", "0.6000", "0.4730"}, 30: {"0.2000", "0.6000", "0.4730"}, 100: {"0.0600", "0.6000", "0.4730"},
		200: {"0.0300", "0.6000", "0.4730"}, 500: {"0.0120", "0.6000", "0.4730"}, 1000: {"0.0060", "0.6000", "0.4730"},
	} {
		fourDecimals(t, want[0], j.Precision(k), fmt.Sprint("P_", k))
		fourDecimals(t, want[1], j.Recall(k), fmt.Sprint("recall_", k))
		fourDecimals(t, want[2], j.NDCG(k), fmt.Sprint("ndcg_cut_", k))
	}
	fourDecimals(t, "0.0000", j.Success(1), "success_1")
	fourDecimals(t, "1.0000", j.Success(5), "success_5")
	fourDecimals(t, "1.0000", j.Success(10), "success_10")
}

// query301 has 500 returned, 474 relevant: within the first ten ranks 6 and 7 are relevant ('0000011000'), and the cuts of
// precision say how many follow. Only figures that do not depend on the others' places are held against it.
func query301() Judged {
	ranks := []int{6, 7}
	for from, n := range map[int]int{16: 3, 21: 2, 31: 16, 101: 19, 201: 29} { // P_20 .25, P_30 .2333, P_100 .23, P_200 .21, P_500 .142
		for i := range n {
			ranks = append(ranks, from+i)
		}
	}
	return published(500, 474, ranks...)
}

func TestTrecEvalQuery301(t *testing.T) {
	j := query301()
	fourDecimals(t, "0.1667", j.ReciprocalRank(500), "recip_rank")
	fourDecimals(t, "0.1518", j.NDCG(10), "ndcg_cut_10")
	fourDecimals(t, "0.1176", j.NDCG(15), "ndcg_cut_15")
	for k, want := range map[int][2]string{5: {"0.0000", "0.0000"}, 10: {"0.2000", "0.0042"}, 15: {"0.1333", "0.0042"}, 20: {"0.2500", "0.0105"},
		30: {"0.2333", "0.0148"}, 100: {"0.2300", "0.0485"}, 200: {"0.2100", "0.0886"}, 500: {"0.1420", "0.1498"}, 1000: {"0.0710", "0.1498"}} {
		fourDecimals(t, want[0], j.Precision(k), fmt.Sprint("P_", k))
		fourDecimals(t, want[1], j.Recall(k), fmt.Sprint("recall_", k))
	}
	fourDecimals(t, "0.0000", j.Success(5), "success_5")
	fourDecimals(t, "1.0000", j.Success(10), "success_10")
}

// TestTrecEvalMeansCountMissingQueries: of the three judged queries the run lacks one, which counts as zero (-c).
func TestTrecEvalMeansCountMissingQueries(t *testing.T) {
	items := make([]RetrieveItem, 3)
	items[0].measure(query301())
	items[1].measure(published(84, 10, 3, 4, 5, 7, 13, 18))
	items[2].Missing = true
	items[2].measure(NewJudged(nil, map[string]int{"d": 1}))
	f := retrieveFigures(items, RetrieveOptions{Resamples: 10})
	fourDecimals(t, "0.1667", float64(f.MRR10), "recip_rank")
	fourDecimals(t, "0.2000", float64(f.P10), "P_10")
	fourDecimals(t, "0.1347", float64(f.R10), "recall_10")
	fourDecimals(t, "0.2162", float64(f.R100), "recall_100")
	fourDecimals(t, "0.1717", float64(f.NDCG10), "ndcg_cut_10")
	fourDecimals(t, "0.0000", float64(f.Success1), "success_1")
	fourDecimals(t, "0.3333", float64(f.Success5), "success_5")
	fourDecimals(t, "0.6667", float64(f.Success10), "success_10")
}

// TestPytrecEvalDocumentation: the example in the documentation of pytrec_eval (Van Gysel and de Rijke 2018), which runs
// trec_eval's own code.
func TestPytrecEvalDocumentation(t *testing.T) {
	q1 := NewJudged([]ScoredDoc{{"d1", 1.0}, {"d2", 0.0}, {"d3", 1.5}}, map[string]int{"d1": 0, "d2": 1, "d3": 0})
	require.InDelta(t, 0.3333333333333333, q1.AveragePrecision(), 1e-15)
	require.InDelta(t, 0.5, q1.NDCG(10), 1e-15)
	q2 := NewJudged([]ScoredDoc{{"d1", 1.5}, {"d2", 0.2}, {"d3", 0.5}}, map[string]int{"d2": 1, "d3": 1})
	require.InDelta(t, 0.5833333333333333, q2.AveragePrecision(), 1e-15)
	require.InDelta(t, 0.6934264036172708, q2.NDCG(10), 1e-15)
}
