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
	var r FieldReport
	o.measure(&r, 1)
	require.InDelta(t, 2.0/3, r.Accuracy, 1e-9)
	require.InDelta(t, 2.0/3, r.MacroF1, 1e-9) // F1 of both labels is 2/3
	require.InDelta(t, 2.0/3, r.Baseline, 1e-9)
	require.InDelta(t, (2*.04+2*.36+2*.01)/3, r.Brier, 1e-6)
	require.InDelta(t, -(math.Log(.8)+math.Log(.4)+math.Log(.9))/3, r.LogLoss, 1e-6)
	require.InDelta(t, (.1+.2+.6)/3, r.ECE, 1e-6) // every example is its own bin
	require.InDelta(t, 2.0/3, r.Coverage95, 1e-9)
}
