package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/eval"
	"prediag/kb"
	"prediag/triage"
)

const (
	rankerFolds   = 5
	rankerGroups  = 50    // queries or groups of them that are needed to tell
	rankerLevel   = 0.05  // of the test against the built-in order
	rankerQueries = 5_000 // that are learned from at most, evenly drawn
)

// trainRankerFlags are the settings of train ranker.
type trainRankerFlags struct {
	dataDir             *string
	queries, qrels, out string
	reviews             bool
	seed                uint64
	asJSON              *bool
}

// rankerReport is what train ranker prints as JSON.
type rankerReport struct {
	Queries  int         `json:"queries"`
	NDCG     eval.Change `json:"ndcg@10"` // on queries that were not learned from
	Accepted bool        `json:"accepted"`
	Why      string      `json:"why,omitempty"` // not
	Out      string      `json:"out,omitempty"`
	Ranker   kb.Ranker   `json:"ranker"`
	Seconds  float64     `json:"seconds"`
}

func (a *app) trainRanker() *cobra.Command {
	var f trainRankerFlags
	c := &cobra.Command{
		Use:   "ranker --queries FILE --qrels FILE",
		Short: "Learn the order of search results from judged queries of your own",
		Long: `ranker learns the order of the first 100 articles of a search from queries whose relevant articles are known: a linear
function of some thirty features. It is measured by cross-validation on the same queries, those that share a relevant article kept
together, and is refused (exit code 1, nothing written) unless it is significantly better than the built-in order.

The file is written into the data folder (ranker.json), where serve and search find it at their next start; taking it away takes the built-in order back. It
holds for this knowledge base and this version of the search: policies that were fitted before have to be fitted again.

Queries and judgements are as for eval retrieve; documents are the articles' IDs as prediag search --json names them. With
--reviews the tickets in the record whose solving article a human named are learned from, alone or as well.`,
		Example: `  prediag train ranker --queries queries.jsonl --qrels qrels.txt
  prediag train ranker --reviews --data-dir data --json
  prediag train ranker --queries q.tsv --qrels qrels.txt --out candidate.json && prediag search --ranker candidate.json disk full`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.learnRanker(cmd.Context(), f) },
	}
	f.dataDir, f.asJSON = dataDirFlag(c), jsonFlag(c)
	c.Flags().StringVar(&f.queries, "queries", "", "queries (required without --reviews)")
	c.Flags().StringVar(&f.qrels, "qrels", "", "relevance judgements (required without --reviews)")
	c.Flags().BoolVar(&f.reviews, "reviews", false, "learn from the tickets that humans solved with an article, too")
	c.Flags().StringVar(&f.out, "out", "", "file to write (default: ranker.json in the data folder)")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed of the folds and the intervals")
	return c
}

func (a *app) learnRanker(ctx context.Context, f trainRankerFlags) error {
	start := time.Now()
	dir := dataDir(*f.dataDir)
	queries, qrels, err := f.read(ctx, dir)
	if err != nil {
		return err
	}
	if err := dir.exists(); err != nil {
		return err
	}
	found, err := a.observeAll(ctx, dir, queries)
	if err != nil {
		return err
	}
	report, err := crossValidate(ctx, queries, qrels, found, f.seed)
	if err != nil {
		return err
	}
	if report.Accepted {
		report.Out = f.out
		if report.Out == "" {
			report.Out = dir.ranker()
		}
		raw, err := report.Ranker.Encode()
		if err != nil {
			return err
		}
		if err := writeFile(report.Out, raw); err != nil {
			return err
		}
	}
	report.Seconds = time.Since(start).Seconds()
	if *f.asJSON {
		err = a.printJSON(report)
	} else {
		err = renderRanker(a.out, report)
	}
	if h, ok := dir.service(); ok && report.Accepted && f.out == "" {
		a.note("note: the service that holds this data folder (process %d) takes the ranker when it is started again", h.PID)
	}
	if !report.Accepted {
		return errors.Join(err, quietError{codedError{errors.New("the ranker was refused"), exitFailed}})
	}
	return err
}

