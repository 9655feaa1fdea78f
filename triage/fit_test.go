package triage

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
	"prediag/internal/stats"
)

// taken is a ticket that is taken at one probability.
func taken(at float64, right bool) Trial { return Trial{Steps: []Step{{at, right}}} }

// many are n tickets of falling probability, of which those at the given ranks (from 1) are wrong.
func many(n int, wrong ...int) []Trial {
	trials := make([]Trial, n)
	for i := range trials {
		trials[i] = taken(1-float64(i)/float64(n+1), true)
	}
	for _, w := range wrong {
		trials[w-1].Steps[0].Right = false
	}
	return trials
}

// The true precision: 59 tickets without an error, 93 with one, 124 with two are the known least numbers for 95 % at 95 %.
func TestPromiseOfTheTruePrecision(t *testing.T) {
	p := promise{target: 0.95, tickets: 1000}
	for wrong, n := range map[int]int{0: 59, 1: 93, 2: 124, 5: 208} {
		require.Equal(t, n, p.fewest(wrong, 0.05), "%d errors", wrong)
		require.Equal(t, wrong, p.allowed(n, 0.05))
		require.Equal(t, wrong-1, p.allowed(n-1, 0.05))
		require.InDelta(t, stats.LowerBound(n-wrong, n, 0.95), p.bound(n, wrong, 0.05), 1e-6)
	}
}

// When all tickets are taken, as many are to come. 40 + 40 tickets at a target of 0.5: the promise breaks with 21 errors or
// more among the next 40, and the chance that all of 21 errors fall there is 40!/(19!) · 59!/80!.
func TestPromiseOfTheNextTickets(t *testing.T) {
	p := promise{target: 0.5, tickets: 40, horizon: 40}
	require.InDelta(t, 40, p.accepted(40)[4], 1)
	want := math.Exp(stats.LogChoose(59, 19) - stats.LogChoose(80, 40))
	require.InDelta(t, want, stats.HypergeometricTail(21, 40, 21, 80), 1e-15)
	require.Equal(t, -1, promise{target: 0.95, tickets: 40, horizon: 40}.allowed(40, 0.05), "40 tickets are too few for 95 %")
}

// More is asked of fewer tickets: errors allowed fall with the target, the confidence and the tickets still to come.
func TestAllowedErrorsAreMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := promise{tickets: rapid.IntRange(20, 400).Draw(t, "tickets")}
		p.target = rapid.Float64Range(0.5, 0.97).Draw(t, "target")
		if rapid.Bool().Draw(t, "horizon") {
			p.horizon = p.tickets
		}
		n := rapid.IntRange(10, p.tickets).Draw(t, "n")
		level := rapid.Float64Range(0.001, 0.2).Draw(t, "level")
		allowed := p.allowed(n, level)
		require.LessOrEqual(t, allowed, int((1-p.target)*float64(n)), "no more than the target itself tolerates")
		higher := p
		higher.target = p.target + (1-p.target)*0.3
		require.LessOrEqual(t, higher.allowed(n, level), allowed)
		require.LessOrEqual(t, p.allowed(n, level/2), allowed)
		prediction := p
		prediction.horizon = p.tickets
		require.LessOrEqual(t, prediction.allowed(n, level), promise{target: p.target, tickets: p.tickets}.allowed(n, level)+1)
	})
}

// Whatever the tickets are: where n1 of them calibrate and n2 are tested, the chance that the test passes and the promise
// breaks is under the level, for every number of errors among them. It is computed exactly, not drawn.
func TestPredictionHoldsExactlyForOneThreshold(t *testing.T) {
	const level = 0.05
	for _, target := range []float64{0.8, 0.9, 0.95} {
		for _, n := range []int{30, 79, 100, 157, 300} {
			p := promise{target: target, tickets: n, horizon: n}
			worst := 0.0
			for wrong := range n {
				// All tickets are taken, so n of 2n calibrate and n are tested.
				breaking := int((1-target)*float64(n)+1e-9) + 1
				most := min(p.allowed(n, level), wrong-breaking)
				if most >= 0 {
					worst = max(worst, stats.HypergeometricTail(wrong-most, n, wrong, 2*n))
				}
			}
			require.LessOrEqual(t, worst, level, "target %v, %d tickets", target, n)
		}
	}
}

