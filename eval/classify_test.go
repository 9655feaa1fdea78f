package eval

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	require.NoError(t, err)
	return append(b, '\n')
}

// example has the verdict that told will give as its body: "label probability [label probability ...] in-scope".
func example(id, lang, truth, verdict string) prediag.Example {
	return prediag.Example{Ticket: prediag.Ticket{ID: id, Language: lang, Body: verdict}, Labels: map[string]string{"category": truth}}
}

// told is a classifier that answers what the ticket's body says.
func told(_ context.Context, t prediag.Ticket) (prediag.Verdict, error) {
	words := strings.Fields(t.Body)
	if words[0] == "fail" {
		return prediag.Verdict{}, errors.New("cannot read it")
	}
	var labels []prediag.Label
	for i := 0; i+1 < len(words); i += 2 {
		var p float64
		if _, err := fmt.Sscan(words[i+1], &p); err != nil {
			return prediag.Verdict{}, err
		}
		labels = append(labels, prediag.Label{Value: words[i], Probability: p})
	}
	v := prediag.Verdict{Model: "told-1", InScope: 1, Language: "fr"}
	if _, err := fmt.Sscan(words[len(words)-1], &v.InScope); err != nil {
		return v, err
	}
	v.Fields = []prediag.FieldVerdict{{Field: "category", Label: labels[0].Value, Probability: labels[0].Probability, Alternatives: labels[1:]}}
	return v, nil
}

// small is worked by hand below.
func small() []prediag.Example {
	return []prediag.Example{
		example("1", "en", "dns", "dns 0.9 vpn 0.1 0.95"),
		example("2", "en", "dns", "dns 0.8 0.9"),
		example("3", "zh", "vpn", "dns 0.7 vpn 0.3 0.8"),
		example("4", "zh", "vpn", "vpn 0.6 dns 0.2 0.4"),
		example("5", "", "disk", "dns 0.5 vpn 0.3 0.7"),
		example("6", "en", "oos", "dns 0.4 0.3"),
		example("7", "en", "oos", "oos 0.5 0.9"),
		example("8", "en", "oos", "vpn 0.5 0.6"),
		example("9", "en", "dns", "fail"),
		{Ticket: prediag.Ticket{ID: "10"}, Labels: map[string]string{"tier": "L1"}},
	}
}

func classifySmall(t *testing.T, opt ClassifyOptions) ClassifyReport {
	t.Helper()
	opt.Resamples = 500
	r, err := Classify(t.Context(), prediag.ClassifierFunc(told), small(), opt)
	require.NoError(t, err)
	return r
}

func TestClassifyByHand(t *testing.T) {
	r := classifySmall(t, ClassifyOptions{})
	require.Equal(t, []int{5, 3, 1, 1}, []int{r.N, r.NOOS, r.Failed, r.Unlabelled})
	require.Equal(t, "told-1", r.Model)
	require.Equal(t, "cannot read it", r.FirstError)
	near := func(want float64, got Number, what string) {
		t.Helper()
		require.InDelta(t, want, float64(got), 1e-12, what)
	}
	near(0.6, r.Accuracy, "dns, dns and vpn are right")
	near(0.4, r.BaselineAccuracy, "dns is two of five")
	near((1+0.5+0)/3, r.BalancedAccuracy, "balanced accuracy")
	near((4.0/6+2.0/3+0)/3, r.MacroF1, "dns: 2 right of 2 true and 4 told; vpn: 1 of 2 and 1; disk: none")
	near(0.8, r.Top3Accuracy, "vpn is second for ticket 3")
	near(-(math.Log(0.9)+math.Log(0.8)+math.Log(0.3)+math.Log(0.6)+math.Log(0.2))/5, r.LogLoss, "the rest of ticket 5, 0.2, is disk's")
	// ticket 1: .01+.01; 2: .04 + 2·.1²; 3: .49+.49; 4: .16+.04+.2²; 5: .25+.09+.8²
	near((0.02+0.06+0.98+0.24+0.98)/5, r.Brier, "Brier")
	// risks: 0, 0, 1/3, 1/4, 2/5
	near((1.0/3+1.0/4+2.0/5)/5, r.AURC, "AURC")
	near(0.4, r.CoverageAt95, "tickets 1 and 2")
	near(0.4, r.CoverageAt99, "tickets 1 and 2")
	// every item stands alone in its bin: (.1 + .2 + .7 + .4 + .5) / 5
	near(0.38, r.ECE, "ECE")
	near(0.7, r.MCE, "MCE")
	require.Equal(t, 2, r.PerLanguage["en"].N)
	near(0.5, r.PerLanguage["zh"].Accuracy, "zh")
	require.Equal(t, 1, r.PerLanguage["fr"].N, "the verdict's language stands in")
	low, high := Wilson(3, 5)
	near(low, r.AccuracyLow, "low")
	near(high, r.AccuracyHigh, "high")
}

