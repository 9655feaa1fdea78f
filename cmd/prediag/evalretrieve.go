package main

import (
	"bytes"
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
	"prediag/kb"
)

// evalRetrieveFlags are the settings of eval retrieve.
type evalRetrieveFlags struct {
	corpus, queries, qrels, run, index, items string
	embeddings                                string
	within                                    []string
	seed                                      uint64
	asJSON                                    *bool
	out                                       evalOutputs
	cache                                     cacheFlags
}

func (a *app) evalRetrieve() *cobra.Command {
	var f evalRetrieveFlags
	c := &cobra.Command{
		Use:   "retrieve --corpus FILE --queries FILE --qrels FILE",
		Short: "Measure the search on a judged collection",
		Long: `retrieve indexes a corpus, searches it for every judged query, and measures the ranking as trec_eval does: equal scores
are ordered by document, and a judged query for which nothing was found counts as zero.

Corpus: JSON Lines with id, title, body (and lang, product, ...), or a folder of articles. Queries: JSON Lines with id and
text, or "id<TAB>text"; lang, category, tier, product, source and created tell the parts of the data apart, and so do the
articles that are judged best. Qrels and run: the TREC formats.`,
		Example: `  prediag eval retrieve --corpus corpus.jsonl.gz --queries queries.jsonl --qrels qrels.txt --json
  prediag eval retrieve --corpus corpus.jsonl.gz --queries q.tsv --qrels qrels.txt --save --html search.html
  prediag eval retrieve --corpus docs/ --queries q.tsv --qrels qrels.txt --run prediag.run --index /tmp/idx`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.measureSearch(cmd.Context(), f) },
	}
	c.Flags().StringVar(&f.corpus, "corpus", "", "articles (required)")
	c.Flags().StringVar(&f.queries, "queries", "", "queries (required)")
	c.Flags().StringVar(&f.qrels, "qrels", "", "relevance judgements (required)")
	c.Flags().StringVar(&f.run, "run", "", "write the ranking to this file, in TREC format")
	c.Flags().StringSliceVar(&f.within, "lang", nil, "search only articles in these languages (default: all)")
	c.Flags().StringVar(&f.index, "index", "", "folder to keep the index in for the next time (default: a temporary one)")
	c.Flags().StringVar(&f.items, "items", "", "write one JSON line per query to this file")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed of the bootstrap intervals")
	embeddingsFlag(c, &f.embeddings)
	f.out.flags(c)
	f.cache.flags(c)
	f.asJSON = jsonFlag(c)
	return c
}

// retrieveReport is what eval retrieve prints as JSON.
type retrieveReport struct {
	eval.RetrieveReport
	Corpus       ingest.SourceReport `json:"corpus"`
	IndexSeconds float64             `json:"index_seconds"`
}

// searched is one measured search: the report, its items, the ranking, and the hash of the index.
type searched struct {
	report retrieveReport
	items  []eval.RetrieveItem
	run    eval.Run
	index  string
}

func (a *app) measureSearch(ctx context.Context, f evalRetrieveFlags) error {
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
	found, err := a.searchAll(ctx, f, queries, qrels)
	if err != nil {
		return err
	}
	if f.run != "" {
		if err := writeTo(f.run, func(w io.Writer) error { return eval.WriteRun(w, found.run, "prediag") }); err != nil {
			return err
		}
	}
	if err := a.deliverSearch(f, queries, found); err != nil {
		return err
	}
	if *f.asJSON {
		return a.printJSON(found.report)
	}
	return renderRetrieve(a.out, found.report)
}

func (a *app) deliverSearch(f evalRetrieveFlags, queries []eval.Query, found searched) error {
	data, err := hashOf(map[string]string{"corpus": f.corpus, "queries": f.queries, "qrels": f.qrels}, nil)
	if err != nil {
		return err
	}
	var ranking bytes.Buffer
	if err := eval.WriteRun(&ranking, found.run, "prediag"); err != nil {
		return err
	}
	texts := make(map[string]string, len(queries))
	for _, q := range queries {
		texts[q.ID] = q.Text
	}
	run := measured{
		record: eval.RunRecord{Kind: "retrieve", Headline: "ndcg@10", Index: found.index, Data: data, Seed: f.seed},
		report: found.report, files: map[string][]byte{eval.RankingFile: ranking.Bytes()}, markdown: found.report.WriteMarkdown,
		html: func(w io.Writer, opt eval.HTMLOptions) error {
			opt.Text = func(id string) string { return texts[id] }
			return eval.WriteRetrieveHTML(w, found.report.RetrieveReport, found.items, opt)
		},
	}
	if run.items, err = eval.WriteItems(found.items); err != nil {
		return err
	}
	return a.deliver(f.out, f.items, run)
}

// searchAll indexes the corpus and searches for every judged query.
func (a *app) searchAll(ctx context.Context, f evalRetrieveFlags, queries []eval.Query, qrels eval.Qrels) (found searched, err error) {
	dir := f.index
	if dir == "" {
		if dir, err = os.MkdirTemp("", "prediag-eval-*"); err != nil {
			return found, fmt.Errorf("make a folder for the index: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	e, err := readEmbedding(f.embeddings)
	if err != nil {
		return found, err
	}
	k, err := kb.Open(dir, kb.Options{Keep: 1, Embedding: e})
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	corpus, took, err := a.index(ctx, k, f.corpus)
	if err != nil {
		return found, err
	}
	if found.index, err = indexName(f, k); err != nil {
		return found, err
	}
	if e.Embedder != nil {
		found.index += " with " + e.Name()
	}
	cache, err := a.openCache(f.cache, "retrieve", found.index)
	if err != nil {
		return found, err
	}
	defer a.closeCache(ctx, cache)
	if len(f.within) > 0 {
		found.index += " among " + strings.Join(f.within, ", ")
	}
	article := func(id string) (prediag.Article, bool) {
		found, err := k.Article(ctx, id, nil)
		return found, err == nil
	}
	bar := a.newProgress("searching")
	defer bar.end()
	report, run, err := eval.Retrieve(ctx, k, queries, qrels, eval.RetrieveOptions{Query: prediag.Query{Languages: f.within}, Seed: f.seed, Now: time.Now, Progress: bar.set, Cache: cache, Article: article,
		Item: func(it eval.RetrieveItem) { found.items = append(found.items, it) }})
	found.run, found.report = run, retrieveReport{RetrieveReport: report, Corpus: corpus, IndexSeconds: took.Seconds()}
	return found, err
}

// indexName names the content of the index: of a kept one by its manifest, of one that was made for this call by its corpus.
func indexName(f evalRetrieveFlags, k *kb.KB) (string, error) {
	if f.index != "" {
		return k.Generation().Hash, nil
	}
	hashes, err := hashOf(map[string]string{"corpus": f.corpus}, nil)
	if err != nil {
		return "", err
	}
	return "corpus " + hashes["corpus/"+filepath.Base(f.corpus)], nil
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
