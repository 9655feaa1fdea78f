package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"prediag"
	"prediag/classifier"
	"prediag/eval"
	"prediag/internal/demo"
	"prediag/kb"
	"prediag/review"
	"prediag/triage"
)

// replayFlags are the settings of eval replay.
type replayFlags struct {
	compareFlags
	dataDir, since, until, tickets string
	model, index, policy           string
	labels                         []string
	shadow                         bool
	maxWrong                       int
}

func (a *app) evalReplay() *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use: "replay [BEFORE AFTER]", Short: "Say which tickets would be decided in another way",
		Long: `replay tells what a change would do: what would be answered that was not, what would be handed over that was answered, what
would be filed elsewhere, with examples; and where a human has said what is right, who was right. There are four sources:

  --since 24h            the audit log of --data-dir, decided again. With --policy alone by the facts that were kept, exactly
                         and in no time; with --model or --index the tickets go through the whole line again.
  --since 24h --shadow   the audit log, beside what serve --shadow-model, --shadow-policy decided in the background
  --tickets FILE         labelled tickets through the data folder's line, and through it with --model, --index, --policy
  BEFORE AFTER           two kept runs of eval triage over the same tickets, or two files of items (eval triage --items)

The audit log and the index may be read while a service runs. Nothing is recorded. The age of the index is taken from the
log; what humans decided about near twins of a ticket is left out, as it may be the ticket's own truth. --since and --until take a time ago (24h, 7d) or a time (2026-11-22, 2026-11-22T09:00:00Z).

Exit codes: 0 done, or the limit is kept; 1 more new answers are wrong than --max-new-automated-wrong; 2 error; 3 there are new
answers and none was ever judged (only with that limit).`,
		Example: `  prediag eval replay --since 24h --policy bolder.yaml
  prediag eval replay --since 7d --until 24h --model candidate --markdown comment.md
  prediag eval replay --since 24h --shadow --json
  prediag eval replay --tickets heldout.jsonl --policy bolder.yaml --max-new-automated-wrong 0
  prediag eval replay before after`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 0 && len(args) != 2 {
				return fmt.Errorf("accepts two runs or none, received %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return judged(func() error { return a.replay(cmd.Context(), f, args) })
		},
	}
	c.Flags().StringVar(&f.since, "since", "", "decide the audit log again from this time on, e.g. 24h")
	c.Flags().StringVar(&f.until, "until", "", "up to this time (default: now)")
	c.Flags().StringVar(&f.tickets, "tickets", "", "file of labelled tickets, or @demo, in place of the audit log")
	c.Flags().StringVar(&f.dataDir, "data-dir", "data", "folder of the index, the model and the audit log")
	c.Flags().StringVar(&f.model, "model", "", "folder of another model")
	c.Flags().StringVar(&f.index, "index", "", "another index: its data folder, or the kb folder in that")
	c.Flags().StringVar(&f.policy, "policy", "", "file of another policy")
	c.Flags().BoolVar(&f.shadow, "shadow", false, "take what a candidate decided in the background while the service ran")
	c.Flags().StringArrayVar(&f.labels, "label", nil, "FIELD=COLUMN of --tickets, as in prediag train; may be repeated")
	c.Flags().IntVar(&f.maxWrong, "max-new-automated-wrong", -1, "new answers that may be wrong, as far as known; more give exit code 1 (-1: no limit)")
	runsFlag(c, &f.runs)
	c.Flags().StringVar(&f.markdown, "markdown", "", "write the result for a pull request to this file")
	f.asJSON = jsonFlag(c)
	return c
}

func (a *app) replay(ctx context.Context, f replayFlags, args []string) error {
	var diff eval.DecisionDiff
	var err error
	switch {
	case f.sources(args) != 1:
		return usageError{errors.New("give one of: two runs, --since, or --tickets (prediag eval replay --help has examples)")}
	case len(args) == 2:
		diff, err = replayRuns(f, args)
	case f.tickets != "":
		diff, err = a.replayTickets(ctx, f)
	default:
		diff, err = a.replayLog(ctx, f)
	}
	if err != nil {
		return err
	}
	if err := a.give(f.compareFlags, diff, diff.WriteMarkdown); err != nil || f.maxWrong < 0 {
		return err
	}
	return verdictError(int(diff.Gate(f.maxWrong)))
}

// sources counts what was given to replay; it must be one.
func (f replayFlags) sources(args []string) int {
	n := 0
	for _, given := range []bool{len(args) > 0, f.since != "", f.tickets != ""} {
		if given {
			n++
		}
	}
	return n
}

