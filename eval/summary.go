package eval

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// FigureRow is one measure with its 95 % interval. Note says why there is none where that is so.
type FigureRow struct {
	Name             string
	Value, Low, High Number
	Note             string
}

// Interval writes the interval, or why there is none.
func (f FigureRow) Interval() string { return intervalText(f.Low, f.High, f.Note) }

func intervalText(low, high Number, note string) string {
	switch {
	case low.Defined() && high.Defined():
		return low.String() + " to " + high.String()
	case low.Defined():
		return "at least " + low.String()
	case note != "":
		return note
	}
	return "n/a"
}

// Rows lists the figures that documents show, each with its interval.
func (r ClassifyReport) Rows() []FigureRow {
	rows := []FigureRow{
		{"accuracy", r.Accuracy, r.AccuracyLow, r.AccuracyHigh, ""}, {"baseline accuracy", r.BaselineAccuracy, r.BaselineAccuracyLow, r.BaselineAccuracyHigh, ""},
		{"balanced accuracy", r.BalancedAccuracy, r.BalancedAccuracyLow, r.BalancedAccuracyHigh, ""}, {"macro F1", r.MacroF1, r.MacroF1Low, r.MacroF1High, ""},
		{"weighted F1", r.WeightedF1, r.WeightedF1Low, r.WeightedF1High, ""}, {"MCC", r.MCC, r.MCCLow, r.MCCHigh, ""},
		{"top-3 accuracy", r.Top3Accuracy, r.Top3AccuracyLow, r.Top3AccuracyHigh, ""}, {"log loss", r.LogLoss, r.LogLossLow, r.LogLossHigh, ""},
		{"Brier score", r.Brier, r.BrierLow, r.BrierHigh, ""}, {"ECE, 15 bins", r.ECE, r.ECELow, r.ECEHigh, ""},
		{"ECE, equal mass", r.ECEEqualMass, r.ECEEqualMassLow, r.ECEEqualMassHigh, ""}, {"MCE", r.MCE, r.MCELow, r.MCEHigh, ""},
		{"AURC", r.AURC, r.AURCLow, r.AURCHigh, ""}, {"AUGRC", r.AUGRC, r.AUGRCLow, r.AUGRCHigh, ""},
		{"coverage at 90 %", r.CoverageAt90, r.CoverageAt90Low, r.CoverageAt90High, ""},
		{"coverage at 95 %", r.CoverageAt95, r.CoverageAt95Low, r.CoverageAt95High, ""}, {"coverage at 99 %", r.CoverageAt99, r.CoverageAt99Low, r.CoverageAt99High, ""},
	}
	if o := r.OOS; o != nil {
		rows = append(rows, FigureRow{"out of scope: AUROC", o.AUROC, o.AUROCLow, o.AUROCHigh, ""},
			FigureRow{"out of scope: recall", o.Recall, o.RecallLow, o.RecallHigh, ""}, FigureRow{"out of scope: precision", o.Precision, o.PrecisionLow, o.PrecisionHigh, ""},
			FigureRow{"out of scope: F1", o.F1, o.F1Low, o.F1High, ""}, FigureRow{"in-scope accuracy, refused ones wrong", o.Accuracy, o.AccuracyLow, o.AccuracyHigh, ""})
	}
	return rows
}

// WriteMarkdown writes the figures for a pull request or a document: one row for each measure with its interval, and the
// parts of the data.
func (r ClassifyReport) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d in-scope items, %d out of scope, %d failed, %d without label; field %s, model %s.\n\n", r.N, r.NOOS, r.Failed, r.Unlabelled, cell(r.Field), cell(r.Model))
	firstFailure(&b, r.FirstError)
	writeFigures(&b, r.Rows())
	writeParts(&b, []string{"accuracy", "macro F1", "ECE", "coverage at 95 %"}, r.PerLanguage, r.PerSlice, func(s SliceReport) (int, []string) {
		return s.N, []string{ranged(s.Accuracy, s.AccuracyLow, s.AccuracyHigh), ranged(s.MacroF1, s.MacroF1Low, s.MacroF1High),
			ranged(s.ECE, s.ECELow, s.ECEHigh), ranged(s.CoverageAt95, s.CoverageAt95Low, s.CoverageAt95High)}
	})
	_, err := io.WriteString(w, b.String())
	return err
}

