package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/classifier"
	"prediag/eval"
	"prediag/internal/demo"
	"prediag/triage"
)

func (a *app) evalCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "eval",
		Short: "Measure, compare and gate models, searches and the whole line, offline",
		Long: `eval gives every figure with its interval and every change a verdict. classify, retrieve and triage measure; with --save
a measurement becomes a run in a folder (--runs), which list, compare, gate, report, replay and drift read.

Nothing here uses the network, but for triage --grpc and data --download.`,
		Example: `  prediag eval classify --model data/model --tickets @demo --save --name before
  prediag eval compare before after
  prediag eval gate latest --floor "accuracy>=0.89" --against before
  prediag eval retrieve --corpus corpus.jsonl.gz --queries queries.jsonl --qrels qrels.txt --html search.html`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.evalClassify(), a.evalRetrieve(), a.evalAnswerable(), a.evalTriage(),
		a.evalList(), a.evalCompare(), a.evalGate(), a.evalReport(), a.evalReplay(),
		a.evalSuspects(), a.evalPatch(), a.evalLeakage(), a.evalDrift(), a.evalCurve(), a.evalData(), a.evalSuite())
	return c
}

// evalClassifyFlags are the settings of eval classify.
type evalClassifyFlags struct {
	model, tickets, field, items, policy string
	valid                                string
	labels                               []string
	seed                                 uint64
	asJSON                               *bool
	out                                  evalOutputs
	cache                                cacheFlags
}

