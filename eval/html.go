package eval

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"prediag"
)

//go:embed report.html.tmpl
var reportTemplate string

//go:embed style.html.tmpl
var styleTemplate string

// HTMLOptions says what a report shows beside the figures.
type HTMLOptions struct {
	Title      string                 // empty: "Classification report"
	Provenance [][2]string            // name and value of what the figures depend on: commit, data hash, seed …
	Policy     float64                // the policy's threshold on the confidence, marked in plots and table; 0: none
	Text       func(id string) string // the ticket's text for the list of errors; nil: not shown
	Evidence   func(id string) string // what spoke for the predicted label, for the list of errors; nil: not shown
}

// Limits of a report, so that it stays below 2 MB whatever the data.
const (
	shownClasses  = 400
	shownSlices   = 25 // of one property
	shownErrors   = 40
	shownPairs    = 20
	shownTextSize = 400 // characters
	shownNameSize = 120 // characters of a label, an ID …
)

// page is what the template shows.
type page struct {
	HTMLOptions
	Report      ClassifyReport
	Cards       []card
	Reliability template.HTML
	Risk        template.HTML
	Matrix      template.HTML
	Condensed   bool
	Thresholds  []ThresholdRow
	Pairs       []confusedPair
	Classes     []LabelScore
	MoreClasses int
	Figures     []FigureRow
	Parts       []namedSlice
	MoreParts   int
	Errors      []shownError
}

type card struct{ Name, Value, Range, Note string }

type confusedPair struct {
	Truth, Label string
	Count        int
	Share        Number // of the truth's items
	Low, High    Number
}

type namedSlice struct {
	Name, Value string
	SliceReport
}

type shownError struct {
	ClassifyItem
	Text, Evidence string
}

// WriteHTML writes the report as one page that needs nothing else: no script, no font, no network. It follows the
// reader's light or dark theme and prints. The items are those that Classify gave for the report.
func WriteHTML(w io.Writer, r ClassifyReport, items []ClassifyItem, opt HTMLOptions) error {
	opt.Title = cmp.Or(opt.Title, "Classification report")
	return execute(w, reportTemplate, newPage(r, inScope(items), opt))
}

// execute fills a template that may use the common style.
func execute(w io.Writer, text string, data any) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"percent": percentOf, "bar": barWidth,
		"span": percentRange, "between": func(low, high Number) string { return intervalText(low, high, "") },
		"short": func(s string) string { return shorten(s, shownNameSize) },
	}).Parse(text + styleTemplate)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := t.Execute(w, data); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// barWidth is the length of a bar; 0 where there is no value.
func barWidth(n Number) string {
	if !n.Defined() {
		return "0%"
	}
	return fmt.Sprintf("%.1f%%", 100*min(max(float64(n), 0), 1))
}

// inScope keeps the items that the report's figures are over.
func inScope(items []ClassifyItem) []ClassifyItem {
	return slices.DeleteFunc(slices.Clone(items), func(it ClassifyItem) bool { return it.Error != "" || it.OutOfScope() })
}

func newPage(r ClassifyReport, items []ClassifyItem, opt HTMLOptions) page {
	scored, confusion := scoredOf(items), confusionOf(items)
	p := page{HTMLOptions: opt, Report: r, Cards: cards(r)}
	marks := coverageMarks(scored)
	thresholds := []float64{0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99}
	if opt.Policy > 0 {
		marks = append(marks, Mark{"policy", opt.Policy})
		thresholds = append(thresholds, opt.Policy)
	}
	slices.Sort(thresholds)
	p.Thresholds = ThresholdTable(scored, slices.Compact(thresholds))
	for i := range p.Thresholds {
		p.Thresholds[i].Policy = opt.Policy > 0 && float64(p.Thresholds[i].Threshold) == opt.Policy
	}
	p.Reliability = template.HTML(ReliabilitySVG(r.Reliability))
	p.Risk = template.HTML(RiskCoverageSVG(scored, marks))
	p.Matrix = template.HTML(ConfusionSVG(confusion))
	p.Condensed = len(confusion.Labels) > shownLabels
	p.Pairs = confusedPairs(confusion)
	p.Classes, p.MoreClasses = worstClasses(r.PerClass)
	p.Parts, p.MoreParts = allSlices(r)
	p.Figures = r.Rows()
	p.Errors = worstErrors(items, opt)
	return p
}

