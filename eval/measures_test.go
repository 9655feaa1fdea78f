package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPublishedLabelMeasures(t *testing.T) {
	// Examples of scikit-learn's documentation of each function.
	three := NewConfusion([]string{"0", "1", "2", "0", "1", "2"}, []string{"0", "2", "1", "0", "0", "1"})
	balanced := NewConfusion([]string{"0", "1", "0", "0", "1", "0"}, []string{"0", "1", "0", "0", "0", "1"})
	mcc := NewConfusion([]string{"+", "+", "+", "-"}, []string{"+", "-", "+", "+"})
	tests := []struct {
		name      string
		got, want float64
	}{
		{"accuracy_score", Accuracy([]string{"0", "1", "2", "3"}, []string{"0", "2", "1", "3"}), 0.5},
		{"balanced_accuracy_score", balanced.BalancedAccuracy(), 0.625},
		{"f1_score macro", three.MacroF1(), 4.0 / 15},
		{"f1_score micro", three.MicroF1(), 1.0 / 3},
		{"f1_score weighted", three.WeightedF1(), 4.0 / 15},
		{"f1_score per class", float64(three.PerClass()[0].F1), 0.8},
		{"matthews_corrcoef", mcc.MCC(), -1.0 / 3},
		{"log_loss", LogLoss([]float64{0.9, 0.9, 0.8, 0.65}), 0.21616187468057912},
		{"brier_score_loss, doubled", Brier([]int{0, 1, 1, 0}, [][]float64{{.9, .1}, {.1, .9}, {.2, .8}, {.7, .3}}), 2 * 0.0375},
		{"roc_auc_score", AUROC([]float64{0.35, 0.8}, []float64{0.1, 0.4}), 0.75},
		{"top_k_accuracy_score", TopK([]string{"0", "1", "2", "2"}, [][]string{{"0", "1"}, {"1", "0"}, {"1", "2"}, {"0", "1"}}, 2), 0.75},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { require.InDelta(t, tt.want, tt.got, 1e-12) })
	}
}

type goldenCase struct {
	Truth         []string    `json:"truth"`
	Predicted     []string    `json:"predicted"`
	Classes       []string    `json:"classes"`
	Probabilities [][]float64 `json:"probabilities"`
	Score         []float64   `json:"score"`
	Positive      []bool      `json:"positive"`
	Labels        []string    `json:"labels"`
	Precision     []float64   `json:"precision"`
	Recall        []float64   `json:"recall"`
	F1            []float64   `json:"f1"`
	Support       []int       `json:"support"`
	Confusion     [][]int     `json:"confusion"`

	Accuracy         float64  `json:"accuracy"`
	BalancedAccuracy float64  `json:"balanced_accuracy"`
	MacroF1          float64  `json:"macro_f1"`
	MicroF1          float64  `json:"micro_f1"`
	WeightedF1       float64  `json:"weighted_f1"`
	MCC              float64  `json:"mcc"`
	LogLoss          float64  `json:"log_loss"`
	ECE              float64  `json:"ece"`
	AURC             float64  `json:"aurc"`
	Top2             *float64 `json:"top2"`
	Brier            *float64 `json:"brier"`
	AUROC            *float64 `json:"auroc"`
}

type goldenRanking struct {
	Grades  []int     `json:"grades"`
	Score   []float64 `json:"score"`
	NDCG1   float64   `json:"ndcg_1"`
	NDCG10  float64   `json:"ndcg_10"`
	NDCG100 float64   `json:"ndcg_100"`
	AP      float64   `json:"ap"`
}

// readGolden reads what scikit-learn computed for random cases; testdata/sklearn_golden.py made them.
func readGolden(t *testing.T) ([]goldenCase, []goldenRanking) {
	raw, err := os.ReadFile("testdata/sklearn_golden.json")
	require.NoError(t, err)
	var golden struct {
		Labels  []goldenCase    `json:"labels"`
		Ranking []goldenRanking `json:"ranking"`
	}
	require.NoError(t, json.Unmarshal(raw, &golden))
	return golden.Labels, golden.Ranking
}