func replayRuns(f replayFlags, args []string) (eval.DecisionDiff, error) {
	before, err := itemsOrRun[eval.TriageItem](f.runs, "triage", args[0])
	if err != nil {
		return eval.DecisionDiff{}, err
	}
	after, err := itemsOrRun[eval.TriageItem](f.runs, "triage", args[1])
	if err != nil {
		return eval.DecisionDiff{}, err
	}
	diff := eval.Replay(before, after, nil)
	if diff.Tickets+diff.Failed == 0 {
		return diff, prediag.Invalid("NO_COMMON_TICKETS", "run", fmt.Sprintf("%s and %s have no ticket in common; run the same tickets twice", args[0], args[1]))
	}
	return diff, nil
}

// replayTickets runs labelled tickets through two lines.
func (a *app) replayTickets(ctx context.Context, f replayFlags) (eval.DecisionDiff, error) {
	if f.model+f.index+f.policy == "" {
		return eval.DecisionDiff{}, usageError{errors.New("nothing differs: give --model, --index or --policy")}
	}
	labels, err := parseLabels(f.labels)
	if err != nil {
		return eval.DecisionDiff{}, err
	}
	examples, _, err := readExamples(f.tickets, labels, demo.EvalTickets)
	if err != nil {
		return eval.DecisionDiff{}, err
	}
	var runs [2][]eval.TriageItem
	for i, other := range []replayFlags{{dataDir: f.dataDir}, f} {
		err := withCandidate(other, true, func(c triage.Candidate) error {
			bar := a.newProgress([]string{"before", "after"}[i])
			defer bar.end()
			_, err := eval.Triage(ctx, unrecorded{c.Line}, examples, eval.TriageOptions{Resamples: 1, Progress: bar.set,
				Item: func(it eval.TriageItem) { runs[i] = append(runs[i], it) }})
			return err
		})
		if err != nil {
			return eval.DecisionDiff{}, err
		}
	}
	return eval.Replay(runs[0], runs[1], textsOf(examples)), nil
}

