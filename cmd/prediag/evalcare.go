package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/classifier"
	"prediag/eval"
	"prediag/internal/demo"
)

// careFlags are the settings that the commands on data share.
type careFlags struct {
	compareFlags
	field  string
	labels []string
}

func (f *careFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.field, "field", prediag.FieldCategory, "field whose labels count")
	c.Flags().StringArrayVar(&f.labels, "label", nil, "FIELD=COLUMN, as in prediag train; may be repeated")
	c.Flags().StringVar(&f.markdown, "markdown", "", "write the result for a pull request to this file")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed of training and permutations")
	f.asJSON = jsonFlag(c)
}

// examples reads labelled tickets; "@demo" is the embedded sample's part that is meant.
func (f careFlags) examples(file string, embedded func() (io.Reader, error)) ([]prediag.Example, error) {
	labels, err := parseLabels(f.labels)
	if err != nil {
		return nil, err
	}
	examples, _, err := readExamples(file, labels, embedded)
	return examples, err
}

// trainer learns the one field.
func (f careFlags) trainer() eval.TrainFunc {
	return func(ctx context.Context, examples []prediag.Example) (prediag.Classifier, error) {
		m, _, err := classifier.Train(ctx, examples, classifier.Options{Quality: classifier.QualityFast, Fields: []string{f.field}, Seed: f.seed})
		return m, err
	}
}

func (a *app) evalSuspects() *cobra.Command {
	var f careFlags
	var queue suspectQueueFlags
	var folds, limit int
	var out string
	c := &cobra.Command{
		Use: "suspects TICKETS", Short: "Find tickets that are probably labelled wrong",
		Long: `suspects trains on parts of the tickets and classifies the rest, so that no model judges a ticket that it learned from.
A ticket is a suspect when another label is at least as probable as that label usually is for its own tickets (confident
learning). The likeliest errors come first. The file of --out has one JSON line per suspect, with its text, to be looked
through by a human. With --to-queue humans look through them in the review queue instead, and prediag review export makes the
patch of what they decided; running it again asks nothing twice.`,
		Example: `  prediag eval suspects tickets.jsonl
  prediag eval suspects tickets.jsonl --to-queue --data-dir data
  prediag eval suspects tickets.jsonl.gz --folds 10 --out suspects.jsonl
  prediag eval suspects @demo --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			examples, err := f.examples(args[0], demo.TrainTickets)
			if err != nil {
				return err
			}
			bar := a.newProgress("folds")
			items, err := eval.OutOfFold(cmd.Context(), f.trainer(), examples, folds, eval.ClassifyOptions{Field: f.field, Progress: bar.set})
			bar.end()
			if err != nil {
				return err
			}
			report := eval.NewSuspectReport(items, textsOf(examples))
			if out != "" {
				if err := writeTo(out, report.WriteLines); err != nil {
					return err
				}
			}
			if queue.toQueue {
				if err := a.queueSuspects(cmd.Context(), queue, report.Suspects, f, args[0], byID(examples)); err != nil {
					return err
				}
			}
			return a.give(f.compareFlags, report, func(w io.Writer) error { return report.WriteMarkdown(w, limit) })
		},
	}
	f.flags(c)
	queue.flags(c)
	c.Flags().IntVar(&folds, "folds", 5, "parts; one model is trained for each")
	c.Flags().IntVar(&limit, "limit", 20, "suspects to print; --json and --out have all")
	c.Flags().StringVar(&out, "out", "", "write all suspects to this file, one JSON line each")
	return c
}

func (a *app) evalLeakage() *cobra.Command {
	var f careFlags
	var threshold float64
	c := &cobra.Command{
		Use: "leakage TRAIN TEST", Short: "Find test tickets that stand in the training set already",
		Long: `leakage lists the test tickets whose text is in the training set, word for word or nearly: figures over them are too
good. A pair with different labels is a conflict: one of the two is wrong. Given the same file twice it would find every
ticket; it is for two files.`,
		Example: `  prediag eval leakage train.jsonl test.jsonl
  prediag eval leakage train.jsonl.gz test.jsonl.gz --threshold 0.9 --json
  prediag eval leakage @demo @demo        # the demo's training and held-out tickets`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			train, err := f.examples(args[0], demo.TrainTickets)
			if err != nil {
				return err
			}
			test, err := f.examples(args[1], demo.EvalTickets)
			if err != nil {
				return err
			}
			report, err := eval.Leakage(cmd.Context(), train, test, f.field, threshold)
			if err != nil {
				return err
			}
			return a.give(f.compareFlags, report, report.WriteMarkdown)
		},
	}
	f.flags(c)
	c.Flags().Float64Var(&threshold, "threshold", 0.8, "share of common tokens from which on two texts are nearly the same, over 0.5 to 1")
	return c
}

