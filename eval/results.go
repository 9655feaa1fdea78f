package eval

import (
	"fmt"
	"io"
	"strings"
)

// Results are the measurements of a suite, in its order.
type Results struct {
	Origin   [][2]string      `json:"origin"` // facts about the measurement: commit, Go, machine
	Classify []ClassifyResult `json:"classify"`
	Retrieve []RetrieveResult `json:"retrieve"`
	Line     []LineResult     `json:"line"`
	Skipped  []string         `json:"skipped"`
}

// ClassifyResult is one set's measurement.
type ClassifyResult struct {
	Name         string         `json:"name"`
	Learned      int            `json:"learned"` // examples
	Report       ClassifyReport `json:"report"`
	Chosen       bool           `json:"chosen"`           // the out-of-scope threshold was chosen on validation data
	Others       []OtherOOS     `json:"others,omitempty"` // what else the threshold might have been
	TrainSeconds float64        `json:"train_seconds"`
	Seconds      float64        `json:"seconds"` // to classify the test set
}

// OtherOOS says how out-of-scope tickets are told under another threshold than that of the report.
type OtherOOS struct {
	How    string    `json:"how"` // the threshold came about
	Report OOSReport `json:"report"`
}

// RetrieveResult is one collection's measurement.
type RetrieveResult struct {
	Name         string         `json:"name"`
	Articles     int            `json:"articles"`
	Report       RetrieveReport `json:"report"`
	IndexSeconds float64        `json:"index_seconds"`
}

// LineResult is one measurement of the whole line.
type LineResult struct {
	Name   string       `json:"name"`
	Report TriageReport `json:"report"`
}

// WriteMarkdown writes the results as a document. All that differs from run to run, the times, stands in the last
// section; the rest is the same to the byte for the same code and data.
func (r Results) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Results\n\nWritten by `make eval`; do not edit. Brackets are 95 % intervals: Wilson's for shares, DeLong's for AUROC, order statistics for percentiles, percentile bootstrap for the others. " +
		"What each figure means and where its definition comes from stands in docs/evaluation.md; the sets, their licences and sources: `prediag eval data`.\n\n" +
		"One set of parameters serves all sets; nothing is chosen by a set's name.\n")
	r.classifyTables(&b)
	r.retrieveTables(&b)
	for _, l := range r.Line {
		fmt.Fprintf(&b, "\n## The whole line: %s\n\n", l.Name)
		report := l.Report
		report.LatencyMS = nil
		if err := report.WriteMarkdown(&b); err != nil {
			return err
		}
	}
	if len(r.Skipped) > 0 {
		b.WriteString("\n## Not measured\n\n")
		for _, s := range r.Skipped {
			fmt.Fprintf(&b, "- %s\n", s)
		}
	}
	r.times(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r Results) classifyTables(b *strings.Builder) {
	if len(r.Classify) == 0 {
		return
	}
	b.WriteString("\n## Classification\n\nTrained on the set's training part, measured on its test part, in-scope tickets. The baseline always says the most frequent label.\n\n" +
		"| set | learned | measured | accuracy | macro F1 | ECE | AURC | coverage at 95 % | baseline |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, c := range r.Classify {
		p := c.Report
		fmt.Fprintf(b, "| %s | %d | %d | %s | %s | %s | %s | %s | %s |\n", cell(c.Name), c.Learned, p.N, ranged(p.Accuracy, p.AccuracyLow, p.AccuracyHigh),
			ranged(p.MacroF1, p.MacroF1Low, p.MacroF1High), ranged(p.ECE, p.ECELow, p.ECEHigh), ranged(p.AURC, p.AURCLow, p.AURCHigh),
			ranged(p.CoverageAt95, p.CoverageAt95Low, p.CoverageAt95High), ranged(p.BaselineAccuracy, p.BaselineAccuracyLow, p.BaselineAccuracyHigh))
	}
	b.WriteString("\n### Out of scope\n\nA ticket is refused under the threshold on the in-scope probability. Where the set has validation data with out-of-scope tickets, there are three: " +
		"that of Larson et al. 2019, which makes most decisions on these data right, whatever share of them is out of scope; the likely one, fitted to all of them for a stream of which a tenth is; and 0.5, which the model's own " +
		"probability stands for, and which alone serves elsewhere. Accuracy counts a refused in-scope ticket as wrong.\n\n| set | out of scope | AUROC | threshold | recall | precision | F1 | in-scope accuracy |\n|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, c := range r.Classify {
		if c.Report.OOS == nil {
			continue
		}
		how := ""
		if c.Chosen {
			how = " (Larson)"
		}
		c.Report.OOS.row(b, c.Name, how)
		for _, o := range c.Others {
			o.Report.row(b, c.Name, " ("+o.How+")")
		}
	}
}