func TestGoldenRanking(t *testing.T) {
	_, cases := readGolden(t)
	require.Len(t, cases, 5)
	for _, c := range cases {
		grades := map[string]int{}
		var docs []ScoredDoc
		for i, g := range c.Grades {
			id := fmt.Sprint("d", i)
			grades[id] = g
			docs = append(docs, ScoredDoc{id, c.Score[i]})
		}
		j := NewJudged(docs, grades)
		require.InDelta(t, c.NDCG1, j.NDCG(1), 1e-12)
		require.InDelta(t, c.NDCG10, j.NDCG(10), 1e-12)
		require.InDelta(t, c.NDCG100, j.NDCG(100), 1e-12)
		require.InDelta(t, c.AP, j.AveragePrecision(), 1e-12)
	}
}

func TestGoldenScikitLearn(t *testing.T) {
	cases, _ := readGolden(t)
	require.Len(t, cases, 10)
	for i, c := range cases {
		t.Run(fmt.Sprintf("case %d, n %d", i, len(c.Truth)), func(t *testing.T) {
			near := func(want, got float64, what string) { t.Helper(); require.InDelta(t, want, got, 1e-12, what) }
			m := NewConfusion(c.Truth, c.Predicted)
			require.Equal(t, c.Labels, m.Labels)
			require.Equal(t, c.Confusion, m.Counts)
			near(c.Accuracy, m.Accuracy(), "accuracy")
			near(c.Accuracy, Accuracy(c.Truth, c.Predicted), "accuracy")
			near(c.BalancedAccuracy, m.BalancedAccuracy(), "balanced accuracy")
			near(c.MacroF1, m.MacroF1(), "macro F1")
			near(c.MicroF1, m.MicroF1(), "micro F1")
			near(c.WeightedF1, m.WeightedF1(), "weighted F1")
			near(c.MCC, m.MCC(), "MCC")
			for l, s := range m.PerClass() {
				near(c.Precision[l], float64(s.Precision), "precision")
				near(c.Recall[l], float64(s.Recall), "recall")
				near(c.F1[l], float64(s.F1), "F1")
				require.Equal(t, c.Support[l], s.Support)
			}
			c.checkProbabilities(t)
		})
	}
}

func (c goldenCase) checkProbabilities(t *testing.T) {
	truth := make([]int, len(c.Truth))
	ofTruth := make([]float64, len(c.Truth))
	ranked := make([][]string, len(c.Truth))
	items := make([]Scored, len(c.Truth))
	var positive, negative []float64
	for i, p := range c.Probabilities {
		best := 0
		for k, class := range c.Classes {
			if class == c.Truth[i] {
				truth[i], ofTruth[i] = k, p[k]
			}
			if p[k] > p[best] {
				best = k
			}
		}
		ranked[i] = []string{c.Classes[best], secondBest(c.Classes, p, best)}
		items[i] = Scored{fmt.Sprintf("%05d", i), p[best], c.Predicted[i] == c.Truth[i]}
		if c.Positive[i] {
			positive = append(positive, c.Score[i])
		} else {
			negative = append(negative, c.Score[i])
		}
	}
	require.InDelta(t, c.LogLoss, LogLoss(ofTruth), 1e-12, "log loss")
	require.InDelta(t, c.ECE, ECE(items, 15), 1e-12, "ECE")
	require.InDelta(t, c.AURC, AURC(items), 1e-12, "AURC")
	if c.Top2 != nil {
		require.InDelta(t, *c.Top2, TopK(c.Truth, ranked, 2), 1e-12, "top 2")
	}
	if c.Brier != nil {
		require.InDelta(t, 2**c.Brier, Brier(truth, c.Probabilities), 1e-12, "Brier")
	}
	if c.AUROC != nil {
		require.InDelta(t, *c.AUROC, AUROC(positive, negative), 1e-12, "AUROC")
	}
}

func secondBest(classes []string, p []float64, best int) string {
	second := -1
	for k := range p {
		if k != best && (second < 0 || p[k] > p[second]) {
			second = k
		}
	}
	return classes[second]
}

// four decisions, worked by hand: right at 0.9 and 0.8, wrong at 0.7, right at 0.6.
func four() []Scored {
	return []Scored{{"a", 0.9, true}, {"b", 0.8, true}, {"c", 0.7, false}, {"d", 0.6, true}}
}

