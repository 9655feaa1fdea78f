package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"prediag"
	"prediag/classifier"
	"prediag/internal/demo"
	"prediag/triage"
)

// policyFitFlags are the settings of policy fit and policy simulate.
type policyFitFlags struct {
	dataDir, model, tickets, base, out string
	targets, labels                    []string
	confidence, show, margin           float64
	horizon, minAccepted, categoryMin  int
	seed                               uint64
	asJSON                             *bool
}

func (f *policyFitFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.model, "model", "", "folder of the model (default: the data folder's)")
	c.Flags().StringVar(&f.tickets, "tickets", "", "file of labelled tickets that the model has not learned from, or @demo (required)")
	c.Flags().StringVar(&f.dataDir, "data-dir", "", "folder of the index, for the target answer; or @demo")
	c.Flags().StringVar(&f.base, "base", "", "policy whose deadlines, gates and other settings stay (default: the data folder's, or the built-in one)")
	c.Flags().StringArrayVar(&f.targets, "target", nil, "ACTION=PRECISION: answer, route, or a field of the model; may be repeated (required)")
	c.Flags().StringArrayVar(&f.labels, "label", nil, "FIELD=COLUMN, as in prediag train; may be repeated")
	c.Flags().Float64Var(&f.confidence, "confidence", 0.95, "with which each target is kept")
	c.Flags().IntVar(&f.horizon, "horizon", -1, "number of future tickets that the promise is about; 0: the true precision; -1: as many as calibrate, in simulate as many as are tested")
	c.Flags().IntVar(&f.minAccepted, "min-accepted", 0, "calibration tickets that a threshold must accept at least")
	c.Flags().IntVar(&f.categoryMin, "category-min", 0, "tickets from which a category gets a threshold of its own; 0: as many as it takes to pay; -1: never")
	c.Flags().Float64Var(&f.margin, "margin", -1, "distance of the two best labels under which a label is not acted on; -1: the base policy's")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed of the folds and splits")
	f.asJSON = jsonFlag(c)
}