// Rows lists the figures as ClassifyReport's does.
func (r RetrieveReport) Rows() []FigureRow {
	rows := []FigureRow{
		{"nDCG@10", r.NDCG10, r.NDCG10Low, r.NDCG10High, ""}, {"MRR@10", r.MRR10, r.MRR10Low, r.MRR10High, ""},
		{"recall@10", r.R10, r.R10Low, r.R10High, ""}, {"recall@100", r.R100, r.R100Low, r.R100High, ""}, {"MAP", r.MAP, r.MAPLow, r.MAPHigh, ""},
		{"P@1", r.P1, r.P1Low, r.P1High, ""}, {"P@10", r.P10, r.P10Low, r.P10High, ""},
		{"success@1", r.Success1, r.Success1Low, r.Success1High, ""}, {"success@5", r.Success5, r.Success5Low, r.Success5High, ""},
		{"success@10", r.Success10, r.Success10Low, r.Success10High, ""}, {"bpref", r.BPref, r.BPrefLow, r.BPrefHigh, ""},
	}
	return append(rows, r.LatencyMS.rows()...)
}

// WriteMarkdown writes the figures as ClassifyReport's does.
func (r RetrieveReport) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d judged queries, %d failed, %d missing, %d cut.\n\n", r.Queries, r.Failed, r.Missing, r.Cut)
	firstFailure(&b, r.FirstError)
	writeFigures(&b, r.Rows())
	writeParts(&b, []string{"nDCG@10", "MRR@10", "recall@10", "recall@100"}, r.PerLanguage, r.PerSlice, func(s RetrieveSlice) (int, []string) {
		return s.Queries, []string{ranged(s.NDCG10, s.NDCG10Low, s.NDCG10High), ranged(s.MRR10, s.MRR10Low, s.MRR10High),
			ranged(s.R10, s.R10Low, s.R10High), ranged(s.R100, s.R100Low, s.R100High)}
	})
	_, err := io.WriteString(w, b.String())
	return err
}

func (l *Percentiles) rows() []FigureRow {
	if l == nil {
		return nil
	}
	return []FigureRow{
		{"latency, median, ms", l.P50, l.P50Low, l.P50High, ""}, {"latency, 95 %, ms", l.P95, l.P95Low, l.P95High, "too few items"},
		{"latency, 99 %, ms", l.P99, l.P99Low, l.P99High, "too few items"}, {"latency, mean, ms", l.Mean, l.MeanLow, l.MeanHigh, ""},
	}
}

// Rows lists the figures as ClassifyReport's does.
func (r TriageReport) Rows() []FigureRow {
	rows := []FigureRow{
		{"automation rate", r.AutomationRate, r.AutomationRateLow, r.AutomationRateHigh, ""},
		{"precision of what was answered", r.AnsweredPrecision, r.AnsweredPrecisionLow, r.AnsweredPrecisionHigh, ""},
		{"category accuracy", r.CategoryAccuracy, r.CategoryAccuracyLow, r.CategoryAccuracyHigh, ""},
		{"solving article first", r.ArticleAt1, r.ArticleAt1Low, r.ArticleAt1High, ""}, {"solving article in the first three", r.ArticleAt3, r.ArticleAt3Low, r.ArticleAt3High, ""},
		{"grounded share of drafts", r.GroundedShare, r.GroundedShareLow, r.GroundedShareHigh, ""},
		{"citation precision", r.CitationPrecision, r.CitationPrecisionLow, r.CitationPrecisionHigh, ""},
		{"cost for each ticket", r.Cost, r.CostLow, r.CostHigh, ""}, {"cost when all are handed over", r.CostEscalated, Undefined(), Undefined(), "set, not measured"},
	}
	rows = append(rows, r.LLM.rows()...)
	return append(rows, r.LatencyMS.rows()...)
}

