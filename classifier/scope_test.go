package classifier

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// judgedTexts are texts whose signs overlap: those in scope have likelier labels, fewer unseen words and nearer
// tickets; the energy says the opposite of what it should.
func judgedTexts(n int) []judged {
	r := rand.New(rand.NewPCG(3, 3))
	var out []judged
	for i := range n {
		in := i%2 == 0
		j := judged{in: in, sign: sign{unseen: 0.5 * r.Float64(), best: 0.2 + 0.6*r.Float64(), nearest: 0.8 * r.Float64(), energy: 5 + r.Float64(), mean: 0.5}}
		if in {
			j.unseen, j.best, j.nearest, j.energy = 0.3*r.Float64(), 0.5+0.5*r.Float64(), 0.3+0.7*r.Float64(), 4.5+r.Float64()
		}
		j.labelled = !in && i%10 == 1
		out = append(out, j)
	}
	return out
}

func TestFitJudged(t *testing.T) {
	s := fitJudged(judgedTexts(4000))
	require.Greater(t, s.Logit, 0.0)
	require.Greater(t, s.Nearest, 0.0)
	require.Less(t, s.Unseen, 0.0)
	require.Zero(t, s.Energy, "it would have to fall with the energy")
	require.Zero(t, s.Mean, "it does not vary")
	require.Zero(t, s.Outside)
	require.True(t, s.sound())
	require.Greater(t, s.probability(sign{best: 0.99, nearest: 0.9, energy: 5, mean: 0.5}), 0.95)
	require.Less(t, s.probability(sign{best: 0.25, unseen: 0.45, nearest: 0.1, energy: 5, mean: 0.5}), 0.5)
	require.Equal(t, defaultScope(), fitJudged(judgedTexts(60)))
}

// TestInScopeIsCalibrated weighs the texts to the assumed share out of scope: the mean probability is then the share in.
func TestInScopeIsCalibrated(t *testing.T) {
	list := judgedTexts(4000)
	for i := range list {
		list[i].labelled = false
	}
	s := fitJudged(list)
	var in, out float64
	for _, j := range list {
		if p := s.probability(j.sign); j.in {
			in += p / 2000
		} else {
			out += p / 2000
		}
	}
	require.InDelta(t, 1-priorOutside, (1-priorOutside)*in+priorOutside*out, 0.01)
}

func TestSolve(t *testing.T) {
	var a [1 + signs][1 + signs]float64
	for i := range a {
		a[i][i] = float64(i + 1)
	}
	a[0][1], a[1][0] = 0.5, 0.5 // of 1, 2 with x = (2, 4): 1·2+0.5·4, 0.5·2+2·4
	require.InDeltaSlice(t, []float64{2, 4, 1, 1, 1, 1, 1}, ptr(solve(a, [1 + signs]float64{4, 9, 3, 4, 5, 6, 7}))[:], 1e-9)
}

func ptr[T any](v T) *T { return &v }

func TestScopeIsMonotone(t *testing.T) {
	fitted := fitJudged(judgedTexts(4000))
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string, high float64) float64 { return rapid.Float64Range(0, high).Draw(t, name) }
		x := sign{best: draw("best", 1), outside: draw("outside", 1), energy: draw("energy", 50), mean: draw("mean", 1), nearest: draw("nearest", 1), unseen: draw("unseen", 1)}
		y := x
		y.best, y.unseen = min(1, x.best+draw("more", 1)), x.unseen*draw("less", 1)
		for _, s := range []scope{fitted, defaultScope(), scopeOf(1, [signs]float64{1, 1, 1, 1, 1, 1})} {
			p, q := s.probability(x), s.probability(y)
			require.True(t, p >= 0 && p <= 1)
			require.GreaterOrEqual(t, q, p)
		}
	})
}

// TestUnlikeTicketsAreOutOfScope trains on made-up subjects and asks about others.
func TestUnlikeTicketsAreOutOfScope(t *testing.T) {
	for name, extra := range map[string]int{"without examples out of scope": 0, "with some": 40} {
		t.Run(name, func(t *testing.T) {
			examples := manyExamples(400)
			for i := range extra {
				examples = append(examples, prediag.Example{
					Ticket: prediag.Ticket{Body: fmt.Sprintf("the weather in city%d is fine on day %d", i%5, i)},
					Labels: map[string]string{prediag.FieldCategory: prediag.LabelOutOfScope},
				})
			}
			m, _, err := Train(context.Background(), examples, Options{Epochs: 8, Rounds: 1, Quality: QualityFast})
			require.NoError(t, err)
			require.NotEqual(t, defaultScope(), m.scope)
			in, err := m.Classify(context.Background(), manyExamples(3)[2].Ticket)
			require.NoError(t, err)
			out, err := m.Classify(context.Background(), prediag.Ticket{Body: "a song about rain, please"})
			require.NoError(t, err)
			none, err := m.Classify(context.Background(), prediag.Ticket{Body: "⁂"})
			require.NoError(t, err)
			require.Greater(t, in.InScope, 0.8)
			require.Less(t, out.InScope, in.InScope-0.2)
			require.Less(t, none.InScope, 0.5, "nothing is known of this text")
		})
	}
}

func TestEveryLabelTakesItsTurnAmongTheHidden(t *testing.T) {
	tr := &trainer{heads: []headPlan{{labels: []string{"a", "b", "c", "d", "e", "oos"}}}}
	count := map[int]int{}
	for _, g := range tr.labelGroups() {
		count[g]++
	}
	require.Equal(t, map[int]int{-1: 1, 0: 2, 1: 1, 2: 1, 3: 1}, count)
}
