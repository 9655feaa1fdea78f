package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/eval"
)

// Exit codes of eval compare and eval gate, beside exitOK. What else goes wrong is an error there, so that no failure is
// taken for a verdict.
const (
	exitWorse        = int(eval.GateRegression)
	exitGateError    = int(eval.GateError)
	exitInconclusive = int(eval.GateInconclusive)
)

// judged runs a command whose exit code is a verdict: any error gives exitGateError.
func judged(do func() error) error {
	err := do()
	var coded codedError
	if err == nil || errors.As(err, &coded) {
		return err
	}
	return codedError{err, exitGateError}
}

// verdictError ends the command with a code and without another line: the verdict was printed.
func verdictError(code int) error {
	if code == exitOK {
		return nil
	}
	return codedError{quietError{errors.New("see the verdict")}, code}
}

// storedRuns opens the registry and finds the runs. A registry that does not exist is not made for a look.
func storedRuns(dir string, which ...string) ([]eval.StoredRun, error) {
	registry, err := existingRegistry(dir)
	if err != nil {
		return nil, err
	}
	runs := make([]eval.StoredRun, len(which))
	for i, name := range which {
		if runs[i], err = registry.Stored(name); err != nil {
			return nil, fmt.Errorf("--runs %q: %w", dir, err)
		}
	}
	return runs, nil
}

func existingRegistry(dir string) (*eval.Registry, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("--runs %q: no folder of runs: measure with --save first, or name it with --runs: %w", dir, prediag.ErrNotFound)
	}
	return eval.OpenRegistry(dir)
}

func (a *app) evalList() *cobra.Command {
	var runs, kind string
	var limit int
	var asJSON *bool
	c := &cobra.Command{
		Use: "list", Short: "List the kept runs, the newest first",
		Long:    "list shows each run with its headline figure and interval. A commit with a + had changes that were not committed.",
		Example: "  prediag eval list\n  prediag eval list --kind retrieve --limit 5\n  prediag eval list --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			registry, err := existingRegistry(runs)
			if err != nil {
				return err
			}
			list, err := registry.List()
			if err != nil {
				return err
			}
			list = newest(list, kind, limit)
			if *asJSON {
				return a.printJSON(list)
			}
			return renderRuns(a.out, list)
		},
	}
	runsFlag(c, &runs)
	c.Flags().StringVar(&kind, "kind", "", "only classify, retrieve or triage")
	c.Flags().IntVar(&limit, "limit", 50, "runs to list; 0: all")
	asJSON = jsonFlag(c)
	return c
}

// newest turns the registry's order round and keeps what was asked for.
func newest(list []eval.RunSummary, kind string, limit int) []eval.RunSummary {
	out := []eval.RunSummary{}
	for i := len(list) - 1; i >= 0 && (limit <= 0 || len(out) < limit); i-- {
		if kind == "" || list[i].Kind == kind {
			out = append(out, list[i])
		}
	}
	return out
}

// compareFlags are the settings of eval compare, and of the gate's --against.
type compareFlags struct {
	runs, markdown string
	level          float64
	seed           uint64
	force, strict  bool
	asJSON         *bool
}

func (f *compareFlags) flags(c *cobra.Command) {
	runsFlag(c, &f.runs)
	c.Flags().StringVar(&f.markdown, "markdown", "", "write the result for a pull request to this file")
	c.Flags().Float64Var(&f.level, "level", 0.05, "level of the tests, 0 to 1")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed of bootstrap and randomization")
	c.Flags().BoolVar(&f.force, "force", false, "compare the common items of runs over different data")
	f.asJSON = jsonFlag(c)
}

func (f compareFlags) options() (eval.CompareOptions, error) {
	if !(f.level > 0 && f.level < 1) {
		return eval.CompareOptions{}, usageError{fmt.Errorf("--level is %v: give a probability between 0 and 1, e.g. 0.05", f.level)}
	}
	return eval.CompareOptions{Level: f.level, Seed: f.seed, Force: f.force}, nil
}

func (a *app) evalCompare() *cobra.Command {
	var f compareFlags
	c := &cobra.Command{
		Use: "compare A B", Short: "Say whether run B is better or worse than run A, or cannot be told from it",
		Long: `compare pairs two runs item by item. Labels are tested by McNemar's mid-p, rankings by paired randomization, slices are
adjusted by Holm. "Cannot tell" comes with the smallest difference that the items would show. Runs over different data are
refused, because their difference says nothing of the change.

A run is named by its ID, the beginning of it, its name (the newest one), or "latest".

Exit codes: 0 not worse; 1 worse; 2 error; 3 cannot tell, only with --strict.`,
		Example: `  prediag eval compare before after
  prediag eval compare before latest --markdown comment.md
  prediag eval compare before after --json --strict`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			return judged(func() error { return a.compare(f, args[0], args[1]) })
		},
	}
	f.flags(c)
	c.Flags().BoolVar(&f.strict, "strict", false, "exit with 3 when it cannot be told")
	return c
}

