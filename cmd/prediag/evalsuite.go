package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/classifier"
	"prediag/eval"
	"prediag/internal/demo"
)

func (a *app) evalData() *cobra.Command {
	var dir, markdown, download, mirror string
	var asJSON *bool
	c := &cobra.Command{
		Use: "data", Short: "List the public sets that the documents report on, and which of them are here",
		Long: `data lists the sets with licence, source and size, and compares the local folder with the SHA-256 of what was measured:
present, changed, incomplete or absent.

With --download a set is fetched from its publisher at the commit of the list, brought into the form of all sets
(docs/evaluation.md), and appears in the folder once its examples are those of the list by their SHA-256. A download that
was stopped goes on with the next call. Only this needs a network. Of the sets that cannot be fetched the list says why.`,
		Example: `  prediag eval data
  prediag eval data --dir /srv/sets --json
  prediag eval data --dir /srv/sets --download banking77
  prediag eval data --dir /srv/sets --download clinc150 --mirror https://mirror.example.org/git`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sets, err := eval.Sets()
			if err != nil {
				return err
			}
			if download != "" {
				if err := a.fetchSets(cmd.Context(), sets, download, dir, mirror); err != nil {
					return err
				}
			}
			var data fs.FS
			if info, err := os.Stat(dir); err == nil && info.IsDir() {
				data = os.DirFS(dir)
			}
			states, err := eval.CheckSets(data, sets)
			if err != nil {
				return err
			}
			if markdown != "" {
				if err := writeTo(markdown, func(w io.Writer) error { return eval.WriteSets(w, states) }); err != nil {
					return err
				}
			}
			if *asJSON {
				return a.printJSON(states)
			}
			return renderSets(a.out, states)
		},
	}
	c.Flags().StringVar(&dir, "dir", "../shared/data", "folder of the sets")
	c.Flags().StringVar(&download, "download", "", "fetch this set into the folder, by its name in the list's first column; all: every one that can be")
	c.Flags().StringVar(&mirror, "mirror", "", "address that stands in for the publisher's host: MIRROR/OWNER/REPOSITORY/COMMIT/FILE")
	c.Flags().StringVar(&markdown, "markdown", "", "write the list with what each set is, its languages and its source to this file")
	asJSON = jsonFlag(c)
	return c
}

// fetchSets downloads the set of a name, or all that can be and are not there.
func (a *app) fetchSets(ctx context.Context, sets []eval.Set, name, dir, mirror string) error {
	found := 0
	for _, s := range sets {
		_, err := os.Stat(filepath.Join(dir, s.Path))
		if name == "all" && (s.Download == nil || err == nil) || name != "all" && name != s.Path && name != filepath.Base(s.Path) {
			continue
		}
		found++
		a.note("%s (%s) from %s", s.Path, s.Licence, s.Source)
		err = eval.FetchSet(ctx, eval.Fetcher{}, s, dir, mirror)
		var told *prediag.Error
		if errors.As(err, &told) {
			return err
		}
		if err != nil {
			return fmt.Errorf("%w; only this needs a network: a folder that was copied does as well, and --mirror names another host", err)
		}
	}
	if found == 0 && name != "all" {
		return prediag.Invalid("SET_UNKNOWN", "download", fmt.Sprintf("no set is called %q: prediag eval data lists them", name))
	}
	return nil
}

// suiteFlags are the settings of eval suite.
type suiteFlags struct {
	dir, out, sets, only, runs string
	save                       bool
	seed                       uint64
	asJSON                     *bool
}

func (a *app) evalSuite() *cobra.Command {
	var f suiteFlags
	c := &cobra.Command{
		Use: "suite --dir DIR", Short: "Train and measure every set of a folder, and write one document",
		Long: `suite measures every folder below classify (train.jsonl.gz, test.jsonl.gz) and below retrieval (queries.jsonl,
qrels*.txt, and corpus.jsonl.gz or the corpus that the list of sets names), and the embedded demo's whole line. All sets
get the same parameters. The document is the same to the byte for the same code and data, but for its last section.`,
		Example: `  prediag eval suite --dir ../shared/data --out docs/results.md
  prediag eval suite --dir ../shared/data --only banking --json
  prediag eval suite --dir ../shared/data --save --runs runs`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.suite(cmd.Context(), f) },
	}
	c.Flags().StringVar(&f.dir, "dir", "../shared/data", "folder of the sets")
	c.Flags().StringVar(&f.out, "out", "", "write the document to this file")
	c.Flags().StringVar(&f.sets, "sets", "", "file with a list of sets in place of the built-in one (prediag eval data --json shows the form)")
	c.Flags().StringVar(&f.only, "only", "", "only the sets whose name holds this")
	c.Flags().BoolVar(&f.save, "save", false, "keep every measurement as a run, named suite/SET")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed of training and bootstrap")
	runsFlag(c, &f.runs)
	f.asJSON = jsonFlag(c)
	return c
}