func (a *app) evalDrift() *cobra.Command {
	var f careFlags
	var model string
	c := &cobra.Command{
		Use: "drift BEFORE AFTER", Short: "Say whether the tickets of two times differ beyond chance",
		Long: `drift compares label, language, confidence, length, product and the like of the tickets of two times. The distance is the
share of tickets that would have to change (total variation); whether it is more than chance is told by a permutation test,
adjusted by Holm. It takes at least 100 tickets of each time.

BEFORE and AFTER are kept runs of eval classify by one model, or with --model two files of tickets, for which the share of
words that are new is told too. The tickets of files need no labels: without them drift of the true label is not told.`,
		Example: `  prediag eval drift october november
  prediag eval drift --model data/model october.jsonl november.jsonl
  prediag eval drift october november --json`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := a.drift(cmd.Context(), f, model, args)
			if err != nil {
				return err
			}
			return a.give(f.compareFlags, report, report.WriteMarkdown)
		},
	}
	f.flags(c)
	runsFlag(c, &f.runs)
	c.Flags().StringVar(&model, "model", "", "folder of a model: BEFORE and AFTER are files of tickets then")
	return c
}

func (a *app) drift(ctx context.Context, f careFlags, model string, args []string) (eval.DriftReport, error) {
	if model == "" {
		var items [2][]eval.ClassifyItem
		for i, which := range args {
			var err error
			if items[i], err = itemsOrRun[eval.ClassifyItem](f.runs, "classify", which); err != nil {
				return eval.DriftReport{}, err
			}
		}
		return eval.Drift(items[0], items[1], f.seed)
	}
	m, err := classifier.Load(model)
	if err != nil {
		return eval.DriftReport{}, err
	}
	before, err := f.allTickets(args[0], demo.TrainTickets)
	if err != nil {
		return eval.DriftReport{}, err
	}
	after, err := f.allTickets(args[1], demo.EvalTickets)
	if err != nil {
		return eval.DriftReport{}, err
	}
	var items [2][]eval.ClassifyItem
	for i, examples := range [][]prediag.Example{before, after} {
		bar := a.newProgress("classifying")
		items[i], err = eval.Predict(ctx, prediag.ClassifierFunc(m.Quick), examples, eval.ClassifyOptions{Field: f.field, Progress: bar.set})
		bar.end()
		if err != nil {
			return eval.DriftReport{}, err
		}
	}
	report, err := eval.Drift(items[0], items[1], f.seed)
	share, low, high := eval.UnseenShare(before, after, f.seed)
	report.Unseen, report.UnseenLow, report.UnseenHigh = &share, &low, &high
	return report, err
}

// allTickets reads tickets whether they have a label or not.
func (f careFlags) allTickets(file string, embedded func() (io.Reader, error)) ([]prediag.Example, error) {
	labels, err := parseLabels(f.labels)
	if err != nil {
		return nil, err
	}
	r, closeFile, err := openTickets(file, embedded)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	examples, _, err := classifier.ReadExamples(r, classifier.ReadOptions{Labels: labels, Unlabelled: true})
	if err != nil {
		return nil, fmt.Errorf("read tickets %q: %w", file, err)
	}
	return examples, nil
}