func (a *app) compare(f compareFlags, before, after string) error {
	opt, err := f.options()
	if err != nil {
		return err
	}
	runs, err := storedRuns(f.runs, before, after)
	if err != nil {
		return err
	}
	c, err := eval.CompareRuns(runs[0], runs[1], opt)
	if err != nil {
		return err
	}
	if err := a.give(f, c, c.WriteMarkdown); err != nil {
		return err
	}
	switch {
	case c.Verdict == eval.Worse:
		return verdictError(exitWorse)
	case c.Verdict == eval.CannotTell && f.strict:
		return verdictError(exitInconclusive)
	}
	return nil
}

// give prints a result as JSON or Markdown, and writes the Markdown where a file was named.
func (a *app) give(f compareFlags, result any, markdown func(io.Writer) error) error {
	if f.markdown != "" {
		if err := writeTo(f.markdown, markdown); err != nil {
			return err
		}
	}
	if *f.asJSON {
		return a.printJSON(result)
	}
	return renderMarkdown(a.out, markdown)
}

// gateFlags are the settings of eval gate.
type gateFlags struct {
	compareFlags
	floors, proven         []string
	budget, against, junit string
}

func (a *app) evalGate() *cobra.Command {
	var f gateFlags
	c := &cobra.Command{
		Use: "gate RUN", Short: "Hold a run against limits and against another run, for a build",
		Long: `gate checks figures of a run (the keys of its JSON report, e.g. accuracy, oos.recall, ndcg@10, latency_ms.p95).

A figure that misses its --floor while its 95 % interval still holds the limit is inconclusive: measure more items. With
--floor-lower-bound the end of the interval itself must keep the limit. With --against the run must not be worse than
another beyond noise, over all items and in every slice. A budget file has one condition a line; # begins a comment.

Exit codes: 0 ok; 1 regression; 2 error; 3 inconclusive.`,
		Example: `  prediag eval gate latest --floor "accuracy>=0.89" --floor "ece<=0.05"
  prediag eval gate after --floor-lower-bound "accuracy>=0.87" --against before --junit gate.xml
  prediag eval gate after --budget budget.txt --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return judged(func() error { return a.gate(f, args[0]) })
		},
	}
	f.flags(c)
	c.Flags().StringArrayVar(&f.floors, "floor", nil, `condition on a figure: "accuracy>=0.89", "ece<=0.05"; may be repeated`)
	c.Flags().StringArrayVar(&f.proven, "floor-lower-bound", nil, "condition that the end of the interval must keep; may be repeated")
	c.Flags().StringVar(&f.budget, "budget", "", "file of conditions, one a line")
	c.Flags().StringVar(&f.against, "against", "", "run that this one must not be worse than")
	c.Flags().StringVar(&f.junit, "junit", "", "write the results as JUnit XML to this file")
	return c
}

// gateResult is what eval gate prints as JSON.
type gateResult struct {
	Run     string            `json:"run"`
	Status  eval.GateStatus   `json:"status"`
	Results []eval.GateResult `json:"results"`
}

func (a *app) gate(f gateFlags, which string) error {
	conditions, err := f.conditions()
	if err != nil {
		return err
	}
	if len(conditions) == 0 && f.against == "" {
		return usageError{errors.New("there is nothing to check: give --floor, --floor-lower-bound, --budget or --against (--help shows how)")}
	}
	runs, err := storedRuns(f.runs, which)
	if err != nil {
		return err
	}
	results := eval.Gate(runs[0].Record.Figures, conditions)
	if f.against != "" {
		more, err := f.compared(runs[0])
		if err != nil {
			return err
		}
		results = append(results, more...)
	}
	if f.junit != "" {
		if err := writeTo(f.junit, func(w io.Writer) error { return eval.WriteJUnit(w, "eval gate", results) }); err != nil {
			return err
		}
	}
	status := eval.WorstStatus(results)
	all := gateResult{Run: runs[0].Record.ID, Status: status, Results: results}
	if err := a.give(f.compareFlags, all, func(w io.Writer) error { return eval.WriteResults(w, results) }); err != nil {
		return err
	}
	return verdictError(int(status))
}

func (f gateFlags) compared(run eval.StoredRun) ([]eval.GateResult, error) {
	opt, err := f.options()
	if err != nil {
		return nil, err
	}
	against, err := storedRuns(f.runs, f.against)
	if err != nil {
		return nil, err
	}
	c, err := eval.CompareRuns(against[0], run, opt)
	return eval.GateAgainst(c), err
}

// conditions joins those of the flags and of the budget file.
func (f gateFlags) conditions() ([]eval.Condition, error) {
	var all []eval.Condition
	for i, text := range append(append([]string{}, f.floors...), f.proven...) {
		c, err := eval.ParseCondition(text)
		if err != nil {
			return nil, err
		}
		c.Proven = c.Proven || i >= len(f.floors)
		all = append(all, c)
	}
	if f.budget != "" {
		budget, err := readFile("budget", f.budget, eval.ReadBudget)
		if err != nil {
			return nil, err
		}
		all = append(all, budget...)
	}
	return all, nil
}