func (a *app) suite(ctx context.Context, f suiteFlags) error {
	sets, err := f.list()
	if err != nil {
		return err
	}
	found, err := eval.FindSuite(os.DirFS(f.dir), sets)
	if err != nil {
		return fmt.Errorf("--dir %q: %w", f.dir, err)
	}
	results := eval.Results{Skipped: found.Skipped, Origin: originFacts()}
	for _, t := range found.Classify {
		if strings.Contains(t.Name, f.only) {
			if err := a.suiteClassify(ctx, f, t, &results); err != nil {
				return fmt.Errorf("%s: %w", t.Name, err)
			}
		}
	}
	if err := a.suiteRetrieve(ctx, f, found.Retrieve, &results); err != nil {
		return err
	}
	if strings.Contains("demo", f.only) {
		if err := a.suiteLine(ctx, f, &results); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	if f.out != "" {
		if err := writeTo(f.out, results.WriteMarkdown); err != nil {
			return err
		}
	}
	if *f.asJSON {
		return a.printJSON(results)
	}
	if f.out != "" {
		return nil
	}
	return renderMarkdown(a.out, results.WriteMarkdown)
}

func (f suiteFlags) list() ([]eval.Set, error) {
	if f.sets == "" {
		return eval.Sets()
	}
	return readFile("sets", f.sets, func(r io.Reader) ([]eval.Set, error) {
		raw, err := io.ReadAll(io.LimitReader(r, 16<<20))
		if err != nil {
			return nil, err
		}
		return eval.ReadSets(raw)
	})
}

func originFacts() [][2]string {
	var r eval.RunRecord
	originOf(&r)
	var facts [][2]string
	for _, p := range r.Provenance() {
		if p[0] == "commit" || p[0] == "Go" || p[0] == "machine" {
			facts = append(facts, p)
		}
	}
	return append(facts, [2]string{"measured", time.Now().UTC().Format(time.DateOnly)})
}

func (a *app) suiteClassify(ctx context.Context, f suiteFlags, t eval.ClassifyTask, results *eval.Results) error {
	a.note("%s: training", t.Name)
	train, _, err := readExamples(filepath.Join(f.dir, t.Train), nil, demo.TrainTickets)
	if err != nil {
		return err
	}
	start := time.Now()
	bar := a.newProgress("training")
	m, _, err := classifier.Train(ctx, train, classifier.Options{Fields: []string{prediag.FieldCategory}, Seed: f.seed, Progress: bar.set})
	bar.end()
	if err != nil {
		return err
	}
	r := eval.ClassifyResult{Name: t.Name, Learned: len(train), TrainSeconds: time.Since(start).Seconds()}
	opt := eval.ClassifyOptions{Seed: f.seed}
	var valid []eval.ClassifyItem
	if t.Valid != "" {
		if valid, err = validItems(ctx, m, filepath.Join(f.dir, t.Valid), "", nil); err != nil {
			return err
		}
	}
	if r.Chosen = len(valid) > 0; r.Chosen {
		opt.OOSThreshold = eval.ChooseOOSThreshold(valid)
	}
	file := filepath.Join(f.dir, t.Test)
	test, _, err := readExamples(file, nil, demo.EvalTickets)
	if err != nil {
		return err
	}
	var items []eval.ClassifyItem
	opt.Item = func(it eval.ClassifyItem) { items = append(items, it) }
	bar = a.newProgress("classifying")
	var measuredBy time.Time
	start = time.Now()
	opt.Progress = func(done, total int) { bar.set(done, total); measuredBy = time.Now() }
	r.Report, err = eval.Classify(ctx, m, test, opt)
	bar.end()
	if err != nil {
		return err
	}
	r.Seconds = measuredBy.Sub(start).Seconds() // without the bootstrap
	if r.Chosen && r.Report.OOS != nil {
		likely := eval.LikelyOOSThreshold(valid, eval.StreamOutside)
		r.Others = []eval.OtherOOS{{How: "likely", Report: *eval.OOSAt(items, likely)}, {How: "own", Report: *eval.OOSAt(items, 0.5)}}
	}
	results.Classify = append(results.Classify, r)
	data, err := hashOf(map[string]string{"tickets": file}, nil)
	if err != nil || !f.save {
		return err
	}
	return a.keep(f, t.Name, eval.RunRecord{Kind: "classify", Headline: "accuracy", Model: m.Version(), Taxonomy: m.Taxonomy(), Data: data}, r.Report, items)
}

// keep saves one measurement of a suite.
func (a *app) keep(f suiteFlags, name string, record eval.RunRecord, report, items any) (err error) {
	run := measured{record: record, report: report}
	run.record.Seed = f.seed
	switch items := items.(type) {
	case []eval.ClassifyItem:
		run.items, err = eval.WriteItems(items)
	case []eval.RetrieveItem:
		run.items, err = eval.WriteItems(items)
	case []eval.TriageItem:
		run.items, err = eval.WriteItems(items)
	}
	if err != nil {
		return err
	}
	return a.deliver(evalOutputs{save: true, runs: f.runs, name: "suite/" + name}, "", run)
}

// chosenThreshold chooses the threshold of refusal on the tickets of a file, by the rule of the set's paper; 0 where none of
// them is out of scope.
func chosenThreshold(ctx context.Context, m prediag.Classifier, file string, field string, labels map[string]string) (float64, error) {
	items, err := validItems(ctx, m, file, field, labels)
	if err != nil || len(items) == 0 {
		return 0, err
	}
	return eval.ChooseOOSThreshold(items), nil
}

// validItems classifies the tickets of a file by which a threshold of refusal is to be chosen; none where none of them is
// out of scope.
func validItems(ctx context.Context, m prediag.Classifier, file string, field string, labels map[string]string) ([]eval.ClassifyItem, error) {
	valid, _, err := readExamples(file, labels, demo.EvalTickets)
	if err != nil {
		return nil, err
	}
	var items []eval.ClassifyItem
	_, err = eval.Classify(ctx, m, valid, eval.ClassifyOptions{Field: field, Resamples: 1, Item: func(it eval.ClassifyItem) { items = append(items, it) }})
	if err != nil || !slices.ContainsFunc(items, eval.ClassifyItem.OutOfScope) {
		return nil, err
	}
	return items, nil
}

// suiteRetrieve measures the collections; those that share a corpus share its index.
func (a *app) suiteRetrieve(ctx context.Context, f suiteFlags, tasks []eval.RetrieveTask, results *eval.Results) (err error) {
	temp, err := os.MkdirTemp("", "prediag-suite-*")
	if err != nil {
		return fmt.Errorf("make a folder for the indexes: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	indexes := map[string]string{}
	for _, t := range tasks {
		if !strings.Contains(t.Name, f.only) {
			continue
		}
		if indexes[t.Corpus] == "" {
			indexes[t.Corpus] = filepath.Join(temp, fmt.Sprint(len(indexes)))
		}
		a.note("%s: indexing and searching", t.Name)
		one := evalRetrieveFlags{index: indexes[t.Corpus], cache: cacheFlags{off: true}, seed: f.seed, within: t.Within, corpus: filepath.Join(f.dir, t.Corpus),
			queries: filepath.Join(f.dir, t.Queries), qrels: filepath.Join(f.dir, t.Qrels)}
		if err := a.suiteCollection(ctx, f, t, one, results); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return nil
}

func (a *app) suiteCollection(ctx context.Context, f suiteFlags, t eval.RetrieveTask, one evalRetrieveFlags, results *eval.Results) error {
	queries, err := readFile("queries", one.queries, eval.ReadQueries)
	if err != nil {
		return err
	}
	qrels, err := readFile("qrels", one.qrels, eval.ReadQrels)
	if err != nil {
		return err
	}
	found, err := a.searchAll(ctx, one, queries, qrels)
	if err != nil {
		return err
	}
	results.Retrieve = append(results.Retrieve, eval.RetrieveResult{
		Name: t.Name, Articles: found.report.Corpus.Articles, Report: found.report.RetrieveReport, IndexSeconds: found.report.IndexSeconds,
	})
	if !f.save {
		return nil
	}
	data, err := hashOf(map[string]string{"corpus": one.corpus, "queries": one.queries, "qrels": one.qrels}, nil)
	if err != nil {
		return err
	}
	return a.keep(f, t.Name, eval.RunRecord{Kind: "retrieve", Headline: "ndcg@10", Index: found.index, Data: data}, found.report, found.items)
}

// suiteLine measures the embedded demo from ticket to outcome.
func (a *app) suiteLine(ctx context.Context, f suiteFlags, results *eval.Results) error {
	a.note("demo: the whole line")
	examples, _, err := readExamples(demoTickets, nil, demo.EvalTickets)
	if err != nil {
		return err
	}
	var items []eval.TriageItem
	err = a.withLine(ctx, evalTriageFlags{dataDir: demoTickets}, func(line openLine) error {
		report, err := eval.Triage(ctx, line, examples, eval.TriageOptions{Workers: 1, Seed: f.seed, Now: time.Now,
			Item: func(it eval.TriageItem) { items = append(items, it) }})
		results.Line = append(results.Line, eval.LineResult{Name: "the embedded demo's held-out tickets", Report: report})
		return err
	})
	if err != nil || !f.save {
		return err
	}
	data, err := hashOf(map[string]string{"tickets": demoTickets}, demo.EvalTickets)
	if err != nil {
		return err
	}
	report := results.Line[len(results.Line)-1].Report
	return a.keep(f, "demo", eval.RunRecord{Kind: "triage", Headline: "automation_rate", Model: report.Model, Taxonomy: report.Taxonomy,
		Index: fmt.Sprint(report.Index, " ", demoTickets), Policy: report.Policy, Data: data}, report, items)
}