func TestSelectiveByHand(t *testing.T) {
	// risks at 1/4 … 4/4: 0, 0, 1/3, 1/4
	require.InDelta(t, (1.0/3+1.0/4)/4, AURC(four()), 1e-15)
	// answered and wrong of all: 0, 0, 1/4, 1/4
	require.InDelta(t, 0.125, AUGRC(four()), 1e-15)
	require.Equal(t, 0.5, CoverageAt(four(), 0.95))
	require.Equal(t, 1.0, CoverageAt(four(), 0.75))
	require.Equal(t, 0.5, CoverageAt(four(), 0.76))
	require.Equal(t, 0.0, CoverageAt([]Scored{{"a", 0.9, false}}, 0.5))
}

func TestCoverageTakesEqualConfidencesTogether(t *testing.T) {
	items := []Scored{{"a", 0.5, true}, {"b", 0.5, true}, {"c", 0.5, false}}
	require.Equal(t, 0.0, CoverageAt(items, 0.95), "no threshold parts a and b from c")
	require.Equal(t, 1.0, CoverageAt(items, 0.6))
}

func TestAURCBreaksTiesByID(t *testing.T) {
	require.Equal(t, AURC([]Scored{{"a", 0.5, true}, {"b", 0.5, false}}), AURC([]Scored{{"b", 0.5, false}, {"a", 0.5, true}}))
	require.Equal(t, 0.25, AURC([]Scored{{"b", 0.5, false}, {"a", 0.5, true}}))
}

func TestCalibrationByHand(t *testing.T) {
	items := []Scored{{"a", 0.95, true}, {"b", 0.95, false}, {"c", 0.35, false}, {"d", 0.25, true}}
	// two bins: [0, 0.5] holds 0.35 wrong and 0.25 right: |0.3 - 0.5|; (0.5, 1] holds |0.95 - 0.5|
	require.InDelta(t, 0.5*0.2+0.5*0.45, ECE(items, 2), 1e-15)
	require.InDelta(t, 0.45, MCE(items, 2), 1e-15)
	require.InDelta(t, 0.5*0.2+0.5*0.45, ECEEqualMass(items, 2), 1e-15)
	require.InDelta(t, (0.75+0.35+0.05+0.95)/4, ECEEqualMass(items, 15), 1e-15, "more bins than items: one item a bin")
}

func TestBinsAreOpenBelowAndClosedAbove(t *testing.T) {
	for confidence, bin := range map[float64]int{0: 0, 0.1: 0, 0.2: 0, 0.2000001: 1, 0.4: 1, 0.99: 4, 1: 4} {
		require.Equal(t, bin, binOf(confidence, 5), "confidence %v", confidence)
	}
}

func TestNothingMeasuredIsNotANumber(t *testing.T) {
	empty := NewConfusion(nil, nil)
	low, high := Wilson(0, 0)
	blow, bhigh := Bootstrap(nil, 100, 1)
	for i, v := range []float64{Accuracy(nil, nil), TopK(nil, nil, 3), empty.Accuracy(), empty.BalancedAccuracy(), empty.MacroF1(),
		empty.MicroF1(), empty.WeightedF1(), empty.MCC(), LogLoss(nil), Brier(nil, nil), ECE(nil, 15), ECEEqualMass(nil, 15),
		MCE(nil, 15), AURC(nil), AUGRC(nil), CoverageAt(nil, 0.9), AUROC(nil, nil), AUROC([]float64{1}, nil), low, high, blow, bhigh} {
		require.True(t, math.IsNaN(v), "measure %d gave %v", i, v)
	}
}

func TestMCCWithOneLabelIsZero(t *testing.T) {
	require.Zero(t, NewConfusion([]string{"a", "a"}, []string{"a", "a"}).MCC())
	require.Zero(t, NewConfusion([]string{"a", "b"}, []string{"a", "a"}).MCC())
}