func TestClassifyOutOfScopeByHand(t *testing.T) {
	r := classifySmall(t, ClassifyOptions{}).OOS
	// refused: 6 (0.3), 7 (label oos) of the oos ones; 4 (0.4) of the others
	require.Equal(t, 3, r.N)
	require.InDelta(t, 2.0/3, float64(r.Recall), 1e-12)
	require.InDelta(t, 2.0/3, float64(r.Precision), 1e-12)
	require.InDelta(t, 2.0/3, float64(r.F1), 1e-12)
	require.InDelta(t, 0.4, float64(r.Accuracy), 1e-12, "ticket 4 was right but refused")
	// in scope: .95 .9 .8 .4 .7; oos: .3 beats all five, .9 beats .95 and ties .9, .6 beats all but .4
	require.InDelta(t, (5+1.5+4)/15.0, float64(r.AUROC), 1e-12)
	require.InDelta(t, 1.0/3, float64(classifySmall(t, ClassifyOptions{OOSThreshold: 0.1}).OOS.Recall), 1e-12)
}

func TestClassifyGolden(t *testing.T) {
	golden(t, "classify.json", asJSON(t, classifySmall(t, ClassifyOptions{})))
}

func TestClassifyDoesNotDependOnOrderOrWorkers(t *testing.T) {
	want := asJSON(t, classifySmall(t, ClassifyOptions{Workers: 1}))
	rng := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		examples := small()
		rng.Shuffle(len(examples), func(i, j int) { examples[i], examples[j] = examples[j], examples[i] })
		r, err := Classify(t.Context(), prediag.ClassifierFunc(told), examples, ClassifyOptions{Workers: 7, Resamples: 500})
		require.NoError(t, err)
		require.Equal(t, string(want), string(asJSON(t, r)))
	}
}