// WriteMarkdown writes the figures as ClassifyReport's does, with the matrix of outcomes.
func (r TriageReport) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d tickets, %d failed; model %s, index %d, policy %s.\n\n", r.N, r.Failed, cell(r.Model), r.Index, cell(r.Policy))
	firstFailure(&b, r.FirstError)
	writeFigures(&b, r.Rows())
	fmt.Fprintf(&b, "\nLanguage model: %s.\n", cell(r.LLM.Why))
	b.WriteString("\n| outcome | n | share (95 %) | right | wrong | unknown |\n|---|--:|--:|--:|--:|--:|\n")
	for _, outcome := range slices.Sorted(maps.Keys(r.Matrix)) {
		row := r.Matrix[outcome]
		fmt.Fprintf(&b, "| %s | %d | %s | %d | %d | %d |\n", cell(string(outcome)), row.N, ranged(proportion(row.N, r.N)), row.Right, row.Wrong, row.Unknown)
	}
	if len(r.Reasons) > 0 {
		b.WriteString("\n| reason against an answer | tickets | share (95 %) |\n|---|--:|--:|\n")
		for _, reason := range slices.Sorted(maps.Keys(r.Reasons)) {
			fmt.Fprintf(&b, "| %s | %d | %s |\n", cell(string(reason)), r.Reasons[reason], ranged(proportion(r.Reasons[reason], r.N)))
		}
	}
	writeParts(&b, []string{"automation rate", "of these right", "category accuracy", "article first", "cost"}, r.PerLanguage, r.PerSlice, func(s TriageSlice) (int, []string) {
		return s.N, []string{ranged(s.AutomationRate, s.AutomationRateLow, s.AutomationRateHigh), ranged(s.AnsweredPrecision, s.AnsweredPrecisionLow, s.AnsweredPrecisionHigh),
			ranged(s.CategoryAccuracy, s.CategoryAccuracyLow, s.CategoryAccuracyHigh), ranged(s.ArticleAt1, s.ArticleAt1Low, s.ArticleAt1High), ranged(s.Cost, s.CostLow, s.CostHigh)}
	})
	_, err := io.WriteString(w, b.String())
	return err
}

func firstFailure(b *strings.Builder, text string) {
	if text != "" {
		fmt.Fprintf(b, "First failure: %s\n\n", cell(shorten(text, shownTextSize)))
	}
}

func writeFigures(b *strings.Builder, rows []FigureRow) {
	b.WriteString("| measure | value | 95 % interval |\n|---|--:|--:|\n")
	for _, row := range rows {
		fmt.Fprintf(b, "| %s | %s | %s |\n", cell(row.Name), row.Value, row.Interval())
	}
}

// shownParts is the number of values of one property that a document for people shows, the most frequent ones; the JSON
// has all.
const shownParts = 12

// part is one value of one property of the data, with its figures as texts.
type part struct {
	name, value string
	n           int
	figures     []string
}

// partsOf lists the parts by name and value, of each property the most frequent ones up to the limit, and counts the
// others. A property with one value for all says nothing new and is left out.
func partsOf[S any](perLanguage map[string]S, perSlice map[string]map[string]S, limit int, row func(S) (int, []string)) (shown []part, more int) {
	groups := map[string]map[string]S{"language": perLanguage}
	maps.Copy(groups, perSlice)
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		if len(groups[name]) < 2 {
			continue
		}
		var parts []part
		for value, s := range groups[name] {
			n, figures := row(s)
			parts = append(parts, part{name, value, n, figures})
		}
		slices.SortFunc(parts, func(a, b part) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.value, b.value)) })
		kept := parts[:min(limit, len(parts))]
		slices.SortFunc(kept, func(a, b part) int {
			return cmp.Or(cmp.Compare(bandOrder(a.value), bandOrder(b.value)), cmp.Compare(a.value, b.value))
		})
		shown, more = append(shown, kept...), more+len(parts)-len(kept)
	}
	return shown, more
}

func writeParts[S any](b *strings.Builder, names []string, perLanguage map[string]S, perSlice map[string]map[string]S, row func(S) (int, []string)) {
	parts, more := partsOf(perLanguage, perSlice, shownParts, row)
	if len(parts) == 0 {
		return
	}
	fmt.Fprintf(b, "\n| part | n | %s |\n|---|--:|%s\n", strings.Join(names, " | "), strings.Repeat("--:|", len(names)))
	for _, p := range parts {
		fmt.Fprintf(b, "| %s=%s | %d | %s |\n", cell(p.name), cell(p.value), p.n, strings.Join(p.figures, " | "))
	}
	if more > 0 {
		fmt.Fprintf(b, "\n… and %d smaller parts in the JSON report.\n", more)
	}
}
