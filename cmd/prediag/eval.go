package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/classifier"
	"prediag/eval"
	"prediag/ingest"
	"prediag/internal/demo"
	"prediag/kb"
)

func (a *app) evalCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "eval",
		Short: "Measure a classifier or the search on judged data, offline",
		Example: `  prediag eval classify --model data/model --tickets @demo
  prediag eval retrieve --corpus corpus.jsonl.gz --queries queries.jsonl --qrels qrels.txt --run out.run`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.evalClassify(), a.evalRetrieve())
	return c
}

// evalClassifyFlags are the settings of eval classify.
type evalClassifyFlags struct {
	model, tickets, field, items string
	labels                       []string
	seed                         uint64
	asJSON                       *bool
}

func (a *app) evalClassify() *cobra.Command {
	var f evalClassifyFlags
	c := &cobra.Command{
		Use:   "classify --model DIR --tickets FILE",
		Short: "Measure a model on labelled tickets",
		Long: `classify runs every ticket through the model and measures one field: accuracy with its interval, F1, calibration (ECE,
Brier, log loss), selective prediction (AURC, coverage at a precision), out of scope, per class and per language.

Tickets with the label "oos" are out of scope: figures are over the others, and "oos" says how well they were told apart.
Tickets that the model fails on are counted apart. The same model and tickets give the same figures to the last digit.`,
		Example: `  prediag eval classify --model data/model --tickets @demo        # the embedded held-out tickets
  prediag eval classify --model m --tickets test.jsonl.gz --json
  prediag eval classify --model m --tickets test.jsonl --field tier --label tier=level --items items.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.measureModel(cmd.Context(), f) },
	}
	c.Flags().StringVar(&f.model, "model", "", "folder of the model (required)")
	c.Flags().StringVar(&f.tickets, "tickets", "", "file of labelled tickets, or @demo (required)")
	c.Flags().StringVar(&f.field, "field", prediag.FieldCategory, "field to measure")
	c.Flags().StringArrayVar(&f.labels, "label", nil, "FIELD=COLUMN, as in prediag train; may be repeated")
	c.Flags().StringVar(&f.items, "items", "", "write one JSON line per ticket to this file")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed of the bootstrap intervals")
	f.asJSON = jsonFlag(c)
	return c
}

func (a *app) measureModel(ctx context.Context, f evalClassifyFlags) (err error) {
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
	examples, read, err := readExamples(f.tickets, labels, demo.EvalTickets)
	if err != nil {
		return err
	}
	bar := a.newProgress("classifying")
	opt := eval.ClassifyOptions{Field: f.field, Seed: f.seed, Progress: bar.set}
	if f.items != "" {
		out, closeItems, err := createLines(f.items)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closeItems()) }()
		opt.Item = func(it eval.ClassifyItem) { _ = out.Encode(it) } // a failed write comes back from closeItems
	}
	report, err := eval.Classify(ctx, m, examples, opt)
	bar.end()
	if err != nil {
		return err
	}
	report.Unlabelled += read.WithoutLabel
	if *f.asJSON {
		return a.printJSON(report)
	}
	return renderClassify(a.out, report)
}

// evalRetrieveFlags are the settings of eval retrieve.
type evalRetrieveFlags struct {
	corpus, queries, qrels, run, index, items string
	seed                                      uint64
	asJSON                                    *bool
}

func (a *app) evalRetrieve() *cobra.Command {
	var f evalRetrieveFlags
	c := &cobra.Command{
		Use:   "retrieve --corpus FILE --queries FILE --qrels FILE",
		Short: "Measure the search on a judged collection",
		Long: `retrieve indexes a corpus, searches it for every judged query, and measures the ranking as trec_eval does: equal scores
are ordered by document, and a judged query for which nothing was found counts as zero.

Corpus: JSON Lines with id, title, body (and lang, product, ...), or a folder of articles. Queries: JSON Lines with id and
text, or "id<TAB>text". Qrels and run: the TREC formats.`,
		Example: `  prediag eval retrieve --corpus corpus.jsonl.gz --queries queries.jsonl --qrels qrels.txt --json
  prediag eval retrieve --corpus docs/ --queries q.tsv --qrels qrels.txt --run prediag.run --index /tmp/idx`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.measureSearch(cmd.Context(), f) },
	}
	c.Flags().StringVar(&f.corpus, "corpus", "", "articles (required)")
	c.Flags().StringVar(&f.queries, "queries", "", "queries (required)")
	c.Flags().StringVar(&f.qrels, "qrels", "", "relevance judgements (required)")
	c.Flags().StringVar(&f.run, "run", "", "write the ranking to this file, in TREC format")
	c.Flags().StringVar(&f.index, "index", "", "folder to keep the index in for the next time (default: a temporary one)")
	c.Flags().StringVar(&f.items, "items", "", "write one JSON line per query to this file")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed of the bootstrap intervals")
	f.asJSON = jsonFlag(c)
	return c
}

// retrieveReport is what eval retrieve prints as JSON.
type retrieveReport struct {
	eval.RetrieveReport
	Corpus       ingest.SourceReport `json:"corpus"`
	IndexSeconds float64             `json:"index_seconds"`
}

func (a *app) measureSearch(ctx context.Context, f evalRetrieveFlags) (err error) {
	if err := needFlags(map[string]string{"corpus": f.corpus, "queries": f.queries, "qrels": f.qrels}); err != nil {
		return err
	}
	queries, err := readFile("queries", f.queries, eval.ReadQueries)
	if err != nil {
		return err
	}
	qrels, err := readFile("qrels", f.qrels, eval.ReadQrels)
	if err != nil {
		return err
	}
	dir := f.index
	if dir == "" {
		if dir, err = os.MkdirTemp("", "prediag-eval-*"); err != nil {
			return fmt.Errorf("make a folder for the index: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	k, err := kb.Open(dir, kb.Options{Keep: 1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	corpus, took, err := a.index(ctx, k, f.corpus)
	if err != nil {
		return err
	}
	report, err := a.searchAll(ctx, k, queries, qrels, f)
	if err != nil {
		return err
	}
	all := retrieveReport{RetrieveReport: report, Corpus: corpus, IndexSeconds: took.Seconds()}
	if *f.asJSON {
		return a.printJSON(all)
	}
	return renderRetrieve(a.out, all)
}

// index brings the corpus into the index.
func (a *app) index(ctx context.Context, k *kb.KB, corpus string) (ingest.SourceReport, time.Duration, error) {
	src, err := ingest.Open(corpus)
	if err != nil {
		return ingest.SourceReport{}, 0, err
	}
	bar := a.newProgress("indexing")
	defer bar.end()
	in := ingest.New(k, ingest.Options{Force: true, Progress: func(p ingest.Progress) { bar.set(p.Done, p.Total) }})
	report, err := in.Refresh(ctx, []ingest.Source{named{Source: src, name: "corpus"}})
	if err != nil {
		return ingest.SourceReport{}, 0, err
	}
	return report.Sources[0], report.Took, nil
}

func (a *app) searchAll(ctx context.Context, s prediag.Searcher, queries []eval.Query, qrels eval.Qrels, f evalRetrieveFlags) (report eval.RetrieveReport, err error) {
	bar := a.newProgress("searching")
	defer bar.end()
	opt := eval.RetrieveOptions{Seed: f.seed, Now: time.Now, Progress: bar.set}
	if f.items != "" {
		out, closeItems, err := createLines(f.items)
		if err != nil {
			return report, err
		}
		defer func() { err = errors.Join(err, closeItems()) }()
		opt.Item = func(it eval.RetrieveItem) { _ = out.Encode(it) } // a failed write comes back from closeItems
	}
	report, run, err := eval.Retrieve(ctx, s, queries, qrels, opt)
	if err != nil || f.run == "" {
		return report, err
	}
	out, err := os.Create(f.run)
	if err != nil {
		return report, fmt.Errorf("write the run: %w", err)
	}
	return report, errors.Join(eval.WriteRun(out, run, "prediag"), out.Close())
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

// stickyWriter remembers the first failure.
type stickyWriter struct {
	w   io.Writer
	err error
}

func (s *stickyWriter) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	s.err = err
	return n, err
}

// createLines makes a file of JSON lines. The returned function closes it and gives the first error of all writes.
func createLines(file string) (*json.Encoder, func() error, error) {
	f, err := os.Create(filepath.Clean(file))
	if err != nil {
		return nil, nil, fmt.Errorf("write items: %w", err)
	}
	w := &stickyWriter{w: f}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc, func() error { return errors.Join(w.err, f.Close()) }, nil
}
