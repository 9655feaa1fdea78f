package triage

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
	"prediag/internal/stats"
)

func audits(rng *rand.Rand, n int, precision float64, category string) []Audit {
	out := make([]Audit, n)
	for i := range out {
		out[i] = Audit{Category: category, Right: rng.Float64() < precision, At: time.Unix(int64(i), 0)}
	}
	return out
}

// One wrong answer of one, at a target of 0.5: the mean of q/0.5 over q from 0.5 to 1 is 1.5. Two: of q²/0.25, 7/3.
func TestEvidenceByHand(t *testing.T) {
	require.InDelta(t, 1.5, math.Exp(logEvidence(1, 1, 0.5)), 1e-12)
	require.InDelta(t, 7.0/3, math.Exp(logEvidence(2, 2, 0.5)), 1e-12)
	require.InDelta(t, 0.5, math.Exp(logEvidence(1, 0, 0.5)), 1e-12)
}

// Over all findings of a length the evidence is 1 on average at the target, and less above it.
func TestEvidenceDoesNotGrowOnAverage(t *testing.T) {
	for _, c := range []struct{ share, most float64 }{{0.1, 1 + 1e-9}, {0.05, 1 - 1e-3}, {0.01, 1 - 1e-3}} {
		var mean float64
		for wrong := range 41 {
			p := math.Exp(stats.LogChoose(40, wrong) + float64(wrong)*math.Log(c.share) + float64(40-wrong)*math.Log1p(-c.share))
			mean += p * math.Exp(logEvidence(40, wrong, 0.1))
		}
		require.LessOrEqual(t, mean, c.most)
	}
}

// A promise that just holds is hardly ever paused, however long one looks; one that is broken is.
func TestWatchPausesWhatIsBroken(t *testing.T) {
	const runs = 400
	rng := rand.New(rand.NewPCG(4, 4))
	held, broken, looked := 0, 0, 0
	for range runs {
		if NewWatch(0.95, 0.05, audits(rng, 600, 0.95, "a")).Paused("a") != "" {
			held++
		}
		w := NewWatch(0.95, 0.05, audits(rng, 600, 0.85, "a"))
		if w.Paused("a") != "" {
			broken++
			looked += int(w.States[0].Paused.Unix())
		}
		require.Equal(t, w.Paused("a") != "" && w.States[0].Paused != nil, w.Paused("never audited") != "", "all pause when all together fail")
	}
	require.LessOrEqual(t, held, runs*5/100)
	require.GreaterOrEqual(t, broken, runs*99/100)
	require.Less(t, looked/broken, 250, "audits until the pause")
}

func TestWatchPausesOneCategoryAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	all, later := audits(rng, 3000, 0.995, "good"), audits(rng, 60, 0.5, "bad")
	for i := range later {
		later[i].At = later[i].At.Add(time.Hour)
	}
	all = append(later, all...)
	w := NewWatch(0.95, 0.05, all)
	require.Len(t, w.States, 3)
	require.Equal(t, "bad", w.States[1].Category)
	require.Contains(t, w.Paused("bad"), `answers about "bad" that humans checked`)
	require.Empty(t, w.Paused("good"))
	require.Empty(t, NewWatch(0, 0.05, all).Paused("bad"), "nothing is promised")
	require.Empty(t, NewWatch(0.95, 0.05, nil).Paused("bad"))
	require.Less(t, w.States[1].High, 0.95)
	require.Greater(t, w.States[2].Low, 0.95)
}

// The interval holds at every moment at once.
func TestAnytimeInterval(t *testing.T) {
	low, high := anytimeInterval(0, 0, 0.95)
	require.Equal(t, []float64{0, 1}, []float64{low, high})
	rng := rand.New(rand.NewPCG(8, 8))
	left := 0
	for range 300 {
		right := 0
		for n := 1; n <= 300; n++ {
			if rng.Float64() < 0.9 {
				right++
			}
			if low, high := anytimeInterval(right, n, 0.95); low > 0.9 || high < 0.9 {
				left++
				break
			}
		}
	}
	require.LessOrEqual(t, left, 15)
}

func TestAuditOf(t *testing.T) {
	at := time.Unix(9, 0)
	c := func(r prediag.Resolution) prediag.Case {
		r.At = at
		return prediag.Case{Resolution: &r, Diagnosis: prediag.Diagnosis{
			Reasons: []prediag.Reason{{Code: prediag.ReasonPersonalData}, {Code: prediag.ReasonAuditSample}},
			Hits:    []prediag.Hit{{ArticleID: "a-en", Group: "a"}},
			Verdict: prediag.Verdict{Fields: []prediag.FieldVerdict{{Field: prediag.FieldCategory, Label: "x/y"}}},
		}}
	}
	label := func(l string) map[string]string { return map[string]string{prediag.FieldCategory: l} }
	for _, tc := range []struct {
		r     prediag.Resolution
		right bool
	}{
		{prediag.Resolution{Action: prediag.ActionAccepted}, true},
		{prediag.Resolution{Action: prediag.ActionRejected}, false},
		{prediag.Resolution{Action: prediag.ActionCorrected, Labels: label("x/z")}, false},
		{prediag.Resolution{Action: prediag.ActionCorrected, Labels: label("x/y"), Article: "a"}, true},
		{prediag.Resolution{Action: prediag.ActionCorrected, Labels: map[string]string{"tier": "L2"}, Article: "a-en"}, true},
		{prediag.Resolution{Action: prediag.ActionCorrected, Labels: map[string]string{"tier": "L2"}, Article: "b"}, false},
		{prediag.Resolution{Action: prediag.ActionCorrected, Labels: map[string]string{"tier": "L2"}}, true},
		{prediag.Resolution{Action: prediag.ActionCorrected, Labels: map[string]string{"tier": "L2"}, Answer: "another"}, false},
	} {
		a, ok := AuditOf(c(tc.r))
		require.True(t, ok)
		require.Equal(t, Audit{Category: "x/y", Right: tc.right, At: at}, a, "%+v", tc.r)
	}
	_, ok := AuditOf(prediag.Case{})
	require.False(t, ok, "not resolved")
	other := c(prediag.Resolution{Action: prediag.ActionAccepted})
	other.Diagnosis.Reasons = nil
	_, ok = AuditOf(other)
	require.False(t, ok, "not of the audit sample")
}
