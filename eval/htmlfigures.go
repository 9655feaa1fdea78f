package eval

import (
	"cmp"
	_ "embed" // the template
	"fmt"
	"io"
	"maps"
	"slices"

	"prediag"
)

//go:embed figures.html.tmpl
var figuresTemplate string

// figuresPage is what the template of search and whole-line reports shows.
type figuresPage struct {
	HTMLOptions
	Lead   string
	Wide   bool // room for longer notes on the cards
	Cards  []card
	Tables []table
}

// table is one section of the page.
type table struct {
	Title, Note string
	Head        []column
	Rows        [][]shownCell
	More        int
}

type column struct {
	Name         string
	Number, Text bool // aligned right; long text
}

// shownCell is a text, with a bar behind it where Bar is set and an interval below it where there is one.
type shownCell struct {
	Text     string
	Bar      bool
	Share    Number
	Interval string
}

func plain(format string, args ...any) shownCell {
	text, cut := cutRunes(fmt.Sprintf(format, args...), shownTextSize)
	if cut {
		text += "…"
	}
	return shownCell{Text: text}
}

// barred is a share with its bar and interval.
func barred(n, low, high Number) shownCell {
	return shownCell{percentOf(n), n.Defined(), n, percentRange(low, high)}
}

// figured is a share without a bar, in percent, with its interval.
func figured(n, low, high Number) shownCell {
	return shownCell{Text: percentOf(n), Share: Undefined(), Interval: percentRange(low, high)}
}

// valued is a value with its interval.
func valued(n, low, high Number) shownCell {
	return shownCell{Text: n.String(), Share: Undefined(), Interval: intervalText(low, high, "")}
}

// allFigures is the table of every figure with its interval.
func allFigures(rows []FigureRow) table {
	t := table{Title: "All figures", Head: []column{{Name: "measure"}, {Name: "value", Number: true}, {Name: "95 % interval", Number: true}}}
	for _, r := range rows {
		t.Rows = append(t.Rows, []shownCell{plain("%s", r.Name), plain("%s", r.Value), plain("%s", r.Interval())})
	}
	return t
}

// WriteRetrieveHTML writes a search's report as WriteHTML does a classifier's. Options.Text gives a query's text.
func WriteRetrieveHTML(w io.Writer, r RetrieveReport, items []RetrieveItem, opt HTMLOptions) error {
	opt.Title = cmp.Or(opt.Title, "Search report")
	lead := fmt.Sprintf("%d judged queries, %d failed, %d missing, %d cut.", r.Queries, r.Failed, r.Missing, r.Cut)
	return execute(w, figuresTemplate, figuresPage{
		HTMLOptions: opt, Lead: lead, Cards: retrieveCards(r), Tables: []table{spread(items), queryParts(r), worstQueries(items, opt.Text), allFigures(r.Rows())},
	})
}

func retrieveCards(r RetrieveReport) []card {
	out := []card{
		{"nDCG@10", r.NDCG10.String(), intervalText(r.NDCG10Low, r.NDCG10High, ""), ""},
		{"MRR@10", r.MRR10.String(), intervalText(r.MRR10Low, r.MRR10High, ""), ""},
		{"Success@1", percentOf(r.Success1), percentRange(r.Success1Low, r.Success1High), ""},
		{"Recall@10", percentOf(r.R10), percentRange(r.R10Low, r.R10High), ""},
		{"Recall@100", percentOf(r.R100), percentRange(r.R100Low, r.R100High), ""},
	}
	return appendLatency(out, r.LatencyMS)
}

func appendLatency(cards []card, l *Percentiles) []card {
	if l == nil {
		return cards
	}
	return append(cards, card{"Latency, median", fmt.Sprintf("%.1f\u00a0ms", float64(l.P50)), rangeMS(l.P50Low, l.P50High),
		fmt.Sprintf("95\u00a0%%: %s\u00a0ms", rangedMS(l.P95, l.P95Low, l.P95High))})
}

func rangeMS(low, high Number) string {
	if !low.Defined() || !high.Defined() {
		return "n/a"
	}
	return fmt.Sprintf("%.1f to %.1f\u00a0ms", float64(low), float64(high))
}

// spread is the histogram of the queries by nDCG@10.
func spread(items []RetrieveItem) table {
	names := []string{"0: nothing relevant in the first ten", "up to 0.25", "up to 0.5", "up to 0.75", "under 1", "1: perfect"}
	counts := make([]int, len(names))
	for _, it := range items {
		switch v := it.NDCG10; {
		case v <= 0:
			counts[0]++
		case v >= 1:
			counts[5]++
		default:
			counts[1+min(int(v*4), 3)]++
		}
	}
	t := table{Title: "How the queries spread", Note: "A mean hides whether many queries are a little off or a few are lost.",
		Head: []column{{Name: "nDCG@10"}, {Name: "queries", Number: true}, {Name: "share", Number: true}}}
	for i, name := range names {
		t.Rows = append(t.Rows, []shownCell{plain("%s", name), plain("%d", counts[i]), barred(proportion(counts[i], len(items)))})
	}
	return t
}