func TestWilson(t *testing.T) {
	tests := []struct {
		successes, n int
		low, high    float64
	}{
		{8, 10, 0.4901625, 0.9433178}, // R: prop.test(8, 10, correct = FALSE)
		{0, 10, 0, 0.2775328},
		{10, 10, 0.7224672, 1},
		{81, 263, 0.2552716, 0.3661698}, // Newcombe 1998, table I: 0.2553, 0.3662
	}
	for _, tt := range tests {
		low, high := Wilson(tt.successes, tt.n)
		require.InDelta(t, tt.low, low, 5e-5, "%d of %d", tt.successes, tt.n)
		require.InDelta(t, tt.high, high, 5e-5, "%d of %d", tt.successes, tt.n)
	}
}

func TestBootstrap(t *testing.T) {
	values := make([]float64, 400)
	for i := range values {
		values[i] = float64(i % 2)
	}
	low, high := Bootstrap(values, DefaultResamples, 7)
	// the normal approximation: 0.5 ± 1.96 · 0.5/√400
	require.InDelta(t, 0.451, low, 0.003)
	require.InDelta(t, 0.549, high, 0.003)
	again, _ := Bootstrap(values, DefaultResamples, 7)
	require.Equal(t, low, again, "the same seed gives the same interval")
	same, same2 := Bootstrap([]float64{3, 3, 3}, 100, 1)
	require.Equal(t, []float64{3, 3}, []float64{same, same2})
}

func TestQuantile(t *testing.T) {
	require.Equal(t, 2.5, quantile([]float64{1, 2, 3, 4}, 0.5))
	require.Equal(t, 1.0, quantile([]float64{1, 2, 3, 4}, 0))
	require.Equal(t, 4.0, quantile([]float64{1, 2, 3, 4}, 1))
}

// TestDeLongByHand: the positives 2, 4, 6 lie above 1/3, 2/3 and all of the negatives 1, 3, 5; the negatives lie above
// none, 1/3 and 2/3 of the positives: the variance of each is 1/9.
func TestDeLongByHand(t *testing.T) {
	positive, negative := []float64{2, 4, 6}, []float64{1, 3, 5}
	require.InDelta(t, 1.0/9, placementVariance(positive, negative), 1e-12)
	require.InDelta(t, 1.0/9, placementVariance(negative, positive), 1e-12)
	low, high := DeLong(positive, negative)
	area, se := 6.0/9, math.Sqrt(2.0/27)
	logit := func(p float64) float64 { return math.Log(p / (1 - p)) }
	require.InDelta(t, logit(area)-z95*se/(area*(1-area)), logit(low), 1e-9)
	require.InDelta(t, logit(area)+z95*se/(area*(1-area)), logit(high), 1e-9)
	low, high = DeLong([]float64{2, 3}, []float64{0, 1})
	wl, wh := Wilson(2, 2)
	require.Equal(t, []float64{wl, wh}, []float64{low, high}, "no variance was seen")
	low, _ = DeLong([]float64{2}, []float64{0, 1})
	require.True(t, math.IsNaN(low))
	// ties count half
	require.InDelta(t, 0, placementVariance([]float64{1, 1, 1}, []float64{1, 2}), 1e-12)
}

// TestDeLongAgreesWithTheBootstrap on a few hundred scores.
func TestDeLongAgreesWithTheBootstrap(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var positive, negative []float64
	for range 200 {
		positive, negative = append(positive, rng.NormFloat64()+1), append(negative, rng.NormFloat64())
	}
	low, high := DeLong(positive, negative)
	iv := bootstrap(200, 2000, 1, statistic{1, func(weights []int, out []float64) {
		var p, n []float64
		for i, w := range weights {
			for range w {
				p, n = append(p, positive[i]), append(n, negative[i])
			}
		}
		out[0] = AUROC(p, n)
	}})
	require.InDelta(t, float64(iv[0].Low), low, 0.01)
	require.InDelta(t, float64(iv[0].High), high, 0.01)
}

func TestWilsonF1ByHand(t *testing.T) {
	// 6 both, 2 only: F1 = 12/14; the share 6/8 is Wilson's
	l, h := Wilson(6, 8)
	low, high := wilsonF1(6, 2)
	require.InDelta(t, 2*l/(1+l), float64(low), 1e-12)
	require.InDelta(t, 2*h/(1+h), float64(high), 1e-12)
	require.True(t, float64(low) < 12.0/14 && 12.0/14 < float64(high))
}