func (a *app) evalClassify() *cobra.Command {
	var f evalClassifyFlags
	c := &cobra.Command{
		Use:   "classify --model DIR --tickets FILE",
		Short: "Measure a model on labelled tickets",
		Long: `classify runs every ticket through the model and measures one field: accuracy with its interval, F1, calibration (ECE,
Brier, log loss), selective prediction (AURC, coverage at a precision), out of scope, per class and per part of the data
(language, category, tier, length, source, age: columns "tier", "source", "created" of the tickets, where they are).

Tickets with the label "oos" are out of scope: figures are over the others, and "oos" says how well they were told apart. A
ticket is refused under a probability of 0.5 of being in scope; --valid names labelled tickets, not the ones that are
measured, on which the threshold that makes most decisions right is chosen instead (Larson et al. 2019).
Tickets that the model fails on are counted apart. The same model and tickets give the same figures to the last digit.`,
		Example: `  prediag eval classify --model data/model --tickets @demo        # the embedded held-out tickets
  prediag eval classify --model m --tickets test.jsonl.gz --json
  prediag eval classify --model m --tickets test.jsonl --save --name before --html report.html
  prediag eval classify --model m --tickets test.jsonl --field tier --label tier=level --items items.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.measureModel(cmd.Context(), f) },
	}
	c.Flags().StringVar(&f.model, "model", "", "folder of the model (required)")
	c.Flags().StringVar(&f.tickets, "tickets", "", "file of labelled tickets, or @demo (required)")
	c.Flags().StringVar(&f.valid, "valid", "", "file of labelled tickets on which the threshold for out of scope is chosen")
	c.Flags().StringVar(&f.field, "field", prediag.FieldCategory, "field to measure")
	c.Flags().StringArrayVar(&f.labels, "label", nil, "FIELD=COLUMN, as in prediag train; may be repeated")
	c.Flags().StringVar(&f.items, "items", "", "write one JSON line per ticket to this file")
	c.Flags().StringVar(&f.policy, "policy", "", "policy whose threshold the HTML report marks (default: the built-in one)")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed of the bootstrap intervals")
	f.out.flags(c)
	f.cache.flags(c)
	f.asJSON = jsonFlag(c)
	return c
}

func (a *app) measureModel(ctx context.Context, f evalClassifyFlags) error {
	if err := needFlags(map[string]string{"model": f.model, "tickets": f.tickets}); err != nil {
		return err
	}
	labels, err := parseLabels(f.labels)
	if err != nil {
		return err
	}
	m, err := classifier.Load(f.model)
	if err != nil {
		return err
	}
	policy, err := policyOf(f.policy)
	if err != nil {
		return err
	}
	examples, read, err := readExamples(f.tickets, labels, demo.EvalTickets)
	if err != nil {
		return err
	}
	var items []eval.ClassifyItem
	threshold := 0.0
	if f.valid != "" {
		if threshold, err = chosenThreshold(ctx, prediag.ClassifierFunc(m.Quick), f.valid, f.field, labels); err != nil {
			return err
		}
	}
	report, err := a.classifyAll(ctx, f, m, examples, eval.ClassifyOptions{
		OOSThreshold: threshold, Item: func(it eval.ClassifyItem) { items = append(items, it) },
	})
	if err != nil {
		return err
	}
	report.Unlabelled += read.WithoutLabel
	data, err := hashOf(map[string]string{"tickets": f.tickets}, demo.EvalTickets)
	if err != nil {
		return err
	}
	run := measured{
		record: eval.RunRecord{Kind: "classify", Headline: "accuracy", Model: m.Version(), Taxonomy: m.Taxonomy(), Policy: policy.Version(), Data: data, Seed: f.seed},
		report: report, markdown: report.WriteMarkdown,
		html: func(w io.Writer, opt eval.HTMLOptions) error {
			opt.Policy, opt.Text = policy.Fields[f.field].Act, textsOf(examples)
			opt.Evidence = evidenceOf(ctx, m, examples, f.field)
			return eval.WriteHTML(w, report, items, opt)
		},
	}
	if run.items, err = eval.WriteItems(items); err != nil {
		return err
	}
	if err := a.deliver(f.out, f.items, run); err != nil {
		return err
	}
	if *f.asJSON {
		return a.printJSON(report)
	}
	return renderMarkdown(a.out, report.WriteMarkdown)
}

func (a *app) classifyAll(ctx context.Context, f evalClassifyFlags, m *classifier.Model, examples []prediag.Example, opt eval.ClassifyOptions) (eval.ClassifyReport, error) {
	cache, err := a.openCache(f.cache, "classify", m.Version())
	if err != nil {
		return eval.ClassifyReport{}, err
	}
	defer a.closeCache(ctx, cache)
	bar := a.newProgress("classifying")
	defer bar.end()
	opt.Field, opt.Seed, opt.Progress, opt.Cache = f.field, f.seed, bar.set, cache
	return eval.Classify(ctx, prediag.ClassifierFunc(m.Quick), examples, opt)
}

// policyOf reads a policy, the built-in one when no file is named.
func policyOf(file string) (triage.Policy, error) {
	if file == "" {
		return triage.ParsePolicy(triage.DefaultPolicyFile())
	}
	return triage.LoadPolicy(file)
}

// byID gives the tickets by the ID that their items have.
func byID(examples []prediag.Example) map[string]prediag.Ticket {
	tickets := make(map[string]prediag.Ticket, len(examples))
	for i, e := range examples {
		tickets[cmp.Or(e.Ticket.ID, fmt.Sprintf("#%d", i+1))] = e.Ticket
	}
	return tickets
}

func textsOf(examples []prediag.Example) func(id string) string {
	tickets := byID(examples)
	return func(id string) string { return tickets[id].Text() }
}

// evidenceOf asks the model once more what speaks for its label.
func evidenceOf(ctx context.Context, m prediag.Classifier, examples []prediag.Example, field string) func(id string) string {
	tickets := byID(examples)
	return func(id string) string {
		v, err := m.Classify(ctx, tickets[id])
		if err != nil {
			return "" // it only adorns the page
		}
		f, _ := v.Field(field)
		var words []string
		for _, e := range f.Evidence {
			word := fmt.Sprintf("%s %+.2f", strings.TrimSpace(e.Text), e.Weight)
			if e.Weight > 0 && len(words) < 5 && !slices.Contains(words, word) {
				words = append(words, word)
			}
		}
		return strings.Join(words, "\n")
	}
}

// readFile reads a file that a flag names.
func readFile[T any](flag, file string, read func(io.Reader) (T, error)) (T, error) {
	var none T
	r, err := openInput(flag, file)
	if err != nil {
		return none, err
	}
	defer r.Close()
	v, err := read(r)
	if err != nil {
		return none, fmt.Errorf("--%s %q: %w", flag, file, err)
	}
	return v, nil
}

// writeTo makes a file of what write gives.
func writeTo(file string, write func(io.Writer) error) error {
	f, err := os.Create(filepath.Clean(file))
	if err != nil {
		return fmt.Errorf("write %q: %w", file, err)
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return fmt.Errorf("write %q: %w", file, err)
	}
	return nil
}

// encodeReport is a report as its run's folder holds it.
func encodeReport(v any) ([]byte, error) {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the report: %w", err)
	}
	return append(raw, '\n'), nil
}