func queryParts(r RetrieveReport) table {
	t := table{Title: "By part of the data", Head: []column{{Name: "part"}, {Name: "value"}, {Name: "queries", Number: true}, {Name: "nDCG@10", Number: true},
		{Name: "MRR@10", Number: true}, {Name: "recall@10", Number: true}, {Name: "recall@100", Number: true}}}
	find := map[string]map[string]RetrieveSlice{"language": r.PerLanguage}
	maps.Copy(find, r.PerSlice)
	parts, more := partsOf(r.PerLanguage, r.PerSlice, shownSlices, func(s RetrieveSlice) (int, []string) { return s.Queries, nil })
	for _, p := range parts {
		s := find[p.name][p.value]
		ndcg := shownCell{s.NDCG10.String(), s.NDCG10.Defined(), s.NDCG10, intervalText(s.NDCG10Low, s.NDCG10High, "")}
		t.Rows = append(t.Rows, []shownCell{plain("%s", p.name), plain("%s", p.value), plain("%d", s.Queries), ndcg, valued(s.MRR10, s.MRR10Low, s.MRR10High),
			figured(s.R10, s.R10Low, s.R10High), figured(s.R100, s.R100Low, s.R100High)})
	}
	t.More = more
	return t
}

func ticketParts(r TriageReport) table {
	t := table{Title: "By part of the data", Head: []column{{Name: "part"}, {Name: "value"}, {Name: "tickets", Number: true}, {Name: "automated", Number: true},
		{Name: "of these right", Number: true}, {Name: "category", Number: true}, {Name: "article first", Number: true}, {Name: "cost", Number: true}}}
	find := map[string]map[string]TriageSlice{"language": r.PerLanguage}
	maps.Copy(find, r.PerSlice)
	parts, more := partsOf(r.PerLanguage, r.PerSlice, shownSlices, func(s TriageSlice) (int, []string) { return s.N, nil })
	for _, p := range parts {
		s := find[p.name][p.value]
		t.Rows = append(t.Rows, []shownCell{plain("%s", p.name), plain("%s", p.value), plain("%d", s.N),
			figured(s.AutomationRate, s.AutomationRateLow, s.AutomationRateHigh), figured(s.AnsweredPrecision, s.AnsweredPrecisionLow, s.AnsweredPrecisionHigh),
			figured(s.CategoryAccuracy, s.CategoryAccuracyLow, s.CategoryAccuracyHigh), figured(s.ArticleAt1, s.ArticleAt1Low, s.ArticleAt1High),
			valued(s.Cost, s.CostLow, s.CostHigh)})
	}
	t.More = more
	return t
}

func worstQueries(items []RetrieveItem, text func(id string) string) table {
	t := table{Title: "Queries that find the least", Note: "By nDCG@10, then by recall@100: those at the top are lost, not only ranked low.",
		Head: []column{{Name: "query"}, {Name: "nDCG@10", Number: true}, {Name: "recall@100", Number: true}, {Name: "relevant", Number: true}, {Name: "text", Text: true}}}
	sorted := slices.SortedStableFunc(slices.Values(items), func(a, b RetrieveItem) int {
		return cmp.Or(cmp.Compare(a.NDCG10, b.NDCG10), cmp.Compare(a.R100, b.R100), cmp.Compare(a.ID, b.ID))
	})
	for _, it := range sorted[:min(shownErrors, len(sorted))] {
		if it.NDCG10 >= 1 {
			break
		}
		what := it.Error
		if what == "" && text != nil {
			what = text(it.ID)
		}
		t.Rows = append(t.Rows, []shownCell{plain("%s", it.ID), plain("%s", Number(it.NDCG10)), plain("%s", Number(it.R100)), plain("%d", it.Relevant), plain("%s", what)})
	}
	return t
}

// WriteTriageHTML writes a whole-line report as WriteHTML does a classifier's. Options.Text gives a ticket's text.
func WriteTriageHTML(w io.Writer, r TriageReport, items []TriageItem, opt HTMLOptions) error {
	opt.Title = cmp.Or(opt.Title, "Whole-line report")
	lead := fmt.Sprintf("%d tickets, %d failed; model %s, index %d, policy %s.", r.N, r.Failed, shorten(r.Model, shownNameSize), r.Index, shorten(r.Policy, shownNameSize))
	return execute(w, figuresTemplate, figuresPage{
		HTMLOptions: opt, Lead: lead, Wide: true, Cards: triageCards(r), Tables: []table{outcomes(r), reasons(r), ticketParts(r), wrongAnswers(items, opt.Text), allFigures(r.Rows())},
	})
}