func (o *OOSReport) row(b *strings.Builder, set, how string) {
	fmt.Fprintf(b, "| %s | %d | %s | %s%s | %s | %s | %s | %s |\n", cell(set), o.N, ranged(o.AUROC, o.AUROCLow, o.AUROCHigh), o.Threshold, how,
		ranged(o.Recall, o.RecallLow, o.RecallHigh), ranged(o.Precision, o.PrecisionLow, o.PrecisionHigh), ranged(o.F1, o.F1Low, o.F1High),
		ranged(o.Accuracy, o.AccuracyLow, o.AccuracyHigh))
}

func (r Results) retrieveTables(b *strings.Builder) {
	if len(r.Retrieve) == 0 {
		return
	}
	b.WriteString("\n## Search\n\nAs trec_eval -c counts: a judged query for which nothing was found counts as zero.\n\n" +
		"| collection | articles | queries | nDCG@10 | MRR@10 | success@1 | recall@10 | recall@100 |\n|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, c := range r.Retrieve {
		p := c.Report
		fmt.Fprintf(b, "| %s | %d | %d | %s | %s | %s | %s | %s |\n", cell(c.Name), c.Articles, p.Queries, ranged(p.NDCG10, p.NDCG10Low, p.NDCG10High),
			ranged(p.MRR10, p.MRR10Low, p.MRR10High), ranged(p.Success1, p.Success1Low, p.Success1High), ranged(p.R10, p.R10Low, p.R10High), ranged(p.R100, p.R100Low, p.R100High))
	}
}

func (r Results) times(b *strings.Builder) {
	b.WriteString("\n## Times, and where the figures come from\n\n")
	for _, o := range r.Origin {
		fmt.Fprintf(b, "- %s: %s\n", o[0], cell(o[1]))
	}
	if len(r.Classify) > 0 {
		b.WriteString("\n| set | training, s | a ticket, ms |\n|---|--:|--:|\n")
		for _, c := range r.Classify {
			n := max(c.Report.N+c.Report.NOOS+c.Report.Failed, 1)
			fmt.Fprintf(b, "| %s | %.1f | %.2f |\n", cell(c.Name), c.TrainSeconds, 1000*c.Seconds/float64(n))
		}
	}
	if len(r.Retrieve) > 0 {
		b.WriteString("\n| collection | indexing, s | p50, ms | p95, ms | p99, ms |\n|---|--:|--:|--:|--:|\n")
		for _, c := range r.Retrieve {
			if l := c.Report.LatencyMS; l != nil {
				fmt.Fprintf(b, "| %s | %.1f | %s | %s | %s |\n", cell(c.Name), c.IndexSeconds,
					rangedMS(l.P50, l.P50Low, l.P50High), rangedMS(l.P95, l.P95Low, l.P95High), rangedMS(l.P99, l.P99Low, l.P99High))
			}
		}
	}
	for _, l := range r.Line {
		if p := l.Report.LatencyMS; p != nil {
			fmt.Fprintf(b, "\nThe whole line, %s: %s ms at the median, %s at 95 %%, %s at 99 %%.\n", l.Name,
				rangedMS(p.P50, p.P50Low, p.P50High), rangedMS(p.P95, p.P95Low, p.P95High), rangedMS(p.P99, p.P99Low, p.P99High))
		}
	}
}

// ranged is a figure with its interval.
func ranged(value, low, high Number) string {
	if !value.Defined() {
		return value.String()
	}
	if !low.Defined() && !high.Defined() {
		return value.String() + " [n/a]"
	}
	return fmt.Sprintf("%s [%s, %s]", value, low, high)
}

// rangedMS is a latency with its interval; of few items the upper end is open.
func rangedMS(value, low, high Number) string {
	if !low.Defined() {
		return fmt.Sprintf("%.1f [n/a]", float64(value))
	}
	if !high.Defined() {
		return fmt.Sprintf("%.1f [%.1f, …]", float64(value), float64(low))
	}
	return fmt.Sprintf("%.1f [%.1f, %.1f]", float64(value), float64(low), float64(high))
}
