package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"prediag/eval"
)

// rows are lines of aligned columns.
type rows struct{ *tabwriter.Writer }

func newRows(p *page) rows { return rows{tabwriter.NewWriter(p, 0, 0, 2, ' ', 0)} }

func (r rows) row(format string, args ...any) { fmt.Fprintf(r, format+"\n", args...) }

func number(n eval.Number) string {
	if n != n { // not defined, e.g. for lack of items
		return "n/a"
	}
	return fmt.Sprintf("%.4f", float64(n))
}

func between(low, high eval.Number) string { return "[" + number(low) + ", " + number(high) + "]" }

func renderClassify(w io.Writer, r eval.ClassifyReport) error {
	var p page
	p.line("%s on %d tickets (%d out of scope, %d failed, %d without label), model %s", r.Field, r.N, r.NOOS, r.Failed, r.Unlabelled, r.Model)
	t := newRows(&p)
	t.row("accuracy\t%s\t%s", number(r.Accuracy), between(r.AccuracyLow, r.AccuracyHigh))
	t.row("baseline accuracy\t%s\t", number(r.BaselineAccuracy))
	t.row("macro-F1\t%s\t", number(r.MacroF1))
	t.row("ECE (15 bins)\t%s\t", number(r.ECE))
	t.row("AURC\t%s\t", number(r.AURC))
	t.row("coverage at 90 / 95 / 99 %% precision\t%s / %s / %s\t", number(r.CoverageAt90), number(r.CoverageAt95), number(r.CoverageAt99))
	t.row("log loss\t%s\t", number(r.LogLoss))
	t.row("Brier\t%s\t", number(r.Brier))
	_ = t.Flush() // writes to memory
	if r.OOS != nil {
		p.line("out of scope: AUROC %s, recall %s, F1 %s", number(r.OOS.AUROC), number(r.OOS.Recall), number(r.OOS.F1))
	}
	if r.FirstError != "" {
		p.line("first failure: %s", r.FirstError)
	}
	return p.to(w)
}

func renderRetrieve(w io.Writer, r retrieveReport) error {
	var p page
	p.line("%d articles (indexed in %.1f s), %d queries (%d failed, %d cut, %d without judgement)", r.Corpus.Articles, r.IndexSeconds, r.Queries, r.Failed, r.Cut, r.Unjudged)
	renderSkipped(&p, r.Corpus.Skipped)
	t := newRows(&p)
	t.row("nDCG@10\t%s\t%s", number(r.NDCG10), between(r.NDCG10Low, r.NDCG10High))
	t.row("MRR@10\t%s\t%s", number(r.MRR10), between(r.MRR10Low, r.MRR10High))
	t.row("recall@10\t%s\t%s", number(r.R10), between(r.R10Low, r.R10High))
	t.row("recall@100\t%s\t%s", number(r.R100), between(r.R100Low, r.R100High))
	t.row("success@1\t%s\t%s", number(r.Success1), between(r.Success1Low, r.Success1High))
	t.row("MAP\t%s\t%s", number(r.MAP), between(r.MAPLow, r.MAPHigh))
	_ = t.Flush() // writes to memory
	if len(r.PerLanguage) > 1 {
		t := newRows(&p)
		for _, l := range slices.Sorted(maps.Keys(r.PerLanguage)) {
			t.row("  %s\t%d queries\tnDCG@10 %s", l, r.PerLanguage[l].Queries, number(r.PerLanguage[l].NDCG10))
		}
		_ = t.Flush() // writes to memory
	}
	if r.LatencyMS != nil {
		p.line("latency p50 %.1f ms, p95 %.1f ms, p99 %.1f ms", r.LatencyMS.P50, r.LatencyMS.P95, r.LatencyMS.P99)
	}
	if r.FirstError != "" {
		p.line("first failure: %s", r.FirstError)
	}
	return p.to(w)
}

// renderRuns lists runs, a line each.
func renderRuns(w io.Writer, runs []eval.RunSummary) error {
	var p page
	if len(runs) == 0 {
		p.line("no runs yet: measure with --save")
		return p.to(w)
	}
	t := newRows(&p)
	for _, r := range runs {
		commit := r.Commit[:min(10, len(r.Commit))]
		if r.Dirty {
			commit += "+"
		}
		interval := ""
		if r.Low.Defined() && r.High.Defined() {
			interval = between(r.Low, r.High)
		}
		t.row("%s\t%s\t%s %s\t%s\t%s", r.ID, r.Name, r.Headline, number(r.Value), interval, commit)
	}
	_ = t.Flush() // writes to memory
	return p.to(w)
}

// renderMarkdown shows a document on a terminal: tables aligned, headings and escapes taken away.
func renderMarkdown(w io.Writer, write func(io.Writer) error) error {
	var raw, p page
	if err := write(&raw); err != nil {
		return err
	}
	plain := strings.NewReplacer(`\|`, "|", `\[`, "[", `\*`, "*", `\_`, "_", "&lt;", "<", "&gt;", ">")
	t := newRows(&p)
	for line := range strings.Lines(raw.String()) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "|") {
			_ = t.Flush() // writes to memory
			p.line("%s", plain.Replace(strings.TrimLeft(line, "# ")))
			continue
		}
		if strings.HasPrefix(line, "|--") {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "| "), " |"), " | ")
		for i := range cells {
			cells[i] = plain.Replace(strings.TrimSpace(cells[i]))
		}
		t.row("  %s", strings.Join(cells, "\t"))
	}
	_ = t.Flush() // writes to memory
	return p.to(w)
}

// renderSets lists the public sets, a line each.
func renderSets(w io.Writer, sets []eval.SetState) error {
	var p page
	t := newRows(&p)
	for _, s := range sets {
		t.row("%s\t%s\t%s\t%s %s", s.Path, s.Name, s.Licence, s.State, strings.Join(s.Differs, " "))
	}
	_ = t.Flush() // writes to memory
	return p.to(w)
}