func triageCards(r TriageReport) []card {
	out := []card{
		{"Automated", percentOf(r.AutomationRate), percentRange(r.AutomationRateLow, r.AutomationRateHigh), "answered without a human"},
		{"Of these right", percentOf(r.AnsweredPrecision), percentRange(r.AnsweredPrecisionLow, r.AnsweredPrecisionHigh), "as far as the truth is known"},
		{"Category", percentOf(r.CategoryAccuracy), percentRange(r.CategoryAccuracyLow, r.CategoryAccuracyHigh), "accuracy"},
		{"Solving article first", percentOf(r.ArticleAt1), percentRange(r.ArticleAt1Low, r.ArticleAt1High), "of the articles found"},
		{"Cost for each ticket", r.Cost.String(), intervalText(r.CostLow, r.CostHigh, ""), "all handed over: " + r.CostEscalated.String()},
		{"Grounded drafts", percentOf(r.GroundedShare), percentRange(r.GroundedShareLow, r.GroundedShareHigh), "statements with a citation that holds"},
		{"Citations", percentOf(r.CitationPrecision), percentRange(r.CitationPrecisionLow, r.CitationPrecisionHigh), "point to the solving article"},
		{"Language model", r.LLM.Cost.String() + shownCurrency(r.LLM.Currency), r.LLM.rows()[2].Interval(), r.LLM.Why},
	}
	return appendLatency(out, r.LatencyMS)
}

func shownCurrency(name string) string {
	if name == "" {
		return ""
	}
	return "\u00a0" + shorten(name, 8)
}

func outcomes(r TriageReport) table {
	t := table{Title: "Outcomes", Note: "Right: what was found is right, whether it was sent or not.", Head: []column{{Name: "outcome"},
		{Name: "tickets", Number: true}, {Name: "share", Number: true}, {Name: "right", Number: true}, {Name: "wrong", Number: true}, {Name: "unknown", Number: true}}}
	for _, o := range []prediag.Outcome{prediag.OutcomeAnswer, prediag.OutcomeSuggest, prediag.OutcomeEscalate} {
		row := r.Matrix[o]
		t.Rows = append(t.Rows, []shownCell{plain("%s", o), plain("%d", row.N), barred(proportion(row.N, r.N)), plain("%d", row.Right), plain("%d", row.Wrong), plain("%d", row.Unknown)})
	}
	return t
}

func reasons(r TriageReport) table {
	t := table{Title: "Why tickets were not answered", Note: "A ticket may have several reasons.", Head: []column{{Name: "reason"}, {Name: "tickets", Number: true}, {Name: "share", Number: true}}}
	codes := slices.SortedFunc(maps.Keys(r.Reasons), func(a, b prediag.ReasonCode) int {
		return cmp.Or(cmp.Compare(r.Reasons[b], r.Reasons[a]), cmp.Compare(a, b))
	})
	for _, c := range codes {
		t.Rows = append(t.Rows, []shownCell{plain("%s", c), plain("%d", r.Reasons[c]), barred(proportion(r.Reasons[c], r.N))})
	}
	return t
}

// wrongAnswers are the tickets that cost most: answered, and wrong.
func wrongAnswers(items []TriageItem, text func(id string) string) table {
	t := table{Title: "Answered, and wrong", Note: "The surest first. This is what customers would have seen.", Head: []column{{Name: "ticket"}, {Name: "truth"},
		{Name: "category"}, {Name: "solving article"}, {Name: "rank", Number: true}, {Name: "stated", Number: true}, {Name: "text", Text: true}}}
	wrong := slices.DeleteFunc(slices.Clone(items), func(it TriageItem) bool {
		return it.Outcome != prediag.OutcomeAnswer || it.Right || it.Truth == "" && it.Article == ""
	})
	slices.SortStableFunc(wrong, func(a, b TriageItem) int { return cmp.Compare(b.Solved, a.Solved) })
	for _, it := range wrong[:min(shownErrors, len(wrong))] {
		what := ""
		if text != nil {
			what = text(it.ID)
		}
		t.Rows = append(t.Rows, []shownCell{plain("%s", it.ID), plain("%s", it.Truth), plain("%s", it.Label), plain("%s", it.Article),
			plain("%d", it.Rank), plain("%.3f", it.Solved), plain("%s", what)})
	}
	t.More = len(wrong) - len(t.Rows)
	return t
}
