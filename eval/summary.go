package eval

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// WriteMarkdown writes the figures for a pull request or a document: one row for each measure with its interval, and the
// parts by language.
func (r ClassifyReport) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d in-scope items, %d out of scope, %d failed; field %s, model %s.\n\n", r.N, r.NOOS, r.Failed, cell(r.Field), cell(r.Model))
	rows := []figureRow{
		{"accuracy", r.Accuracy, r.AccuracyLow, r.AccuracyHigh}, {"baseline accuracy", r.BaselineAccuracy, Undefined(), Undefined()},
		{"balanced accuracy", r.BalancedAccuracy, Undefined(), Undefined()}, {"macro F1", r.MacroF1, r.MacroF1Low, r.MacroF1High},
		{"MCC", r.MCC, Undefined(), Undefined()}, {"top-3 accuracy", r.Top3Accuracy, Undefined(), Undefined()},
		{"log loss", r.LogLoss, Undefined(), Undefined()}, {"Brier score", r.Brier, Undefined(), Undefined()},
		{"ECE, 15 bins", r.ECE, r.ECELow, r.ECEHigh}, {"ECE, equal mass", r.ECEEqualMass, Undefined(), Undefined()},
		{"AURC", r.AURC, r.AURCLow, r.AURCHigh}, {"coverage at 90 %", r.CoverageAt90, Undefined(), Undefined()},
		{"coverage at 95 %", r.CoverageAt95, r.CoverageAt95Low, r.CoverageAt95High}, {"coverage at 99 %", r.CoverageAt99, Undefined(), Undefined()},
	}
	if r.OOS != nil {
		rows = append(rows, figureRow{"out of scope: AUROC", r.OOS.AUROC, Undefined(), Undefined()},
			figureRow{"out of scope: recall", r.OOS.Recall, r.OOS.RecallLow, r.OOS.RecallHigh}, figureRow{"out of scope: F1", r.OOS.F1, Undefined(), Undefined()},
			figureRow{"in-scope accuracy, refused ones wrong", r.OOS.Accuracy, Undefined(), Undefined()})
	}
	writeFigures(&b, rows)
	if len(r.PerLanguage) > 1 {
		b.WriteString("\n| language | n | accuracy (95 %) | macro F1 | ECE |\n|---|--:|--:|--:|--:|\n")
		for _, language := range slices.Sorted(maps.Keys(r.PerLanguage)) {
			s := r.PerLanguage[language]
			fmt.Fprintf(&b, "| %s | %d | %s (%s to %s) | %s | %s |\n", cell(language), s.N, s.Accuracy, s.AccuracyLow, s.AccuracyHigh, s.MacroF1, s.ECE)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteMarkdown writes the figures as ClassifyReport's does.
func (r RetrieveReport) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d judged queries, %d failed, %d missing, %d cut.\n\n", r.Queries, r.Failed, r.Missing, r.Cut)
	writeFigures(&b, []figureRow{
		{"nDCG@10", r.NDCG10, r.NDCG10Low, r.NDCG10High}, {"MRR@10", r.MRR10, r.MRR10Low, r.MRR10High},
		{"recall@10", r.R10, r.R10Low, r.R10High}, {"recall@100", r.R100, r.R100Low, r.R100High}, {"MAP", r.MAP, r.MAPLow, r.MAPHigh},
		{"success@1", r.Success1, r.Success1Low, r.Success1High}, {"success@5", r.Success5, Undefined(), Undefined()},
		{"bpref", r.BPref, Undefined(), Undefined()},
	})
	if r.LatencyMS != nil {
		fmt.Fprintf(&b, "\nLatency: %.1f ms at the median, %.1f at 95 %%, %.1f at 99 %%.\n", float64(r.LatencyMS.P50), float64(r.LatencyMS.P95), float64(r.LatencyMS.P99))
	}
	if len(r.PerLanguage) > 1 {
		b.WriteString("\n| language | queries | nDCG@10 (95 %) | MRR@10 | recall@10 | recall@100 |\n|---|--:|--:|--:|--:|--:|\n")
		for _, language := range slices.Sorted(maps.Keys(r.PerLanguage)) {
			s := r.PerLanguage[language]
			fmt.Fprintf(&b, "| %s | %d | %s (%s to %s) | %s | %s | %s |\n", cell(language), s.Queries, s.NDCG10, s.NDCGLow, s.NDCGHigh, s.MRR10, s.R10, s.R100)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteMarkdown writes the figures as ClassifyReport's does, with the matrix of outcomes.
func (r TriageReport) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d tickets, %d failed; model %s, index %d, policy %s.\n\n", r.N, r.Failed, cell(r.Model), r.Index, cell(r.Policy))
	writeFigures(&b, []figureRow{
		{"automation rate", r.AutomationRate, r.AutomationRateLow, r.AutomationRateHigh},
		{"precision of what was answered", r.AnsweredPrecision, r.AnsweredPrecisionLow, r.AnsweredPrecisionHigh},
		{"category accuracy", r.CategoryAccuracy, r.CategoryAccuracyLow, r.CategoryAccuracyHigh},
		{"solving article first", r.ArticleAt1, r.ArticleAt1Low, r.ArticleAt1High}, {"solving article in the first three", r.ArticleAt3, Undefined(), Undefined()},
		{"grounded share of drafts", r.GroundedShare, Undefined(), Undefined()}, {"citation precision", r.CitationPrecision, Undefined(), Undefined()},
		{"cost for each ticket", r.Cost, r.CostLow, r.CostHigh}, {"cost when all are handed over", r.CostEscalated, Undefined(), Undefined()},
	})
	b.WriteString("\n| outcome | n | right | wrong | unknown |\n|---|--:|--:|--:|--:|\n")
	for _, outcome := range slices.Sorted(maps.Keys(r.Matrix)) {
		row := r.Matrix[outcome]
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |\n", cell(string(outcome)), row.N, row.Right, row.Wrong, row.Unknown)
	}
	if len(r.Reasons) > 0 {
		b.WriteString("\n| reason against an answer | tickets |\n|---|--:|\n")
		for _, reason := range slices.Sorted(maps.Keys(r.Reasons)) {
			fmt.Fprintf(&b, "| %s | %d |\n", cell(string(reason)), r.Reasons[reason])
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

type figureRow struct {
	name             string
	value, low, high Number
}

func writeFigures(b *strings.Builder, rows []figureRow) {
	b.WriteString("| measure | value | 95 % interval |\n|---|--:|--:|\n")
	for _, row := range rows {
		interval := ""
		if row.low.Defined() && row.high.Defined() {
			interval = row.low.String() + " to " + row.high.String()
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", row.name, row.value, interval)
	}
}