// read gathers the queries with a relevant article.
func (f trainRankerFlags) read(ctx context.Context, dir dataDir) ([]eval.Query, eval.Qrels, error) {
	qrels := eval.Qrels{}
	var queries []eval.Query
	if f.queries != "" || f.qrels != "" || !f.reviews {
		if err := needFlags(map[string]string{"queries": f.queries, "qrels": f.qrels}); err != nil {
			return nil, nil, err
		}
		var err error
		if queries, err = readFile("queries", f.queries, eval.ReadQueries); err != nil {
			return nil, nil, err
		}
		if qrels, err = readFile("qrels", f.qrels, eval.ReadQrels); err != nil {
			return nil, nil, err
		}
	}
	if f.reviews {
		solved, err := reviewedExamples(ctx, dir)
		if err != nil {
			return nil, nil, err
		}
		for i, e := range solved {
			if e.Article != "" {
				id := fmt.Sprintf("review %d", i+1)
				queries = append(queries, eval.Query{ID: id, Text: triage.SearchText(e.Ticket)})
				qrels[id] = map[string]int{e.Article: 1}
			}
		}
	}
	queries = slices.DeleteFunc(queries, func(q eval.Query) bool { return !relevantAny(qrels[q.ID]) })
	if len(queries) == 0 {
		return nil, nil, prediag.Invalid("NO_JUDGEMENTS", "qrels", "no query has a relevant article: take queries and judgements of one collection, or solve cases with an article first")
	}
	return evenly(queries, rankerQueries), qrels, nil
}

// observeAll asks every query of the knowledge base under its built-in order.
func (a *app) observeAll(ctx context.Context, dir dataDir, queries []eval.Query) (found []kb.Found, err error) {
	k, err := dir.openUnlearnt(kb.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	bar := a.newProgress("searching")
	defer bar.end()
	for i, q := range queries {
		runes := []rune(q.Text)
		f, err := k.Observe(ctx, prediag.Query{Text: string(runes[:min(len(runes), prediag.MaxQueryRunes)])})
		if err != nil {
			return nil, fmt.Errorf("query %q: %w", q.ID, err)
		}
		found = append(found, f)
		bar.set(i+1, len(queries))
	}
	return found, nil
}

// crossValidate learns from all queries, and says what learning gave on those that were kept back.
func crossValidate(ctx context.Context, queries []eval.Query, qrels eval.Qrels, found []kb.Found, seed uint64) (rankerReport, error) {
	asked := eval.Qrels{}
	for _, q := range queries {
		asked[q.ID] = qrels[q.ID]
	}
	fold, groups := eval.Folds(asked, rankerFolds, seed)
	n := len(queries)
	before, after, group := make([]float64, n), make([]float64, n), make([]string, n)
	learn := func(used func(id string) bool) (kb.Ranker, error) {
		var lists []kb.Found
		var grades []map[string]int
		for i, q := range queries {
			if used(q.ID) {
				lists, grades = append(lists, found[i]), append(grades, qrels[q.ID])
			}
		}
		return kb.LearnRanker(ctx, lists, grades)
	}
	for part := range rankerFolds {
		r, err := learn(func(id string) bool { return fold[id] != part })
		if err != nil {
			return rankerReport{}, err
		}
		for i, q := range queries {
			if fold[q.ID] == part {
				before[i], after[i], group[i] = ndcg(found[i].IDs, qrels[q.ID]), ndcg(found[i].Order(r), qrels[q.ID]), groups[q.ID]
			}
		}
	}
	report := rankerReport{Queries: n, NDCG: eval.GroupedChange(before, after, group, seed)}
	var err error
	if report.Ranker, err = learn(func(string) bool { return true }); err != nil {
		return report, err
	}
	c := report.NDCG
	report.Ranker.Evidence = kb.Evidence{Queries: n, Before: float64(c.Before), After: float64(c.After), P: float64(c.P)}
	switch {
	case c.Groups < rankerGroups:
		report.Why = fmt.Sprintf("%d queries on different articles are too few to tell: give %d or more", c.Groups, rankerGroups)
	case c.Change <= 0 || float64(c.P) >= rankerLevel:
		report.Why = "it is not significantly better than the built-in order on queries that it was not learned from; more queries may help"
	default:
		report.Accepted = true
	}
	return report, nil
}

// ndcg is nDCG@10 of articles in their order.
func ndcg(order []string, grades map[string]int) float64 {
	docs := make([]eval.ScoredDoc, len(order))
	for i, id := range order {
		docs[i] = eval.ScoredDoc{ID: id, Score: -float64(i)}
	}
	return eval.NewJudged(docs, grades).NDCG(10)
}

func renderRanker(w io.Writer, r rankerReport) error {
	var p page
	c := r.NDCG
	p.line("nDCG@10 of %d queries (%d on different articles), each measured by what was learned from the others:", r.Queries, c.Groups)
	p.line("  built-in order  %s", number(c.Before))
	p.line("  learned order   %s", number(c.After))
	p.line("  change          %s %s, p = %s", number(c.Change), between(c.Low, c.High), number(c.P))
	if !r.Accepted {
		p.line("\nRefused: %s. Nothing was written.", r.Why)
		return p.to(w)
	}
	names := sortedKeys(r.Ranker.Weights)
	p.line("\nWritten to %s: %d weights (%s).", r.Out, len(names), strings.Join(names, ", "))
	p.line("Policies that were fitted before must be fitted again: prediag policy fit.")
	return p.to(w)
}
