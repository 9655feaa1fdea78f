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

// shownCell is a text, with a bar behind it where Bar is set.
type shownCell struct {
	Text  string
	Bar   bool
	Share Number
}

func plain(format string, args ...any) shownCell {
	text, cut := cutRunes(fmt.Sprintf(format, args...), shownTextSize)
	if cut {
		text += "…"
	}
	return shownCell{Text: text}
}

func barred(n Number) shownCell { return shownCell{percentOf(n), n.Defined(), n} }

// WriteRetrieveHTML writes a search's report as WriteHTML does a classifier's. Options.Text gives a query's text.
func WriteRetrieveHTML(w io.Writer, r RetrieveReport, items []RetrieveItem, opt HTMLOptions) error {
	opt.Title = cmp.Or(opt.Title, "Search report")
	lead := fmt.Sprintf("%d judged queries, %d failed, %d missing, %d cut.", r.Queries, r.Failed, r.Missing, r.Cut)
	return execute(w, figuresTemplate, figuresPage{
		HTMLOptions: opt, Lead: lead, Cards: retrieveCards(r), Tables: []table{spread(items), languages(r), worstQueries(items, opt.Text)},
	})
}

func retrieveCards(r RetrieveReport) []card {
	between := func(low, high Number) string { return low.String() + " to " + high.String() }
	out := []card{
		{"nDCG@10", r.NDCG10.String(), between(r.NDCG10Low, r.NDCG10High), "MAP " + r.MAP.String()},
		{"MRR@10", r.MRR10.String(), between(r.MRR10Low, r.MRR10High), "bpref " + r.BPref.String()},
		{"Success@1", percentOf(r.Success1), percentOf(r.Success1Low) + " to " + percentOf(r.Success1High), "at 5: " + percentOf(r.Success5)},
		{"Recall@10", percentOf(r.R10), percentOf(r.R10Low) + " to " + percentOf(r.R10High), ""},
		{"Recall@100", percentOf(r.R100), percentOf(r.R100Low) + " to " + percentOf(r.R100High), ""},
	}
	return appendLatency(out, r.LatencyMS)
}

func appendLatency(cards []card, l *Percentiles) []card {
	if l == nil {
		return cards
	}
	return append(cards, card{"Latency, median", fmt.Sprintf("%.1f\u00a0ms", float64(l.P50)), fmt.Sprintf("p95 %.1f, p99 %.1f\u00a0ms", float64(l.P95), float64(l.P99)),
		fmt.Sprintf("longest %.1f\u00a0ms", float64(l.Max))})
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
		t.Rows = append(t.Rows, []shownCell{plain("%s", name), plain("%d", counts[i]), barred(Number(ratio(counts[i], len(items))))})
	}
	return t
}

func languages(r RetrieveReport) table {
	t := table{Title: "By language", Head: []column{{Name: "language"}, {Name: "queries", Number: true}, {Name: "nDCG@10", Number: true},
		{Name: "95 % interval", Number: true}, {Name: "MRR@10", Number: true}, {Name: "recall@10", Number: true}, {Name: "recall@100", Number: true}}}
	names := slices.Sorted(maps.Keys(r.PerLanguage))
	for _, name := range names[:min(shownSlices, len(names))] {
		s := r.PerLanguage[name]
		t.Rows = append(t.Rows, []shownCell{plain("%s", name), plain("%d", s.Queries), {s.NDCG10.String(), s.NDCG10.Defined(), s.NDCG10},
			plain("%s to %s", s.NDCGLow, s.NDCGHigh), plain("%s", s.MRR10), plain("%s", percentOf(s.R10)), plain("%s", percentOf(s.R100))})
	}
	t.More = len(names) - len(t.Rows)
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
		HTMLOptions: opt, Lead: lead, Wide: true, Cards: triageCards(r), Tables: []table{outcomes(r), reasons(r), wrongAnswers(items, opt.Text)},
	})
}

func triageCards(r TriageReport) []card {
	between := func(low, high Number) string { return percentOf(low) + " to " + percentOf(high) }
	out := []card{
		{"Automated", percentOf(r.AutomationRate), between(r.AutomationRateLow, r.AutomationRateHigh), "answered without a human"},
		{"Of these right", percentOf(r.AnsweredPrecision), between(r.AnsweredPrecisionLow, r.AnsweredPrecisionHigh), "as far as the truth is known"},
		{"Category", percentOf(r.CategoryAccuracy), between(r.CategoryAccuracyLow, r.CategoryAccuracyHigh), "accuracy"},
		{"Solving article first", percentOf(r.ArticleAt1), between(r.ArticleAt1Low, r.ArticleAt1High), "in the first three: " + percentOf(r.ArticleAt3)},
		{"Cost for each ticket", r.Cost.String(), r.CostLow.String() + " to " + r.CostHigh.String(), "all handed over: " + r.CostEscalated.String()},
		{"Grounded drafts", percentOf(r.GroundedShare), "statements with a citation that holds", ""},
		{"Citations", percentOf(r.CitationPrecision), "point to the solving article", ""},
	}
	return appendLatency(out, r.LatencyMS)
}

func outcomes(r TriageReport) table {
	t := table{Title: "Outcomes", Note: "Right: what was found is right, whether it was sent or not.", Head: []column{{Name: "outcome"},
		{Name: "tickets", Number: true}, {Name: "share", Number: true}, {Name: "right", Number: true}, {Name: "wrong", Number: true}, {Name: "unknown", Number: true}}}
	for _, o := range []prediag.Outcome{prediag.OutcomeAnswer, prediag.OutcomeSuggest, prediag.OutcomeEscalate} {
		row := r.Matrix[o]
		t.Rows = append(t.Rows, []shownCell{plain("%s", o), plain("%d", row.N), barred(Number(ratio(row.N, r.N))), plain("%d", row.Right), plain("%d", row.Wrong), plain("%d", row.Unknown)})
	}
	return t
}

func reasons(r TriageReport) table {
	t := table{Title: "Why tickets were not answered", Note: "A ticket may have several reasons.", Head: []column{{Name: "reason"}, {Name: "tickets", Number: true}, {Name: "share", Number: true}}}
	codes := slices.SortedFunc(maps.Keys(r.Reasons), func(a, b prediag.ReasonCode) int {
		return cmp.Or(cmp.Compare(r.Reasons[b], r.Reasons[a]), cmp.Compare(a, b))
	})
	for _, c := range codes {
		t.Rows = append(t.Rows, []shownCell{plain("%s", c), plain("%d", r.Reasons[c]), barred(Number(ratio(r.Reasons[c], r.N)))})
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