func TestFitFindsTheLowestThreshold(t *testing.T) {
	opt := FitOptions{Target: 0.95, Confidence: 0.95}
	fitted, err := Fit(many(200), opt)
	require.NoError(t, err)
	require.Len(t, fitted, 1)
	require.Equal(t, 200, fitted[0].Accepted, "all are right: all are taken")
	require.Empty(t, fitted[0].Off)
	require.GreaterOrEqual(t, fitted[0].Bound, 0.95)

	var wrong []int
	for i := 151; i <= 400; i++ {
		wrong = append(wrong, i)
	}
	fitted, err = Fit(many(400, wrong...), opt)
	require.NoError(t, err)
	require.Equal(t, 0.025, fitted[0].Level, "the second start, which has the other half of the level, lies deeper")
	require.Equal(t, 152, fitted[0].Accepted, "at that level 2 of 152 tickets may be wrong, and not 3 of 153")
	require.Equal(t, 2, fitted[0].Errors)
	require.Equal(t, 2, fitted[0].Allowed)
}

func TestFitSaysWhyAnActionIsOff(t *testing.T) {
	opt := FitOptions{Target: 0.95, Confidence: 0.95}
	fitted, err := Fit(many(40), opt)
	require.NoError(t, err)
	require.Equal(t, 1.0, fitted[0].Act)
	require.Equal(t, "too few tickets: 40 could be taken, and it needs 59 without an error to show a precision of 0.95", fitted[0].Off)

	var wrong []int
	for i := 1; i <= 500; i += 3 {
		wrong = append(wrong, i)
	}
	fitted, err = Fit(many(500, wrong...), opt)
	require.NoError(t, err)
	require.Regexp(t, `^no threshold shows a precision of 0.95: of the \d+ surest tickets \d+ were wrong, and \d+ might have been$`, fitted[0].Off)
	require.Zero(t, fitted[0].Bound)

	fitted, err = Fit(nil, opt)
	require.NoError(t, err)
	require.NotEmpty(t, fitted[0].Off)
}

func TestFitNeverPartsEqualProbabilities(t *testing.T) {
	var trials []Trial
	for i := range 600 {
		trials = append(trials, taken(float64(3-i/200)/4, i/200 == 0 || i%3 > 0)) // 200 at 0.75 are right; of the others a third is not
	}
	fitted, err := Fit(trials, FitOptions{Target: 0.95, Confidence: 0.95})
	require.NoError(t, err)
	require.Equal(t, 200, fitted[0].Accepted)
	require.Equal(t, 0.75, fitted[0].Act)
}

func TestFitRefusals(t *testing.T) {
	for _, opt := range []FitOptions{
		{Target: 0, Confidence: 0.95}, {Target: 1, Confidence: 0.95}, {Target: math.NaN(), Confidence: 0.95},
		{Target: 0.9, Confidence: 0}, {Target: 0.9, Confidence: 1}, {Target: 0.9, Confidence: 0.9, Horizon: -2}, {Target: 0.9, Confidence: 0.9, MinAccepted: -1},
	} {
		_, err := Fit(many(10), opt)
		require.ErrorIs(t, err, prediag.ErrInvalid, "%+v", opt)
	}
}

