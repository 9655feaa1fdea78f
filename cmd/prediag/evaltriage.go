package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/eval"
	"prediag/ingest"
	"prediag/internal/demo"
	"prediag/kb"
	"prediag/server"
	"prediag/triage"
)

// evalTriageFlags are the settings of eval triage.
type evalTriageFlags struct {
	dataDir, tickets, grpc, items string
	parts                         partsOptions
	labels                        []string
	workers                       int
	seed                          uint64
	asJSON                        *bool
	out                           evalOutputs
	cache                         cacheFlags
	prices                        string
	price                         []string
}

func (a *app) evalTriage() *cobra.Command {
	var f evalTriageFlags
	c := &cobra.Command{
		Use:   "triage --data-dir DIR --tickets FILE",
		Short: "Measure the whole line: from the ticket to the outcome",
		Long: `triage runs every ticket through classification, search, draft and decision, and measures each stage and the end: the
share answered without a human, the precision of these answers, why the others were not answered, and the cost, where a
wrong answer costs more than a handoff. The tickets are labelled as for prediag train; the column "article" names the
article, or its group, that solves the ticket.

In this process nothing is recorded, and the age of the index does not count. --model and --policy put others in the place of
the data folder's, for eval compare and eval replay. --data-dir @demo is the embedded demo.
With --grpc the tickets go to a running service, which records them as it does any other: use one of its own. Its answers are
not kept for a later call, because the service may be another one then.

What language models cost is counted from the tokens that the drafts state, at the prices of --price or --prices. Extractive
drafts ask none and cost nothing.`,
		Example: `  prediag eval triage --data-dir @demo --tickets @demo
  prediag eval triage --data-dir data --tickets tickets.jsonl --save --name before
  prediag eval triage --data-dir data --tickets tickets.jsonl --policy bolder.yaml --save --name after
  prediag eval triage --grpc 127.0.0.1:50051 --tickets tickets.jsonl --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.measureLine(cmd.Context(), f) },
	}
	c.Flags().StringVar(&f.dataDir, "data-dir", "data", "folder of the index, the model and the cases, or @demo")
	c.Flags().StringVar(&f.tickets, "tickets", "", "file of labelled tickets, or @demo (required)")
	c.Flags().StringVar(&f.grpc, "grpc", "", "address of a running service, HOST:PORT, in place of the data folder")
	c.Flags().StringVar(&f.parts.model, "model", "", "folder of the model (default: the data folder's)")
	c.Flags().StringVar(&f.parts.policy, "policy", "", "file of the policy (default: the data folder's, or the built-in one)")
	c.Flags().StringArrayVar(&f.labels, "label", nil, "FIELD=COLUMN, as in prediag train; may be repeated")
	c.Flags().StringVar(&f.items, "items", "", "write one JSON line per ticket to this file")
	c.Flags().IntVar(&f.workers, "workers", 1, "tickets at a time; with one, latencies are those of a quiet service")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed of the bootstrap intervals")
	c.Flags().StringArrayVar(&f.price, "price", nil, "NAME=INPUT/OUTPUT, what a language model charges for a million tokens; may be repeated")
	c.Flags().StringVar(&f.prices, "prices", "", `file of prices: {"currency": "USD", "models": {"NAME": {"input": 3, "output": 15}}}`)
	f.out.flags(c)
	f.cache.flags(c)
	f.asJSON = jsonFlag(c)
	return c
}

func (a *app) measureLine(ctx context.Context, f evalTriageFlags) error {
	if err := needFlags(map[string]string{"tickets": f.tickets}); err != nil {
		return err
	}
	labels, err := parseLabels(f.labels)
	if err != nil {
		return err
	}
	examples, _, err := readExamples(f.tickets, labels, demo.EvalTickets)
	if err != nil {
		return err
	}
	prices, err := f.allPrices()
	if err != nil {
		return err
	}
	var items []eval.TriageItem
	var report eval.TriageReport
	var index string
	err = a.withLine(ctx, f, func(line openLine) error {
		index = line.index
		cache, err := a.openLineCache(f.cache, line)
		if err != nil {
			return err
		}
		defer a.closeCache(ctx, cache)
		bar := a.newProgress("diagnosing")
		defer bar.end()
		report, err = eval.Triage(ctx, line, examples, eval.TriageOptions{Workers: f.workers, Seed: f.seed, Now: time.Now, Progress: bar.set,
			Prices: prices, Cache: cache, Item: func(it eval.TriageItem) { items = append(items, it) }})
		return err
	})
	if err != nil {
		return err
	}
	if report.N == 0 {
		return fmt.Errorf("all of %d tickets failed, the first with: %s", report.Failed, report.FirstError)
	}
	if err := a.deliverLine(f, examples, report, items, index); err != nil {
		return err
	}
	if *f.asJSON {
		return a.printJSON(report)
	}
	return renderMarkdown(a.out, report.WriteMarkdown)
}

func (a *app) deliverLine(f evalTriageFlags, examples []prediag.Example, report eval.TriageReport, items []eval.TriageItem, index string) error {
	data, err := hashOf(map[string]string{"tickets": f.tickets}, demo.EvalTickets)
	if err != nil {
		return err
	}
	run := measured{
		record: eval.RunRecord{Kind: "triage", Headline: "automation_rate", Model: report.Model, Taxonomy: report.Taxonomy,
			Index: strings.TrimSpace(fmt.Sprint(report.Index, " ", index)), Policy: report.Policy, Data: data, Seed: f.seed},
		report: report, markdown: report.WriteMarkdown,
		html: func(w io.Writer, opt eval.HTMLOptions) error {
			opt.Text = textsOf(examples)
			return eval.WriteTriageHTML(w, report, items, opt)
		},
	}
	if run.items, err = eval.WriteItems(items); err != nil {
		return err
	}
	return a.deliver(f.out, f.items, run)
}

// allPrices joins the file of prices with those of the command line, which win.
func (f evalTriageFlags) allPrices() (eval.Prices, error) {
	var p eval.Prices
	if f.prices != "" {
		var err error
		if p, err = readFile("prices", f.prices, eval.ReadPrices); err != nil {
			return p, err
		}
	}
	if p.Models == nil {
		p.Models = map[string]eval.Price{}
	}
	for _, text := range f.price {
		name, price, err := eval.ParsePrice(text)
		if err != nil {
			return p, err
		}
		p.Models[name] = price
	}
	return p, nil
}

// openLine is a ticket's way that is open, and what its answers depend on.
type openLine struct {
	eval.Triager
	index string   // names the index's content; empty: not known
	parts []string // model, policy, index, records; nil: not known, answers must not be kept
}

func (a *app) openLineCache(f cacheFlags, line openLine) (*eval.Cache, error) {
	if line.parts == nil {
		return nil, nil
	}
	return a.openCache(f, append([]string{"triage"}, line.parts...)...)
}

// withLine opens the way of a ticket that was asked for, and closes it after use.
func (a *app) withLine(ctx context.Context, f evalTriageFlags, use func(openLine) error) error {
	if f.grpc != "" {
		client, err := server.Dial(f.grpc)
		if err != nil {
			return err
		}
		return errors.Join(use(openLine{Triager: client}), client.Close())
	}
	return a.withParts(ctx, "eval triage", f.dataDir, f.parts, func(p *parts) error {
		line := openLine{Triager: unrecorded{p.pipeline(time.Now, nil)}, index: p.kb.Generation().Hash}
		records := stateOf(dataDir(f.dataDir).state())
		if records == "" { // it is elsewhere: what it taught is what counts
			last, err := p.store.LastExample(ctx)
			if err != nil {
				return err
			}
			records = fmt.Sprint(last)
		}
		if f.dataDir == demoTickets { // made anew by each call, from what this program embeds
			line.index, records = demoTickets, ""
		}
		line.parts = []string{p.model.Model().Version(), p.policy.Version(), line.index, records}
		return use(line)
	})
}

// withParts opens a data folder that holds articles, or for "@demo" the embedded demo, and closes it after use.
func (a *app) withParts(ctx context.Context, command, folder string, opt partsOptions, use func(*parts) error) (err error) {
	dir := dataDir(folder)
	if folder == demoTickets {
		temp, mkErr := os.MkdirTemp("", "prediag-eval-*")
		if mkErr != nil {
			return fmt.Errorf("make a folder for the demo: %w", mkErr)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
		dir = dataDir(filepath.Join(temp, "data"))
		if err := a.fillWithDemo(ctx, dir); err != nil {
			return err
		}
	}
	if err := dir.exists(); err != nil {
		return err
	}
	held, err := dir.hold(command)
	var inUse *inUseError
	if errors.As(err, &inUse) && command == "eval triage" {
		return fmt.Errorf("%w; or measure through it with --grpc ADDR", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.release()) }()
	opt.unaided = true // what is measured are the parts, not what humans decided about the very tickets
	p, err := a.openParts(ctx, dir, opt)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	if p.kb.Generation().Number == 0 {
		return &prediag.Error{Kind: prediag.ErrNotFound, Reason: "NO_ARTICLES", Message: fmt.Sprintf(
			"data folder %q holds no articles: prediag ingest --data-dir %s SOURCE, or use --data-dir @demo", folder, folder)}
	}
	return use(p)
}

// unrecorded diagnoses without recording anything.
type unrecorded struct{ *triage.Pipeline }

func (u unrecorded) Triage(ctx context.Context, _ prediag.RequestKey, t prediag.Ticket) (prediag.Diagnosis, error) {
	return u.Diagnose(ctx, t)
}

// fillWithDemo brings the embedded articles into a new data folder.
func (a *app) fillWithDemo(ctx context.Context, dir dataDir) (err error) {
	if err := os.MkdirAll(string(dir), 0o755); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if err := dir.startOnDemo(); err != nil {
		return err
	}
	k, err := dir.openKB(kb.Options{Keep: 1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	src, err := sourceEntry{Name: demoSource}.open()
	if err != nil {
		return err
	}
	_, err = ingest.New(k, ingest.Options{}).Refresh(ctx, []ingest.Source{src})
	return err
}

// itemsOrRun reads the items of a kept run of one kind, or of a file.
func itemsOrRun[T any](runs, kind, which string) ([]T, error) {
	if info, err := os.Stat(which); err == nil && info.Mode().IsRegular() {
		return readFile("items", which, func(r io.Reader) ([]T, error) {
			raw, err := io.ReadAll(r)
			if err != nil {
				return nil, err
			}
			return eval.ReadItems[T](raw)
		})
	}
	found, err := storedRuns(runs, which)
	if err != nil {
		return nil, err
	}
	if got := found[0].Record.Kind; got != kind {
		return nil, prediag.Invalid("KIND_WRONG", "run", fmt.Sprintf("run %s measures %s; a run of eval %s is needed", found[0].Name(), got, kind))
	}
	return eval.ItemsOf[T](found[0])
}
