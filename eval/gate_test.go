package eval

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func TestFigures(t *testing.T) {
	f, err := Figures(classifySmall(t, ClassifyOptions{}))
	require.NoError(t, err)
	require.Equal(t, Number(0.6), f["accuracy"])
	require.Equal(t, Number(5), f["n"])
	require.Equal(t, Number(0.7), f["oos.auroc"])
	require.Equal(t, Number(1), f["per_language.en.accuracy"])
	f, err = Figures(ClassifyReport{LabelFigures: LabelFigures{Accuracy: Undefined()}})
	require.NoError(t, err)
	require.NotContains(t, f, "accuracy")
}

func TestParseCondition(t *testing.T) {
	for text, want := range map[string]Condition{
		"accuracy>=0.89":               {Measure: "accuracy", Limit: 0.89},
		" ndcg@10 = .5 ":               {Measure: "ndcg@10", Limit: 0.5},
		"ece<=0.02":                    {Measure: "ece", Limit: 0.02, AtMost: true},
		"per_language.zh-Hant.ece<=!1": {Measure: "per_language.zh-Hant.ece", Limit: 1, AtMost: true, Proven: true},
	} {
		got, err := ParseCondition(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "accuracy", "accuracy>0.5", "accuracy>=", "accuracy>=NaN", "accuracy>=high", ">=1", "a b>=1"} {
		_, err := ParseCondition(text)
		require.ErrorIs(t, err, prediag.ErrInvalid, text)
	}
	rapid.Check(t, func(t *rapid.T) {
		c := Condition{rapid.StringMatching(`[a-z][a-z0-9_@.\-]{0,12}`).Draw(t, "measure"), rapid.Float64Range(-10, 10).Draw(t, "limit"), rapid.Bool().Draw(t, "most"), rapid.Bool().Draw(t, "proven")}
		back, err := ParseCondition(c.String())
		require.NoError(t, err)
		require.Equal(t, c, back)
	})
}

func FuzzParseCondition(f *testing.F) {
	f.Add("accuracy>=0.89")
	f.Add("ece<=!0x1p-2")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCondition(s)
		if err != nil {
			return
		}
		back, err := ParseCondition(c.String())
		require.NoError(t, err)
		require.Equal(t, c, back)
	})
}

func TestReadBudget(t *testing.T) {
	got, err := ReadBudget(strings.NewReader("# floors\n\naccuracy>=0.89\n  ece<=0.02\n"))
	require.NoError(t, err)
	require.Len(t, got, 2)
	_, err = ReadBudget(strings.NewReader("accuracy>=0.89\nwell\n"))
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.ErrorContains(t, err, "budget, line 2")
}

func TestGate(t *testing.T) {
	figures := map[string]Number{"accuracy": 0.90, "accuracy_low": 0.88, "accuracy_high": 0.92, "ece": 0.03, "ece_low": 0.02, "ece_high": 0.05, "latency_ms.p99": 100}
	for condition, want := range map[string]GateStatus{
		"accuracy>=0.89":      GateOK,
		"accuracy>=!0.88":     GateOK,
		"accuracy>=!0.89":     GateInconclusive,
		"accuracy>=0.91":      GateInconclusive,
		"accuracy>=0.93":      GateRegression,
		"accuracy>=!0.93":     GateRegression,
		"ece<=0.03":           GateOK,
		"ece<=!0.04":          GateInconclusive,
		"ece<=0.025":          GateInconclusive,
		"ece<=0.01":           GateRegression,
		"latency_ms.p99<=120": GateOK,
		"latency_ms.p99<=90":  GateRegression,
		"latency_ms.p99<=!90": GateError,
		"mcc>=0":              GateError,
	} {
		c, err := ParseCondition(condition)
		require.NoError(t, err)
		r := Gate(figures, []Condition{c})
		require.Equal(t, want, r[0].Status, "%s: %s", condition, r[0].Detail)
	}
}

func TestWorstStatus(t *testing.T) {
	status := func(s ...GateStatus) GateStatus {
		var r []GateResult
		for _, x := range s {
			r = append(r, GateResult{Status: x})
		}
		return WorstStatus(r)
	}
	require.Equal(t, GateOK, status())
	require.Equal(t, GateInconclusive, status(GateOK, GateInconclusive))
	require.Equal(t, GateRegression, status(GateInconclusive, GateRegression, GateOK))
	require.Equal(t, GateError, status(GateError, GateRegression))
}

func TestGateAgainst(t *testing.T) {
	c, err := CompareClassify(decisions(1000, 900), decisions(1000, 860), CompareOptions{Resamples: 200, NameA: "main"})
	require.NoError(t, err)
	r := GateAgainst(c)
	require.Len(t, r, 3)
	require.Equal(t, "accuracy against main", r[0].Name)
	require.Equal(t, GateRegression, WorstStatus(r))
	c, err = CompareClassify(decisions(1000, 900), decisions(1000, 899), CompareOptions{Resamples: 200})
	require.NoError(t, err)
	require.Equal(t, GateOK, WorstStatus(GateAgainst(c)))
}

func TestWriteJUnit(t *testing.T) {
	var b strings.Builder
	require.NoError(t, WriteJUnit(&b, "gate", []GateResult{
		{Name: "a>=1", Detail: `1 & "good"`}, {Name: "b", Status: GateRegression, Detail: "lost"},
		{Name: "c", Status: GateInconclusive, Detail: "few"}, {Name: "d", Status: GateError, Detail: "none"},
	}))
	golden(t, "junit.xml", []byte(b.String()))
	var back junitSuite
	require.NoError(t, xml.Unmarshal([]byte(b.String()), &back))
	require.Equal(t, []int{4, 1, 1, 1}, []int{back.Tests, back.Failures, back.Errors, back.Skipped})
	require.Equal(t, `1 & "good"`, back.Cases[0].Output)
}

func TestComparisonMarkdown(t *testing.T) {
	a, b := decisions(1000, 900), decisions(1000, 860)
	b[870].Label = "x|y<script>"
	c, err := CompareClassify(a, b, CompareOptions{Resamples: 200, NameA: "main", NameB: "branch"})
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, c.WriteMarkdown(&out))
	golden(t, "comparison.md", []byte(out.String()))
	require.Contains(t, out.String(), "## branch is worse than main")
	require.Contains(t, out.String(), `x\|y&lt;script&gt;`)
	require.Contains(t, out.String(), "… and 20 more.")
	c, err = CompareClassify(a, a, CompareOptions{Resamples: 200})
	require.NoError(t, err)
	out.Reset()
	require.NoError(t, c.WriteMarkdown(&out))
	require.Contains(t, out.String(), "## B cannot be told from A (smallest difference that these items would show: 0.0028)")
}