// A category whose tickets suffice stands for itself: the bad one is off and no longer spoils the good ones, the small ones
// share a threshold, and the level is shared by all.
func TestFitPerCategory(t *testing.T) {
	var trials []Trial
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 4000 {
		tr := taken(rng.Float64(), rng.Float64() < 0.99)
		tr.Category = "good"
		if i%2 == 0 {
			tr.Category, tr.Steps[0].Right = "bad", rng.Float64() < 0.7
		}
		if i%40 == 1 {
			tr.Category = fmt.Sprintf("small-%d", i%3)
		}
		trials = append(trials, tr)
	}
	opt := FitOptions{Target: 0.95, Confidence: 0.95}
	fitted, err := Fit(trials, opt)
	require.NoError(t, err)
	require.Len(t, fitted, 3)
	for i, want := range []string{"", "bad", "good"} {
		require.Equal(t, want, fitted[i].Category)
		require.LessOrEqual(t, fitted[i].Level, 0.05/3+1e-9)
	}
	require.NotEmpty(t, fitted[1].Off)
	require.Empty(t, fitted[2].Off)
	require.Greater(t, fitted[2].Accepted, 1800)

	opt.CategoryMin = -1
	fitted, err = Fit(trials, opt)
	require.NoError(t, err)
	require.Len(t, fitted, 1)
	require.NotEmpty(t, fitted[0].Off, "together they are not right often enough")
}

// truth is a world in which a ticket at depth u, from 0 for the surest to 1, is wrong with probability wrong(u).
type truth struct {
	name   string
	wrong  func(u float64) float64
	levels int // probabilities that are told apart; 0: all
}

func (w truth) draw(rng *rand.Rand, n int) []Trial {
	trials := make([]Trial, n)
	for i := range trials {
		u := rng.Float64()
		p := 1 - u
		if w.levels > 0 {
			p = math.Floor(p*float64(w.levels)) / float64(w.levels)
		}
		trials[i] = taken(p, rng.Float64() >= w.wrong(u))
	}
	return trials
}

func worlds() []truth {
	constant := func(e float64) func(float64) float64 { return func(float64) float64 { return e } }
	return []truth{
		{"precision is the target everywhere", constant(0.05), 0},
		{"precision is a little over the target", constant(0.04), 0},
		{"falling through the target", func(u float64) float64 { return 0.1 * u }, 0},
		{"falling steeply", func(u float64) float64 { return 0.3 * u }, 0},
		{"a cliff", func(u float64) float64 { return map[bool]float64{true: 0.01, false: 0.6}[u < 0.6] }, 0},
		{"confidently wrong", func(u float64) float64 { return map[bool]float64{true: 0.15, false: 0.02}[u < 0.1] }, 0},
		{"ten probabilities", func(u float64) float64 { return 0.1 * u }, 10},
		{"three probabilities", func(u float64) float64 { return 0.1 * u }, 3},
	}
}

// The promise, where the truth is known: tickets are drawn, thresholds fitted, and the next tickets drawn. At a confidence of
// 95 % the next tickets may miss the target in 5 % of the cases. The true precision, for a horizon of 0, too.
func TestPromisesAreKeptWhereTheTruthIsKnown(t *testing.T) {
	const runs = 1000
	for i, w := range worlds() {
		sizes := []int{300}
		if i < 3 {
			sizes = append(sizes, 110) // hardly enough to show anything
		}
		for _, n := range sizes {
			missed, below := 0, 0
			rng := rand.New(rand.NewPCG(11, uint64(n)))
			for range runs {
				tickets := w.draw(rng, n)
				opt := FitOptions{Target: 0.95, Confidence: 0.95, Horizon: n, CategoryMin: -1}
				fitted, err := Fit(tickets, opt)
				require.NoError(t, err)
				missed += missesTarget(w.draw(rng, n), fitted[0])
				opt.Horizon = 0
				fitted, err = Fit(tickets, opt)
				require.NoError(t, err)
				below += trulyBelow(w, fitted[0])
			}
			for what, k := range map[string]int{"next tickets": missed, "true precision": below} {
				_, high := stats.ClopperPearson(k, runs, 0.95)
				require.LessOrEqual(t, k, runs*5/100, "%s, %d tickets, %s", w.name, n, what)
				require.LessOrEqual(t, high, 0.065, "%s, %d tickets, %s", w.name, n, what)
			}
		}
	}
}