// replayLog decides the audit log again.
func (a *app) replayLog(ctx context.Context, f replayFlags) (diff eval.DecisionDiff, err error) {
	filter := review.EntryFilter{Shadowed: f.shadow, Tickets: f.model+f.index != ""}
	now := time.Now()
	if filter.Since, err = parseMoment("since", f.since, now); err != nil {
		return diff, err
	}
	if filter.Until, err = parseMoment("until", cmp.Or(f.until, "0s"), now); err != nil {
		return diff, err
	}
	if !filter.Since.Before(filter.Until) {
		return diff, usageError{fmt.Errorf("--since %s is not before --until %s", f.since, f.until)}
	}
	if f.shadow && f.model+f.index+f.policy != "" {
		return diff, usageError{errors.New("--shadow takes what a candidate decided: without --model, --index and --policy")}
	}
	dir := dataDir(f.dataDir)
	if err := dir.exists(); err != nil {
		return diff, err
	}
	where, err := dir.record()
	if err != nil {
		return diff, err
	}
	store, err := review.OpenReadOnly(where, review.Options{})
	if err != nil {
		return diff, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	r := replayer{store: store, differ: eval.NewDiffer(), bar: a.newProgress("replaying")}
	defer r.bar.end()
	if f.shadow {
		r.decide = func(_ context.Context, e review.Entry) (prediag.Decision, error) { return *e.Shadow, nil }
		return r.run(ctx, filter)
	}
	err = withCandidate(f, filter.Tickets, func(c triage.Candidate) error {
		r.decide = func(ctx context.Context, e review.Entry) (prediag.Decision, error) {
			return c.Decide(ctx, prediag.Diagnosis{ID: e.Decision.DiagnosisID, Ticket: e.Ticket, Facts: e.Decision.Facts, Versions: e.Decision.Versions})
		}
		diff, err = r.run(ctx, filter)
		return err
	})
	return diff, err
}

// withCandidate opens the policy, and with line also model and index: those that the flags name, else the data folder's.
// Nothing is locked: a service may run on the folder meanwhile.
func withCandidate(f replayFlags, line bool, use func(triage.Candidate) error) (err error) {
	dir := dataDir(f.dataDir)
	if err := dir.exists(); err != nil {
		return err
	}
	p := &parts{}
	if p.policy, err = loadPolicy(dir, f.policy); err != nil {
		return err
	}
	if !line {
		return use(triage.Candidate{Policy: p.policy})
	}
	m, err := classifier.Load(cmp.Or(f.model, dir.model()))
	if err != nil {
		return err
	}
	p.model = classifier.NewLive(m)
	index, err := indexFolder(cmp.Or(f.index, f.dataDir))
	if err != nil {
		return err
	}
	e, err := dir.embedding()
	if err != nil {
		return err
	}
	if p.kb, err = kb.Open(index, kb.Options{Embedding: e}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	if p.kb.Generation().Number == 0 {
		return &prediag.Error{Kind: prediag.ErrNotFound, Reason: "NO_ARTICLES", Message: fmt.Sprintf("%q holds no articles: name a data folder that was filled with prediag ingest", index)}
	}
	return use(triage.Candidate{Policy: p.policy, Line: p.pipeline(time.Now, nil)})
}

// indexFolder is the folder of an index, given that or the data folder that it is in.
func indexFolder(dir string) (string, error) {
	for _, d := range []string{dataDir(dir).kb(), dir} {
		if info, err := os.Stat(d); err == nil && info.IsDir() {
			return filepath.Clean(d), nil
		}
	}
	return "", fmt.Errorf("index %q: no such folder: %w", dir, prediag.ErrNotFound)
}

// replayer decides entries of the audit log again, several at a time.
type replayer struct {
	store  *review.Store
	decide func(context.Context, review.Entry) (prediag.Decision, error)
	differ *eval.Differ
	bar    *progress
}

func (r replayer) run(ctx context.Context, filter review.EntryFilter) (eval.DecisionDiff, error) {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	n := 0
	err := r.store.Decisions(ctx, filter, func(e review.Entry) error {
		n++
		r.bar.set(n, 0)
		g.Go(func() error { return r.one(ctx, e) })
		return ctx.Err()
	})
	if failed := g.Wait(); failed != nil {
		err = failed
	}
	if err != nil {
		return eval.DecisionDiff{}, err
	}
	if n == 0 {
		what := "decision"
		if filter.Shadowed {
			what = "decision of a candidate"
		}
		return eval.DecisionDiff{}, fmt.Errorf("the audit log holds no %s from %s to %s: %w", what,
			filter.Since.Format(time.RFC3339), filter.Until.Format(time.RFC3339), prediag.ErrNotFound)
	}
	return r.differ.Diff(), nil
}

// one decides one entry again. What the candidate cannot decide is counted; only the end of the context ends the replay.
func (r replayer) one(ctx context.Context, e review.Entry) error {
	var truth prediag.Example
	if e.Example != nil {
		truth = *e.Example
	}
	before, err := r.decided(ctx, e.Decision)
	if err != nil {
		return err
	}
	a := eval.DecidedItem(e.Decision.DiagnosisID, before, truth)
	decision, err := r.decide(ctx, e)
	var known *prediag.Error
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("replay: %w", ctx.Err())
	case errors.As(err, &known) && known.Field == "facts":
		r.differ.Undecided()
		return nil
	case err != nil:
		r.differ.Add(a, eval.TriageItem{Error: err.Error()}, nil)
		return nil
	}
	after := before
	if !bytes.Equal(decision.Facts, e.Decision.Facts) { // a policy alone changes none
		if after, err = r.decided(ctx, decision); err != nil {
			return err
		}
	}
	after.Outcome, after.Reasons, after.Solved, after.Versions = decision.Outcome, decision.Reasons, decision.Solved, decision.Versions
	r.differ.Add(a, eval.DecidedItem(a.ID, after, truth), func() string {
		d, err := r.store.Diagnosis(ctx, a.ID)
		if err != nil {
			return "" // it was removed meanwhile; the decision stands in the log as read
		}
		return d.Ticket.Text()
	})
	return nil
}

// decided shows a decision as a diagnosis: by its facts, or where it has none as the diagnosis stands in the record.
func (r replayer) decided(ctx context.Context, d prediag.Decision) (prediag.Diagnosis, error) {
	b, err := triage.ParseBasis(d.Facts)
	if err != nil {
		return r.store.Diagnosis(ctx, d.DiagnosisID)
	}
	return prediag.Diagnosis{
		ID: d.DiagnosisID, Verdict: b.Facts.Verdict, Hits: b.Facts.Hits, Outcome: d.Outcome, Reasons: d.Reasons, Solved: d.Solved, Versions: d.Versions,
	}, nil
}

// parseMoment reads a time ago, a day, or a time.
func parseMoment(flag, s string, now time.Time) (time.Time, error) {
	if ago, err := parseTime(s); err == nil {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageError{fmt.Errorf("--%s is %q: give a time ago such as 24h or 7d, or a time such as 2026-11-22 or 2026-11-22T09:00:00Z", flag, s)}
}