func (a *app) evalCurve() *cobra.Command {
	var f careFlags
	var train, test string
	var sizes []int
	c := &cobra.Command{
		Use: "curve --train FILE --test FILE", Short: "Say whether more labelled tickets would help",
		Long: `curve trains on growing parts of the training set and measures each on the test set. Each part holds the one before. The
intervals are those of the test set; the draw of the tickets is one.`,
		Example: `  prediag eval curve --train train.jsonl --test test.jsonl
  prediag eval curve --train train.jsonl --test test.jsonl --sizes 100,300,1000,3000 --json
  prediag eval curve --train @demo --test @demo`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := needFlags(map[string]string{"train": train, "test": test}); err != nil {
				return err
			}
			learn, err := f.examples(train, demo.TrainTickets)
			if err != nil {
				return err
			}
			held, err := f.examples(test, demo.EvalTickets)
			if err != nil {
				return err
			}
			if len(sizes) == 0 {
				sizes = doublings(len(learn))
			}
			curve, err := a.learn(cmd.Context(), f, learn, held, sizes)
			if err != nil {
				return err
			}
			return a.give(f.compareFlags, curve, curve.WriteMarkdown)
		},
	}
	f.flags(c)
	c.Flags().StringVar(&train, "train", "", "tickets to learn from, or @demo (required)")
	c.Flags().StringVar(&test, "test", "", "tickets to measure on, or @demo (required)")
	c.Flags().IntSliceVar(&sizes, "sizes", nil, "numbers of tickets to learn from (default: a sixteenth of all, doubled four times)")
	return c
}

// doublings are five sizes, up to n.
func doublings(n int) []int {
	var sizes []int
	for part := n; part > 0 && len(sizes) < 5; part /= 2 {
		sizes = append(sizes, part)
	}
	slices.Reverse(sizes)
	return sizes
}

func (a *app) learn(ctx context.Context, f careFlags, train, test []prediag.Example, sizes []int) (eval.Curve, error) {
	bar := a.newProgress("training")
	defer bar.end()
	done := 0
	learn := f.trainer()
	counted := func(ctx context.Context, examples []prediag.Example) (prediag.Classifier, error) {
		m, err := learn(ctx, examples)
		done++
		bar.set(done, len(sizes))
		return m, err
	}
	points, err := eval.LearningCurve(ctx, counted, train, test, sizes, eval.ClassifyOptions{Field: f.field, Seed: f.seed})
	if err != nil {
		return eval.Curve{}, fmt.Errorf("%w (sizes %v)", err, sizes)
	}
	return eval.Curve{Test: len(test), Points: points}, nil
}

func (a *app) evalPatch() *cobra.Command {
	var patch, out, column string
	var asJSON *bool
	c := &cobra.Command{
		Use: "patch TICKETS --patch FILE --out FILE", Short: "Give tickets the labels that a human confirmed",
		Long: `patch copies a file of tickets and replaces the labels of those that the patch names: the lines of eval suspects --out that a
human left in it, with "proposed" changed where needed. A ticket whose label is no longer the judged one is left alone.`,
		Example: `  prediag eval suspects tickets.jsonl --out suspects.jsonl     # then look through suspects.jsonl
  prediag eval patch tickets.jsonl --patch suspects.jsonl --out mended.jsonl
  prediag eval patch tickets.jsonl.gz --patch suspects.jsonl --column category --out mended.jsonl --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := needFlags(map[string]string{"patch": patch, "out": out}); err != nil {
				return err
			}
			changes, err := readFile("patch", patch, eval.ReadPatch)
			if err != nil {
				return err
			}
			report, err := patchFile(args[0], out, column, changes)
			if err != nil {
				return err
			}
			if *asJSON {
				return a.printJSON(report)
			}
			_, err = fmt.Fprintf(a.out, "%d of %d labels changed; %d tickets have another label than the judged one, %d are not in the file\n",
				report.Applied, report.Changes, len(report.Stale), len(report.Absent))
			return err
		},
	}
	c.Flags().StringVar(&patch, "patch", "", "changes, one JSON line each with id, label and proposed (required)")
	c.Flags().StringVar(&out, "out", "", "file to write (required); the tickets themselves are not touched")
	c.Flags().StringVar(&column, "column", "label", "column of the label")
	asJSON = jsonFlag(c)
	return c
}

// patchFile writes nothing when no change fits.
func patchFile(tickets, out, column string, changes []eval.LabelChange) (eval.PatchReport, error) {
	var mended bytes.Buffer
	report, err := readFile("tickets", tickets, func(r io.Reader) (eval.PatchReport, error) {
		return eval.Patch(&mended, r, column, changes)
	})
	if err == nil {
		err = report.Err()
	}
	if err != nil {
		return report, err
	}
	return report, writeTo(out, func(w io.Writer) error { _, err := w.Write(mended.Bytes()); return err })
}