func TestClassifyItems(t *testing.T) {
	var items []ClassifyItem
	var done []int
	classifySmall(t, ClassifyOptions{Item: func(it ClassifyItem) { items = append(items, it) }, Progress: func(d, total int) {
		require.Equal(t, 9, total)
		done = append(done, d)
	}})
	require.Len(t, items, 9)
	require.Equal(t, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}, done)
	require.Equal(t, 2, items[2].Rank)
	require.Equal(t, 0, items[4].Rank)
	require.Equal(t, "cannot read it", items[8].Error)
	line, err := json.Marshal(items[3])
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"4","language":"zh","truth":"vpn","label":"vpn","probability":0.6,"rank":1,"in_scope":0.4,"refused":true,"right":true,"slices":{"length":"under 50","category":"vpn"}}`, string(line))
}

func TestClassifyBaseline(t *testing.T) {
	disk := prediag.ClassifierFunc(func(context.Context, prediag.Ticket) (prediag.Verdict, error) {
		return prediag.Verdict{InScope: 1, Fields: []prediag.FieldVerdict{{Field: "category", Label: "disk", Probability: 0.5}}}, nil
	})
	// one of six: ticket 9, which the classifier fails on, counts for the baseline
	require.InDelta(t, 1.0/6, float64(classifySmall(t, ClassifyOptions{Baseline: disk}).BaselineAccuracy), 1e-12)
}

func TestClassifyWithoutAnythingMeasured(t *testing.T) {
	broken := prediag.ClassifierFunc(func(context.Context, prediag.Ticket) (prediag.Verdict, error) {
		return prediag.Verdict{}, prediag.ErrNotReady
	})
	r, err := Classify(t.Context(), broken, small(), ClassifyOptions{})
	require.NoError(t, err)
	require.Equal(t, 9, r.Failed)
	require.False(t, r.Accuracy.Defined())
	b := string(asJSON(t, r))
	require.Contains(t, b, `"accuracy": null`)
	require.NotContains(t, b, "NaN")
	var back ClassifyReport
	require.NoError(t, json.Unmarshal([]byte(b), &back))
	require.False(t, back.Accuracy.Defined(), "null is read as not defined, not as 0")
}

func TestClassifyRefusesWhatItCannotMeasure(t *testing.T) {
	_, err := Classify(t.Context(), prediag.ClassifierFunc(told), small(), ClassifyOptions{Field: "urgency"})
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.ErrorContains(t, err, `none of 10 examples has a label for the field "urgency"`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Classify(ctx, prediag.ClassifierFunc(told), small(), ClassifyOptions{})
	require.ErrorIs(t, err, context.Canceled)
	odd := prediag.ClassifierFunc(func(_ context.Context, t prediag.Ticket) (prediag.Verdict, error) {
		return prediag.Verdict{InScope: 1, Fields: []prediag.FieldVerdict{{Field: "category", Label: "x", Probability: math.NaN()}}}, nil
	})
	r, err := Classify(t.Context(), odd, small(), ClassifyOptions{})
	require.NoError(t, err)
	require.Equal(t, 9, r.Failed)
	require.Contains(t, r.FirstError, "NaN")
}

// TestPerfectIsOne: a classifier that is right and sure gets the best value of every measure.
func TestPerfectIsOne(t *testing.T) {
	perfect := []prediag.Example{example("1", "en", "a", "a 1 1"), example("2", "en", "b", "b 1 1"), example("3", "en", "oos", "a 0.2 0")}
	r, err := Classify(t.Context(), prediag.ClassifierFunc(told), perfect, ClassifyOptions{Resamples: 10})
	require.NoError(t, err)
	for _, one := range []Number{r.Accuracy, r.AccuracyHigh, r.BalancedAccuracy, r.MacroF1, r.MicroF1, r.WeightedF1, r.MCC,
		r.Top3Accuracy, r.CoverageAt90, r.CoverageAt95, r.CoverageAt99, r.OOS.AUROC, r.OOS.Recall, r.OOS.F1, r.OOS.Accuracy} {
		require.Equal(t, Number(1), one)
	}
	for _, zero := range []Number{r.Brier, r.ECE, r.ECEEqualMass, r.MCE, r.AURC, r.AUGRC} {
		require.Equal(t, Number(0), zero)
	}
	require.InDelta(t, 0, float64(r.LogLoss), 1e-15)
}

// drawItems are decisions over few labels, so that ties and repeats occur.
func drawItems(t *rapid.T) []ClassifyItem {
	label := rapid.SampledFrom([]string{"a", "b", "c"})
	n := rapid.IntRange(1, 30).Draw(t, "n")
	items := make([]ClassifyItem, n)
	for i := range items {
		it := ClassifyItem{ID: fmt.Sprintf("%03d", i), Truth: label.Draw(t, "truth"), Label: label.Draw(t, "label"), Probability: float64(rapid.IntRange(0, 8).Draw(t, "p")) / 8}
		it.Ranked = []prediag.Label{{Value: it.Label, Probability: it.Probability}}
		it.Right = it.Label == it.Truth
		if it.Right {
			it.Rank = 1
		}
		items[i] = it
	}
	return items
}

func TestWeightedMeasuresEqualThePlainOnes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := drawItems(t)
		scored := scoredOf(items)
		ones := make([]int, len(items))
		for i := range ones {
			ones[i] = 1
		}
		value := func(s statistic, i int) float64 {
			out := make([]float64, s.width)
			s.of(ones, out)
			return out[i]
		}
		c := confusionOf(items)
		for i, want := range []float64{c.MacroF1(), c.WeightedF1(), c.BalancedAccuracy(), c.MCC()} {
			require.InDelta(t, want, value(weightedLabels(items), i), 1e-12)
		}
		for i, want := range []float64{ECE(scored, 15), MCE(scored, 15)} {
			require.InDelta(t, want, value(weightedBins(scored, 15), i), 1e-12)
		}
		require.InDelta(t, ECEEqualMass(scored, 15), value(weightedMass(scored, 15), 0), 1e-12)
		for i, want := range []float64{AURC(scored), AUGRC(scored), CoverageAt(scored, 0.7), CoverageAt(scored, 0.9)} {
			require.InDelta(t, want, value(weightedSelective(scored, 0.7, 0.9), i), 1e-12)
		}
	})
}

func TestRenamedLabelsChangeNoFigure(t *testing.T) {
	rename := map[string]string{"a": "z", "b": "a", "c": "m"}
	rapid.Check(t, func(t *rapid.T) {
		items := drawItems(t)
		opt := ClassifyOptions{Resamples: 20}.withDefaults()
		before := classifyReport(items, opt)
		for i := range items {
			items[i].Truth, items[i].Label = rename[items[i].Truth], rename[items[i].Label]
			items[i].Ranked = []prediag.Label{{Value: items[i].Label, Probability: items[i].Probability}}
		}
		after := classifyReport(items, opt)
		before.PerClass, after.PerClass = nil, nil
		a, b := flatten(t, before), flatten(t, after)
		require.Equal(t, len(a), len(b))
		for k := range a {
			require.InDelta(t, a[k], b[k], 1e-12, k)
		}
	})
}

// flatten gives the numbers of a report by path.
func flatten(t require.TestingT, r ClassifyReport) map[string]float64 {
	raw, err := json.Marshal(r)
	require.NoError(t, err)
	var v any
	require.NoError(t, json.Unmarshal(raw, &v))
	out := map[string]float64{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				walk(path+"."+k, x)
			}
		case []any:
			for i, x := range v {
				walk(fmt.Sprint(path, ".", i), x)
			}
		case float64:
			out[path] = v
		}
	}
	walk("", v)
	return out
}

func TestBrierOfItemsEqualsBrierOfDistributions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := drawItems(t)
		labels := labelCount(items)
		index := map[string]int{}
		for _, it := range items {
			for _, l := range []string{it.Truth, it.Label} {
				if _, ok := index[l]; !ok {
					index[l] = len(index)
				}
			}
		}
		var sum float64
		truth, dist, ofTruth := make([]int, len(items)), make([][]float64, len(items)), make([]float64, len(items))
		for i, it := range items {
			sum += it.brier(labels)
			truth[i], dist[i] = index[it.Truth], make([]float64, labels)
			for l := range dist[i] {
				dist[i][l] = it.rest(labels)
			}
			dist[i][index[it.Label]] = it.Probability
			ofTruth[i] = it.truthProbability(labels)
			require.InDelta(t, dist[i][truth[i]], ofTruth[i], 1e-15)
		}
		require.InDelta(t, Brier(truth, dist), sum/float64(len(items)), 1e-12)
	})
}

func BenchmarkClassify(b *testing.B) {
	examples := make([]prediag.Example, 3000)
	for i := range examples {
		examples[i] = example(fmt.Sprint(i), "en", fmt.Sprint("l", i%77), fmt.Sprintf("l%d 0.%03d l%d 0.001 0.9", i%80, i%900+50, i%5))
	}
	for b.Loop() {
		if _, err := Classify(b.Context(), prediag.ClassifierFunc(told), examples, ClassifyOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
