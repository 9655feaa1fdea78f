package classifier

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTemperatureFindsWhatTheLogitsWereDividedBy(t *testing.T) {
	for _, want := range []float32{0.5, 1, 3} {
		r := rand.New(rand.NewPCG(1, 1))
		o := &outOfFold{classes: 4}
		for range 20_000 {
			z := make([]float32, 4)
			for c := range z {
				z[c] = float32(r.NormFloat64() * 2)
			}
			p := append([]float32(nil), z...)
			softmax(p, 1)
			u, y := r.Float32(), int32(0)
			for ; y < 3 && u > p[y]; y++ {
				u -= p[y]
			}
			for _, v := range z {
				o.logits = append(o.logits, v*want)
			}
			o.truth = append(o.truth, y)
		}
		require.InDelta(t, want, o.temperature(), 0.08*float64(want))
	}
}

func TestMeasure(t *testing.T) {
	// Three examples of two labels; probabilities 0.8/0.2, 0.6/0.4 and 0.1/0.9; the second is wrong.
	l := func(p float64) float32 { return float32(math.Log(p)) }
	o := &outOfFold{classes: 2, logits: []float32{l(.8), l(.2), l(.6), l(.4), l(.1), l(.9)}, truth: []int32{0, 1, 1}}
	r := FieldReport{Labels: []string{"x", "y"}}
	o.measure(&r, 1, []string{"de", "en", "en"})
	require.InDelta(t, 2.0/3, r.Accuracy, 1e-9)
	require.InDelta(t, 2.0/3, r.MacroF1, 1e-9) // F1 of both labels is 2/3
	require.InDelta(t, 2.0/3, r.Baseline, 1e-9)
	require.InDelta(t, (2*.04+2*.36+2*.01)/3, r.Brier, 1e-6)
	require.InDelta(t, -(math.Log(.8)+math.Log(.4)+math.Log(.9))/3, r.LogLoss, 1e-6)
	require.InDelta(t, (.1+.2+.6)/3, r.ECE, 1e-6) // every example is its own bin
	require.InDelta(t, 1.0/9, r.AURC, 1e-9)
	for _, c := range []float64{r.Coverage90, r.Coverage95, r.Coverage99} {
		require.InDelta(t, 2.0/3, c, 1e-9)
	}
	require.Equal(t, []string{"de", "en"}, []string{r.Languages[0].Name, r.Languages[1].Name})
	require.Equal(t, 0.5, r.Languages[1].Accuracy)
	require.InDelta(t, 0.0126, r.Languages[1].Interval.Low, 1e-3) // 1 of 2, exact: 1-√0.975
	require.Equal(t, []int{1, 2}, []int{r.Classes[0].Measured, r.Classes[1].Measured})
	for name, v := range map[string]float64{"accuracy": r.Accuracy, "brier": r.Brier, "log_loss": r.LogLoss, "aurc": r.AURC} {
		require.LessOrEqual(t, r.Intervals[name].Low, v, name)
		require.GreaterOrEqual(t, r.Intervals[name].High, v, name)
	}
}