func (a *app) policyFit() *cobra.Command {
	var f policyFitFlags
	c := &cobra.Command{
		Use:   "fit --tickets FILE --target ACTION=PRECISION --out FILE",
		Short: "Find the lowest thresholds that keep a target",
		Long: `fit runs labelled tickets through the model, and for the target "answer" through the search, and finds for every target the
lowest threshold that these tickets show to keep it. An action that no threshold allows is off in the policy, with the
reason. The policy is bound to the model, the taxonomy and the settings of the search: with others it does nothing.

  answer  the draft goes out: right when the first article solves the ticket (column "article"; "none" where no article does)
  route   the ticket goes to the queue of its category, or where that is unsure, of the category's parent
  FIELD   the label of any other field of the model is acted on, e.g. urgency=0.9

The tickets must be as those to come, and none of them may have been in the model's training.`,
		Example: `  prediag policy fit --model m --tickets cal.jsonl --target route=0.90 --out policy.yaml
  prediag policy fit --data-dir data --tickets cal.jsonl --target answer=0.95 --target route=0.90 --out data/policy.yaml
  prediag policy fit --data-dir @demo --tickets @demo --target answer=0.80 --out - --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.fitPolicy(cmd.Context(), f) },
	}
	f.register(c)
	c.Flags().StringVar(&f.out, "out", "", "file to write the policy to, or - for standard output (required)")
	c.Flags().Float64Var(&f.show, "show", 0.5, "precision of what agents are shown; 0: thresholds for showing stay the base policy's")
	return c
}

// fittedPolicy is what policy fit prints as JSON.
type fittedPolicy struct {
	Out string `json:"out"`
	shownPolicy
}

func (a *app) fitPolicy(ctx context.Context, f policyFitFlags) error {
	if err := needFlags(map[string]string{"out": f.out, "target": strings.Join(f.targets, ""), "tickets": f.tickets}); err != nil {
		return err
	}
	s, err := a.study(ctx, f)
	if err != nil {
		return err
	}
	data, err := hashOf(map[string]string{"tickets": f.tickets}, demo.EvalTickets)
	if err != nil {
		return err
	}
	request := triage.Request{Base: s.base, Targets: s.targets, Options: f.options(), ShowTarget: f.show, Seed: f.seed,
		On: s.serves, At: time.Now(), Data: triage.Data{Tickets: len(s.tickets)}}
	for _, sum := range data {
		request.Data.SHA256 = sum
	}
	p, err := triage.FitPolicy(s.tickets, request)
	if err != nil {
		return err
	}
	raw, err := p.Encode()
	if err != nil {
		return err
	}
	if f.out != "-" {
		if err := writeFile(f.out, raw); err != nil {
			return err
		}
		if h, ok := dataDir(filepath.Dir(filepath.Clean(f.out))).service(); ok {
			a.note("note: the service that holds this data folder (process %d) takes the new policy when it is started again", h.PID)
		}
	}
	shown := fittedPolicy{f.out, showPolicy(p)}
	switch {
	case *f.asJSON:
		return a.printJSON(shown)
	case f.out == "-":
		_, err := a.out.Write(raw)
		return err
	}
	return renderPolicy(a.out, shown.shownPolicy)
}

func (f policyFitFlags) options() triage.FitOptions {
	return triage.FitOptions{Confidence: f.confidence, Horizon: f.horizon, MinAccepted: f.minAccepted, CategoryMin: f.categoryMin}
}

// studied are calibration tickets with what the line says of them.
type studied struct {
	base    triage.Policy
	targets map[string]float64
	serves  triage.Binding

	settings string // of the search
	embedder string // see triage.Binding
	tickets  []triage.Labelled
}

// study runs the tickets through as much of the line as the targets need.
func (a *app) study(ctx context.Context, f policyFitFlags) (s studied, err error) {
	if s.targets, err = parseTargets(f.targets); err != nil {
		return s, err
	}
	labels, err := parseLabels(f.labels)
	if err != nil {
		return s, err
	}
	examples, _, err := readExamples(f.tickets, labels, demo.EvalTickets)
	if err != nil {
		return s, err
	}
	if s.base, err = f.basePolicy(); err != nil {
		return s, err
	}
	_, answers := s.targets[triage.ActionAnswer]
	if answers && f.dataDir == "" {
		return s, usageError{errors.New("the target answer needs an index: name its folder with --data-dir")}
	}
	if answers || f.dataDir == demoTickets {
		return s, a.withParts(ctx, "policy fit", f.dataDir, partsOptions{model: f.model, unaided: true}, func(p *parts) error {
			p.policy, p.quick, s.settings, s.embedder = s.base, true, p.kb.Settings(), embedder(p.kb)
			line := p.pipeline(time.Now, nil)
			return a.studyAll(ctx, &s, p.model.Model(), examples, line.Study)
		})
	}
	if f.model == "" && f.dataDir != "" {
		f.model = dataDir(f.dataDir).model()
	}
	if err := needFlags(map[string]string{"model": f.model}); err != nil {
		return s, err
	}
	m, err := classifier.Load(f.model)
	if err != nil {
		return s, err
	}
	e, err := dataDir(f.dataDir).embedding()
	if err != nil {
		return s, err
	}
	if s.settings, err = dataDir(f.dataDir).settings(); err != nil {
		return s, err
	}
	s.embedder = cmp.Or(e.Name(), triage.NoEmbedder)
	return s, a.studyAll(ctx, &s, m, examples, func(ctx context.Context, e prediag.Example) (triage.Study, error) {
		v, err := m.Quick(ctx, triage.Readable(e.Ticket))
		return triage.Study{Verdict: v}, err
	})
}

// basePolicy is the policy that the fit starts from, with the gate for answers spelled out.
func (f policyFitFlags) basePolicy() (triage.Policy, error) {
	dir := dataDir(f.dataDir)
	if f.dataDir == demoTickets {
		dir = ""
	}
	var p triage.Policy
	var err error
	if dir == "" {
		p, err = policyOf(f.base)
	} else {
		p, err = loadPolicy(dir, f.base)
	}
	if err != nil {
		return p, err
	}
	p = p.Gated()
	if f.margin >= 0 {
		p = p.WithMargin(f.margin)
	}
	return p, nil
}

// studyAll studies every ticket with one worker for each processor.
func (a *app) studyAll(ctx context.Context, s *studied, m *classifier.Model, examples []prediag.Example, study func(context.Context, prediag.Example) (triage.Study, error)) error {
	for action := range s.targets {
		if action != triage.ActionAnswer && action != triage.ActionRoute && !slices.Contains(m.Fields(), action) {
			return usageError{fmt.Errorf("--target names %q: use answer, route, or a field of the model (%s)", action, strings.Join(m.Fields(), ", "))}
		}
	}
	s.serves = serves(m, s.settings, s.embedder)
	s.tickets = make([]triage.Labelled, len(examples))
	bar := a.newProgress("studying")
	defer bar.end()
	var mu sync.Mutex
	done := 0
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, e := range examples {
		g.Go(func() error {
			got, err := study(ctx, e)
			if err != nil {
				return fmt.Errorf("ticket %d (%q): %w", i+1, e.Ticket.ID, err)
			}
			s.tickets[i] = triage.Labelled{Example: e, Study: got}
			mu.Lock()
			defer mu.Unlock()
			done++
			bar.set(done, len(examples))
			return nil
		})
	}
	return g.Wait()
}

// policySimulateFlags are the settings of policy simulate.
type policySimulateFlags struct {
	policyFitFlags
	splits int
	share  float64
	order  string
}

func (a *app) policySimulate() *cobra.Command {
	var f policySimulateFlags
	c := &cobra.Command{
		Use:   "simulate --tickets FILE --target ACTION=PRECISION",
		Short: "Count how often a promise would have been broken",
		Long: `simulate splits the tickets at random into a part to calibrate on and a part to test on, fits thresholds on the first, and looks
whether what they take of the second keeps the target; a thousand times. It says how often the target was missed, how much was
taken, and how much could have been taken if the truth were known: the difference is the price of the promise.

With --order time there is one split: the oldest tickets calibrate (those without a time stand in the order of the file).
A promise holds for tickets like those it was made on; this shows whether yours change with time.`,
		Example: `  prediag policy simulate --model m --tickets test.jsonl.gz --target route=0.95
  prediag policy simulate --data-dir @demo --tickets @demo --target answer=0.80 --target route=0.90
  prediag policy simulate --model m --tickets test.jsonl --target route=0.95 --order time --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.simulatePolicy(cmd.Context(), f) },
	}
	f.register(c)
	c.Flags().IntVar(&f.splits, "splits", 1000, "random splits")
	c.Flags().Float64Var(&f.share, "share", 0.5, "share of the tickets that calibrate")
	c.Flags().StringVar(&f.order, "order", "random", "random or time")
	return c
}