func missesTarget(next []Trial, f Fitted) int {
	var r result
	for _, trial := range next {
		if ok, right := trial.at(f.Act); ok && f.Off == "" {
			r.count(right)
		}
	}
	if r.broken(0.95) {
		return 1
	}
	return 0
}

// trulyBelow integrates the world's errors down to the threshold.
func trulyBelow(w truth, f Fitted) int {
	if f.Off != "" {
		return 0
	}
	const parts = 2000
	var wrong float64
	for i := range parts {
		wrong += w.wrong((float64(i)+0.5)/parts*(1-f.Act)) / parts
	}
	if wrong > 0.05+1e-9 {
		return 1
	}
	return 0
}

// More tickets, a lower target or a lower confidence take more on average.
func TestCoverageIsMonotoneOnAverage(t *testing.T) {
	w := truth{"", func(u float64) float64 { return 0.15 * u * u }, 0}
	coverage := func(n int, target, confidence float64) float64 {
		rng := rand.New(rand.NewPCG(5, 5))
		sum := 0.0
		for range 60 {
			fitted, err := Fit(w.draw(rng, n), FitOptions{Target: target, Confidence: confidence, Horizon: n, CategoryMin: -1})
			require.NoError(t, err)
			if fitted[0].Off == "" {
				sum += float64(fitted[0].Accepted) / float64(n) / 60
			}
		}
		return sum
	}
	base := coverage(600, 0.96, 0.95)
	require.Greater(t, coverage(2400, 0.96, 0.95), base)
	require.Greater(t, coverage(600, 0.93, 0.95), base)
	require.Greater(t, coverage(600, 0.96, 0.7), base)
}

func TestSimulationIsTheSameForASeed(t *testing.T) {
	w := worlds()[2]
	trials := w.draw(rand.New(rand.NewPCG(2, 2)), 800)
	opt := SimulateOptions{FitOptions: FitOptions{Target: 0.95, Confidence: 0.95, Horizon: -1, CategoryMin: -1}, Splits: 50, Seed: 9}
	first, err := SimulateTrials(t.Context(), trials, opt)
	require.NoError(t, err)
	again, err := SimulateTrials(t.Context(), trials, opt)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, 400, first.Horizon)
	require.Greater(t, first.Oracle, first.Coverage)
	require.Positive(t, first.Coverage)

	opt.Ordered = true
	ordered, err := SimulateTrials(t.Context(), trials, opt)
	require.NoError(t, err)
	require.Equal(t, 1, ordered.Splits)

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = SimulateTrials(cancelled, trials, opt)
	require.ErrorIs(t, err, context.Canceled)
	_, err = SimulateTrials(t.Context(), trials[:1], opt)
	require.ErrorIs(t, err, prediag.ErrInvalid)
	opt.Share = 1
	_, err = SimulateTrials(t.Context(), trials, opt)
	require.ErrorIs(t, err, prediag.ErrInvalid)
}

// The oracle of a hand-worked list: right, wrong, right, right, wrong at a target of 0.75 takes four.
func TestOracle(t *testing.T) {
	trials := many(5, 2, 5)
	require.InDelta(t, 0.8, newLadder(trials).oracle(0.75), 1e-12)
	require.InDelta(t, 0.2, newLadder(trials).oracle(0.9), 1e-12)
}

func BenchmarkFit(b *testing.B) {
	trials := worlds()[2].draw(rand.New(rand.NewPCG(1, 1)), 100_000)
	opt := FitOptions{Target: 0.95, Confidence: 0.95, Horizon: 100_000}
	for b.Loop() {
		if _, err := Fit(trials, opt); err != nil {
			b.Fatal(err)
		}
	}
}
