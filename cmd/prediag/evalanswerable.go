package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/eval"
	"prediag/ingest"
	"prediag/kb"
	"prediag/triage"
)

// evalAnswerableFlags are the settings of eval answerable.
type evalAnswerableFlags struct {
	policy, items string
	embeddings    string
	most, foreign int
	seed          uint64
	asJSON        *bool
}

func (a *app) evalAnswerable() *cobra.Command {
	var f evalAnswerableFlags
	c := &cobra.Command{
		Use:   "answerable COLLECTION...",
		Short: "Measure whether the search knows when it has no answer",
		Long: `answerable takes the relevant articles of about half of a collection's queries out of the index, with copies,
translations and entries in tables of contents, asks all queries, and measures how well the probability that the first hit solves a query tells those
that can still be answered from the others (AUROC). Queries of the other collections are asked as well, unless both know a
product of the same name.

A collection is a folder with corpus.jsonl.gz, queries.jsonl and qrels.txt, or FOLDER=CORPUS. The probability is that of a
policy's solved_model. With two or more collections and no --policy it is fitted: each collection is measured with a
model fitted on the others, in which every collection counts the same, and the model fitted on all is printed.

There is no classifier here, so that a policy's weight of the category has nothing to say.`,
		Example: `  prediag eval answerable faq docs=articles.jsonl.gz manuals       # each measured with a model of the other two
  prediag eval answerable --policy data/policy.yaml faq --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.measureAnswerable(cmd.Context(), f, args) },
	}
	c.Flags().StringVar(&f.policy, "policy", "", "policy whose solved_model is measured (default: fitted, or with one collection the built-in policy's)")
	c.Flags().IntVar(&f.most, "queries", 1000, "queries of a collection that are asked at most, evenly drawn")
	embeddingsFlag(c, &f.embeddings)
	c.Flags().IntVar(&f.foreign, "foreign", 100, "queries of other collections that are asked at most, evenly drawn; 0: none")
	c.Flags().StringVar(&f.items, "items", "", "write one JSON line per query to this file")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed of the choice of articles")
	f.asJSON = jsonFlag(c)
	return c
}

// answerableReport is what eval answerable prints as JSON.
type answerableReport struct {
	eval.AnswerableReport
	Removed map[string]removed  `json:"removed"` // by collection
	Fitted  *triage.SolvedModel `json:"fitted,omitempty"`
}

type removed struct {
	Articles int `json:"articles"` // before
	Judged   int `json:"judged"`
	Twins    int `json:"twins"`
	Entries  int `json:"entries"` // lines in tables of contents
}

func entries(out eval.HeldOut) (n int) {
	for _, spans := range out.Entries {
		n += len(spans)
	}
	return n
}

// judgedCollection is a collection with what a search of it gave.
type judgedCollection struct {
	name, corpus string
	queries      []eval.Query // judged ones, evenly drawn
	qrels        eval.Qrels
	articles     []prediag.Article
	products     map[string]bool
	items        []eval.AnswerableItem
	cases        []triage.AnswerCase // one for each item
	removed      removed
}

func (a *app) measureAnswerable(ctx context.Context, f evalAnswerableFlags, args []string) error {
	if f.most < 1 || f.foreign < 0 {
		return prediag.Invalid("COUNT_INVALID", "queries", "--queries takes 1 or more, --foreign 0 or more")
	}
	all := make([]*judgedCollection, len(args))
	for i, arg := range args {
		c, err := readCollection(arg, f.most)
		if err != nil {
			return err
		}
		all[i] = c
	}
	for _, c := range all {
		if err := a.readArticles(ctx, c); err != nil {
			return err
		}
	}
	for _, c := range all {
		if err := a.askAll(ctx, c, all, f); err != nil {
			return fmt.Errorf("collection %q: %w", c.name, err)
		}
	}
	report := answerableReport{Removed: map[string]removed{}}
	items, err := f.judge(all, &report)
	if err != nil {
		return err
	}
	report.AnswerableReport = eval.Answerability(items)
	if f.items != "" {
		raw, err := eval.WriteItems(items)
		if err != nil {
			return err
		}
		if err := writeFile(f.items, raw); err != nil {
			return err
		}
	}
	if *f.asJSON {
		return a.printJSON(report)
	}
	return renderAnswerable(a.out, report)
}

// readCollection reads the queries and judgements of FOLDER or FOLDER=CORPUS.
func readCollection(arg string, most int) (*judgedCollection, error) {
	folder, corpus, _ := strings.Cut(arg, "=")
	c := &judgedCollection{name: filepath.Base(filepath.Clean(folder)), corpus: corpus, products: map[string]bool{}}
	if c.corpus == "" {
		c.corpus = filepath.Join(folder, "corpus.jsonl.gz")
	}
	queries, err := readFile("queries", filepath.Join(folder, "queries.jsonl"), eval.ReadQueries)
	if err != nil {
		return nil, err
	}
	if c.qrels, err = readFile("qrels", filepath.Join(folder, "qrels.txt"), eval.ReadQrels); err != nil {
		return nil, err
	}
	queries = slices.DeleteFunc(queries, func(q eval.Query) bool { return !relevantAny(c.qrels[q.ID]) })
	if len(queries) == 0 {
		return nil, prediag.Invalid("NO_JUDGEMENTS", "qrels", fmt.Sprintf("collection %q: no query has a relevant article; take queries and qrels of one collection", folder))
	}
	c.queries = evenly(queries, most)
	return c, nil
}

func relevantAny(grades map[string]int) bool {
	for _, g := range grades {
		if g > 0 {
			return true
		}
	}
	return false
}

// evenly draws at most so many of a list, from its beginning to its end.
func evenly[T any](list []T, most int) []T {
	if len(list) <= most {
		return list
	}
	out := make([]T, most)
	for i := range out {
		out[i] = list[i*len(list)/most]
	}
	return out
}

// gathered is an index that only keeps the articles that come in.
type gathered struct{ articles []prediag.Article }

func (g *gathered) Known(context.Context, string) (map[string]string, error) { return nil, nil }

func (g *gathered) Generation() prediag.Generation { return prediag.Generation{} }

func (g *gathered) Apply(ctx context.Context, changes iter.Seq2[prediag.Change, error]) (prediag.Generation, error) {
	for c, err := range changes {
		if err != nil {
			return prediag.Generation{}, err
		}
		if c.Put != nil {
			g.articles = append(g.articles, *c.Put)
		}
	}
	return prediag.Generation{}, ctx.Err()
}

func (a *app) readArticles(ctx context.Context, c *judgedCollection) error {
	src, err := ingest.Open(c.corpus)
	if err != nil {
		return err
	}
	bar := a.newProgress("reading " + c.name)
	defer bar.end()
	var g gathered
	in := ingest.New(&g, ingest.Options{Force: true, Progress: func(p ingest.Progress) { bar.set(p.Done, p.Total) }})
	if _, err := in.Refresh(ctx, []ingest.Source{named{Source: src, name: "corpus"}}); err != nil {
		return err
	}
	c.articles = g.articles
	if !c.judges() {
		return prediag.Invalid("NO_JUDGEMENTS", "qrels", fmt.Sprintf(
			"collection %q: none of the relevant articles is among the %d of %q; take queries and articles of one collection", c.name, len(c.articles), c.corpus))
	}
	for _, article := range c.articles {
		if article.Product != "" {
			c.products[article.Product] = true
		}
	}
	return nil
}

// judges reports whether any of the articles is relevant to a query.
func (c *judgedCollection) judges() bool {
	known := map[string]bool{}
	for _, a := range c.articles {
		known[a.ID] = true
	}
	for _, q := range c.queries {
		for id, grade := range c.qrels[q.ID] {
			if grade > 0 && known[id] {
				return true
			}
		}
	}
	return false
}

// askAll indexes what is left of a collection and asks its queries, and those of the others that are foreign to it.
func (a *app) askAll(ctx context.Context, c *judgedCollection, all []*judgedCollection, f evalAnswerableFlags) (err error) {
	dir, err := os.MkdirTemp("", "prediag-eval-*")
	if err != nil {
		return fmt.Errorf("make a folder for the index: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	e, err := readEmbedding(f.embeddings)
	if err != nil {
		return err
	}
	k, err := kb.Open(dir, kb.Options{Keep: 1, Embedding: e})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	out := eval.HoldOut(c.articles, c.queries, c.qrels, f.seed)
	c.removed = removed{len(c.articles), out.Judged, out.Twins, entries(out)}
	if _, err := k.Apply(ctx, left(c.articles, out)); err != nil {
		return err
	}
	c.articles = nil // large
	bar := a.newProgress("asking " + c.name)
	defer bar.end()
	foreign := foreignTo(c, all, f.foreign)
	for i, q := range append(slices.Clone(c.queries), foreign...) {
		it := eval.AnswerableItem{ID: q.ID, Collection: c.name, Language: q.Language, Foreign: i >= len(c.queries)}
		if !it.Foreign {
			it.Answerable = out.Answerable(c.qrels[q.ID])
		}
		features, err := askOne(ctx, k, q.Text, &it, c.qrels[q.ID])
		if err != nil {
			return err
		}
		c.items = append(c.items, it)
		c.cases = append(c.cases, triage.AnswerCase{Key: uint64(i), Features: features, Right: it.Solved, Open: true})
		bar.set(i+1, len(c.queries)+len(foreign))
	}
	for i := range c.cases { // every collection counts the same
		c.cases[i].Weight = 500 / float64(max(len(c.cases), 200))
	}
	return nil
}

// left are the articles that stay, as changes.
func left(articles []prediag.Article, out eval.HeldOut) iter.Seq2[prediag.Change, error] {
	return func(yield func(prediag.Change, error) bool) {
		for i := range articles {
			if a := out.Left(&articles[i]); a != nil && !yield(prediag.Change{Put: a}, nil) {
				return
			}
		}
	}
}

// foreignTo draws queries of the collections that share no product with c.
func foreignTo(c *judgedCollection, all []*judgedCollection, most int) []eval.Query {
	var list []eval.Query
	for _, other := range all {
		shared := other == c || other.corpus == c.corpus
		for p := range other.products {
			shared = shared || c.products[p]
		}
		if !shared {
			list = append(list, evenly(other.queries, max(most, 1))...)
		}
	}
	return evenly(list, most)
}

// askOne searches for a query. A search that fails is told in the item, but for the end of the context.
func askOne(ctx context.Context, s prediag.Searcher, text string, it *eval.AnswerableItem, grades map[string]int) (triage.Features, error) {
	q := prediag.Query{Text: text, Limit: judgedHits}
	if runes := []rune(text); len(runes) > prediag.MaxQueryRunes {
		q.Text = string(runes[:prediag.MaxQueryRunes])
	}
	found, err := s.Search(ctx, q)
	if err != nil {
		it.Error = err.Error()
		return triage.Features{}, ctx.Err()
	}
	if len(found.Hits) > 0 {
		it.First = found.Hits[0].ArticleID
		it.Solved = !it.Foreign && grades[it.First] > 0
	}
	return searchFeatures(q, found), nil
}

// judge fills in the items' probabilities.
func (f evalAnswerableFlags) judge(all []*judgedCollection, report *answerableReport) ([]eval.AnswerableItem, error) {
	fixed := f.policy != "" || len(all) == 1
	policy, err := policyOf(f.policy)
	if err != nil {
		return nil, err
	}
	var items []eval.AnswerableItem
	var cases []triage.AnswerCase
	for _, c := range all {
		model := policy.SolvedModel
		if !fixed {
			var others []triage.AnswerCase
			for _, o := range all {
				if o != c {
					others = append(others, o.cases...)
				}
			}
			model, _ = triage.FitSolved(others, f.seed)
		}
		for i := range c.items {
			if c.items[i].First != "" {
				c.items[i].Probability = model.Probability(c.cases[i].Features)
			}
		}
		items, cases = append(items, c.items...), append(cases, c.cases...)
		report.Removed[c.name] = c.removed
	}
	if !fixed {
		model, _ := triage.FitSolved(cases, f.seed)
		report.Fitted = &model
	}
	return items, nil
}

func renderAnswerable(w io.Writer, r answerableReport) error {
	var p page
	t := newRows(&p)
	t.row("collection\tqueries\tunanswerable\tforeign\tAUROC\t\tsolved AUROC\t\tforeign AUROC\t\tsolved\tstated\tECE")
	for _, f := range append(slices.Clone(r.Collections), r.Pooled) {
		t.row("%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", f.Name, f.Queries, f.Unanswerable, f.Foreign, number(f.AUROC), between(f.AUROCLow, f.AUROCHigh),
			number(f.SolvedAUROC), between(f.SolvedAUROCLow, f.SolvedAUROCHigh), number(f.ForeignAUROC), between(f.ForeignAUROCLow, f.ForeignAUROCHigh),
			number(f.Solved), number(f.Stated), number(f.ECE))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if m := r.Fitted; m != nil {
		p.line("\nfitted on all: bias %.2f, coverage %.2f, margin %.2f, code %.2f, category %.2f, lead %.2f, rarity %.2f, early %.2f, missed %.2f, unknown %.2f, listing %.2f",
			m.Bias, m.Coverage, m.Margin, m.Code, m.Category, m.Lead, m.Rarity, m.Early, m.Missed, m.Unknown, m.Listing)
	}
	return p.to(w)
}