// simulated is the simulation of one target.
type simulated struct {
	Action string `json:"action"`
	triage.Simulation
}

func (a *app) simulatePolicy(ctx context.Context, f policySimulateFlags) error {
	if err := needFlags(map[string]string{"target": strings.Join(f.targets, ""), "tickets": f.tickets}); err != nil {
		return err
	}
	if f.order != "random" && f.order != "time" {
		return usageError{fmt.Errorf("--order is %q: use random or time", f.order)}
	}
	s, err := a.study(ctx, f.policyFitFlags)
	if err != nil {
		return err
	}
	if f.order == "time" {
		slices.SortStableFunc(s.tickets, func(x, y triage.Labelled) int {
			return x.Example.Ticket.Created.Compare(y.Example.Ticket.Created)
		})
	}
	bar := a.newProgress("simulating")
	defer bar.end()
	var out []simulated
	for _, action := range sortedKeys(s.targets) {
		opt := triage.SimulateOptions{FitOptions: f.options(), Splits: f.splits, Share: f.share, Ordered: f.order == "time", Seed: f.seed, Progress: bar.set}
		opt.Target = s.targets[action]
		var sim triage.Simulation
		if action == triage.ActionAnswer {
			sim, err = triage.SimulateAnswers(ctx, triage.Cases(s.tickets), opt)
		} else {
			sim, err = triage.SimulateTrials(ctx, s.base.Trials(action, s.tickets), opt)
		}
		if err != nil {
			return fmt.Errorf("target %s: %w", action, err)
		}
		out = append(out, simulated{action, sim})
	}
	bar.end()
	if *f.asJSON {
		return a.printJSON(out)
	}
	return renderSimulations(a.out, out)
}