func cards(r ClassifyReport) []card {
	out := []card{
		{"Accuracy", percentOf(r.Accuracy), percentRange(r.AccuracyLow, r.AccuracyHigh), "always one label: " + percentOf(r.BaselineAccuracy)},
		{"Macro F1", percentOf(r.MacroF1), percentRange(r.MacroF1Low, r.MacroF1High), "every label counts alike"},
		{"Coverage at 95\u00a0%", percentOf(r.CoverageAt95), percentRange(r.CoverageAt95Low, r.CoverageAt95High), "of the items, 95\u00a0% of them right"},
		{"ECE", r.ECE.String(), intervalText(r.ECELow, r.ECEHigh, ""), "0: confidence is accuracy"},
		{"AURC", r.AURC.String(), intervalText(r.AURCLow, r.AURCHigh, ""), "0: errors are told by doubt"},
	}
	if r.OOS != nil {
		out = append(out, card{"Out-of-scope AUROC", r.OOS.AUROC.String(), intervalText(r.OOS.AUROCLow, r.OOS.AUROCHigh, ""),
			"recall " + percentOf(r.OOS.Recall) + " at " + r.OOS.Threshold.String()})
	}
	return out
}

// percentRange is an interval in percent, or "n/a".
func percentRange(low, high Number) string {
	if !low.Defined() && !high.Defined() {
		return "n/a"
	}
	return percentOf(low) + " to " + percentOf(high)
}

// coverageMarks names the points where the precision is 95 and 99 %.
func coverageMarks(items []Scored) []Mark {
	var marks []Mark
	for _, precision := range []float64{0.95, 0.99} {
		answered := int(math.Round(CoverageAt(items, precision) * float64(len(items)))) // 0 of NaN too
		if len(items) > 0 && answered > 0 {
			last := mostConfidentFirst(items)[answered-1]
			marks = append(marks, Mark{fmt.Sprintf("%.0f %% right", 100*precision), last.Confidence})
		}
	}
	return marks
}

func confusedPairs(c Confusion) []confusedPair {
	var pairs []confusedPair
	for i := range c.Counts {
		for j, n := range c.Counts[i] {
			if i != j && n > 0 {
				p := confusedPair{Truth: c.Labels[i], Label: c.Labels[j], Count: n}
				p.Share, p.Low, p.High = proportion(n, c.support(i))
				pairs = append(pairs, p)
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b confusedPair) int { return cmp.Compare(b.Count, a.Count) })
	return pairs[:min(shownPairs, len(pairs))]
}

// worstClasses sorts by F1, the worst first: that is where work pays.
func worstClasses(classes []LabelScore) (shown []LabelScore, more int) {
	sorted := slices.DeleteFunc(slices.Clone(classes), func(s LabelScore) bool { return s.Label == prediag.LabelOutOfScope })
	slices.SortStableFunc(sorted, func(a, b LabelScore) int { return cmp.Compare(a.F1, b.F1) })
	n := min(shownClasses, len(sorted))
	return sorted[:n], len(sorted) - n
}

func allSlices(r ClassifyReport) (shown []namedSlice, more int) {
	find := map[string]map[string]SliceReport{"language": r.PerLanguage}
	maps.Copy(find, r.PerSlice)
	parts, more := partsOf(r.PerLanguage, r.PerSlice, shownSlices, func(s SliceReport) (int, []string) { return s.N, nil })
	for _, p := range parts {
		shown = append(shown, namedSlice{p.name, p.value, find[p.name][p.value]})
	}
	return shown, more
}

// worstErrors are the wrong items that the model was surest of.
func worstErrors(items []ClassifyItem, opt HTMLOptions) []shownError {
	wrong := slices.DeleteFunc(slices.Clone(items), func(it ClassifyItem) bool { return it.Right })
	slices.SortStableFunc(wrong, func(a, b ClassifyItem) int { return cmp.Compare(b.Probability, a.Probability) })
	var out []shownError
	for _, it := range wrong[:min(shownErrors, len(wrong))] {
		e := shownError{ClassifyItem: it}
		if opt.Text != nil {
			e.Text, _ = cutRunes(strings.ReplaceAll(opt.Text(it.ID), "\n\n", "\n"), shownTextSize)
		}
		if opt.Evidence != nil {
			e.Evidence, _ = cutRunes(opt.Evidence(it.ID), shownTextSize)
		}
		out = append(out, e)
	}
	return out
}

func percentOf(n Number) string {
	if !n.Defined() {
		return n.String()
	}
	return fmt.Sprintf("%.1f\u00a0%%", 100*float64(n))
}
