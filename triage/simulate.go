package triage

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"prediag"
	"prediag/internal/stats"
)

// SimulateOptions say how a promise is tried out.
type SimulateOptions struct {
	FitOptions                       // Horizon negative: as many tickets as the test part has
	Splits     int                   // random splits; 0: 1,000
	Share      float64               // of the tickets that calibrate, in (0, 1); 0: one half
	Ordered    bool                  // one split in the order of the tickets, the first ones calibrate, in place of random ones
	Seed       uint64                //
	Progress   func(done, total int) // one call at a time; may be nil
}

func (o *SimulateOptions) complete() error {
	if o.Splits <= 0 {
		o.Splits = 1000
	}
	if o.Ordered {
		o.Splits = 1
	}
	if o.Share == 0 {
		o.Share = 0.5
	}
	if !(o.Share > 0 && o.Share < 1) {
		return prediag.Invalid("SHARE_INVALID", "share", fmt.Sprintf("the share is %v: give a number over 0 and under 1, e.g. 0.5", o.Share))
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	negative := o.Horizon < 0
	if negative {
		o.Horizon = 0
	}
	err := o.check()
	if negative {
		o.Horizon = -1
	}
	return err
}

// Simulation is how often a promise was kept. Shares are 0 to 1.
type Simulation struct {
	Target       float64 `json:"target"`
	Confidence   float64 `json:"confidence"`
	Horizon      int     `json:"horizon"` // see FitOptions
	Calibrate    int     `json:"calibrate"`
	Test         int     `json:"test"`
	Splits       int     `json:"splits"`
	Off          int     `json:"off"`        // splits in which no threshold was found
	Violations   int     `json:"violations"` // splits in which less than the target of what was taken was right
	Rate         float64 `json:"rate"`       // violations as a share of the splits
	RateLow      float64 `json:"rate_low"`   // its exact interval at 95 %
	RateHigh     float64 `json:"rate_high"`
	CategoryRate float64 `json:"category_rate"` // share of splits in which a category with a threshold of its own falls under the target
	Coverage     float64 `json:"coverage"`      // share of the test tickets taken, mean over the splits
	Precision    float64 `json:"precision"`     // of all that was taken in all splits
	Oracle       float64 `json:"oracle"`        // share taken under the lowest threshold that keeps the target on all tickets: what knowing the truth would give
}

// SimulateTrials splits tickets into a part to calibrate on and a part to test on, many times, and counts how often the
// promise is broken on the second. Simulations with equal seeds are equal.
func SimulateTrials(ctx context.Context, trials []Trial, opt SimulateOptions) (Simulation, error) {
	if err := opt.complete(); err != nil {
		return Simulation{}, err
	}
	l := newLadder(trials)
	s, err := simulate(ctx, len(trials), opt, func(member []bool, fit FitOptions) ([]Fitted, func(int) Trial) {
		return l.fit(member, fit), func(i int) Trial { return trials[i] }
	})
	s.Oracle = l.oracle(opt.Target)
	return s, err
}

// SimulateAnswers is SimulateTrials for answering: in every split the probabilities are fitted anew, too.
func SimulateAnswers(ctx context.Context, cases []AnswerCase, opt SimulateOptions) (Simulation, error) {
	if err := opt.complete(); err != nil {
		return Simulation{}, err
	}
	s, err := simulate(ctx, len(cases), opt, func(member []bool, fit FitOptions) ([]Fitted, func(int) Trial) {
		var part []AnswerCase
		for i, c := range cases {
			if member[i] {
				part = append(part, c)
			}
		}
		model, probabilities := FitSolved(part, opt.Seed)
		return newLadder(answerTrials(part, probabilities)).fit(nil, fit), func(i int) Trial {
			return answerTrials(cases[i:i+1], []float64{model.Probability(cases[i].Features)})[0]
		}
	})
	_, probabilities := FitSolved(cases, opt.Seed)
	s.Oracle = newLadder(answerTrials(cases, probabilities)).oracle(opt.Target)
	return s, err
}

// fitFunc fits on the members and says what becomes of any ticket.
type fitFunc func(member []bool, opt FitOptions) (thresholds []Fitted, trial func(int) Trial)

// result is what one split gave.
type result struct {
	taken, right    int
	off, inCategory bool // inCategory: a category with a threshold of its own broke the promise
}

func simulate(ctx context.Context, n int, opt SimulateOptions, fit fitFunc) (Simulation, error) {
	calibrate := int(math.Round(opt.Share * float64(n)))
	if calibrate < 1 || calibrate >= n {
		return Simulation{}, prediag.Invalid("TOO_FEW_TICKETS", "tickets", fmt.Sprintf("%d tickets cannot be split: give more", n))
	}
	if opt.Horizon < 0 {
		opt.Horizon = n - calibrate
	}
	results := make([]result, opt.Splits)
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	var mu sync.Mutex
	done := 0
	for i := range results {
		g.Go(func() error {
			if ctx.Err() == nil {
				results[i] = split(n, calibrate, uint64(i), opt, fit)
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			opt.Progress(done, opt.Splits)
			return nil
		})
	}
	_ = g.Wait() // the goroutines fail only with the context
	if err := ctx.Err(); err != nil {
		return Simulation{}, fmt.Errorf("simulate: %w", err)
	}
	return summary(results, calibrate, n-calibrate, opt), nil
}

// split is one of the simulation's splits.
func split(n, calibrate int, number uint64, opt SimulateOptions, fit fitFunc) result {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if !opt.Ordered {
		rand.New(rand.NewPCG(opt.Seed, number)).Shuffle(n, func(a, b int) { order[a], order[b] = order[b], order[a] })
	}
	member := make([]bool, n)
	for _, i := range order[:calibrate] {
		member[i] = true
	}
	thresholds, trial := fit(member, opt.FitOptions)
	byCategory := map[string]*result{}
	act := map[string]Fitted{}
	r := result{off: true}
	for _, t := range thresholds {
		act[t.Category] = t
		byCategory[t.Category] = &result{}
		r.off = r.off && t.Off != ""
	}
	for _, i := range order[calibrate:] {
		ticket := trial(i)
		group := ticket.Category
		if _, own := act[group]; !own {
			group = ""
		}
		if act[group].Off != "" {
			continue
		}
		if taken, right := ticket.at(act[group].Act); taken {
			byCategory[group].count(right)
			r.count(right)
		}
	}
	for c, part := range byCategory {
		r.inCategory = r.inCategory || c != "" && part.broken(opt.Target)
	}
	return r
}

func (r *result) count(right bool) {
	r.taken++
	if right {
		r.right++
	}
}

// broken reports whether less than the target was right.
func (r *result) broken(target float64) bool {
	return float64(r.right) < target*float64(r.taken)-1e-9*float64(r.taken)
}

func summary(results []result, calibrate, tests int, opt SimulateOptions) Simulation {
	s := Simulation{Target: opt.Target, Confidence: opt.Confidence, Horizon: opt.Horizon,
		Calibrate: calibrate, Test: tests, Splits: len(results)}
	taken, right, inCategory := 0, 0, 0
	for _, r := range results {
		taken, right = taken+r.taken, right+r.right
		if r.off {
			s.Off++
		}
		if r.broken(opt.Target) {
			s.Violations++
		}
		if r.inCategory {
			inCategory++
		}
	}
	splits := float64(len(results))
	s.Rate, s.CategoryRate = float64(s.Violations)/splits, float64(inCategory)/splits
	s.RateLow, s.RateHigh = stats.ClopperPearson(s.Violations, len(results), 0.95)
	s.Coverage = float64(taken) / splits / float64(tests)
	if taken > 0 {
		s.Precision = float64(right) / float64(taken)
	}
	return s
}

// oracle is the largest share of the tickets that a single threshold takes with at least the target right: what could be
// had if the truth were known.
func (l ladder) oracle(target float64) float64 {
	best, r := 0, result{}
	for i, rung := range l.rungs {
		r.taken += rung.tickets
		r.right += rung.tickets - rung.wrong
		if (i+1 == len(l.rungs) || l.rungs[i+1].at != rung.at) && !r.broken(target) {
			best = r.taken
		}
	}
	return float64(best) / float64(max(1, len(l.trials)))
}
