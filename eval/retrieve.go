package eval

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"prediag"
)

// RetrieveOptions says how Retrieve measures. The zero value is ready for use.
type RetrieveOptions struct {
	Query     prediag.Query         // what every query has beside its text, e.g. Audience; Text, Offset and Limit are set by Retrieve
	Workers   int                   // searches at a time; 0: one, so that latencies are those of a quiet service
	Resamples int                   // of the bootstrap; 0: DefaultResamples
	Seed      uint64                // of the bootstrap
	Now       func() time.Time      // clock for the latencies; nil: they are not measured
	Cache     *Cache                // of a key that names program and index; nil: none
	Item      func(RetrieveItem)    // gets every judged query at the end, by ID; nil: not wanted
	Progress  func(done, total int) // called after each query, one call at a time; nil: not wanted

	// Article gives what is known of the article that answers a query, for the parts of the data (RetrieveItem.Slices); nil:
	// only what the queries say.
	Article func(id string) (prediag.Article, bool)
}

// depth is the number of hits that are asked for: what recall@100 needs.
const depth = 100

// RetrieveItem holds the figures of one judged query.
type RetrieveItem struct {
	ID       string  `json:"id"`
	Language string  `json:"language"`
	NDCG10   float64 `json:"ndcg@10"`
	RR10     float64 `json:"rr@10"`
	AP       float64 `json:"ap"`
	P1       float64 `json:"p@1"`
	P10      float64 `json:"p@10"`
	R10      float64 `json:"recall@10"`
	R100     float64 `json:"recall@100"`
	S1       float64 `json:"success@1"`
	S5       float64 `json:"success@5"`
	S10      float64 `json:"success@10"`
	BPref    float64 `json:"bpref"`
	Returned int     `json:"returned"`
	Relevant int     `json:"relevant"`
	Cut      bool    `json:"cut,omitempty"` // the text was over prediag.MaxQueryRunes
	Missing  bool    `json:"missing,omitempty"`
	Error    string  `json:"error,omitempty"`

	// Slices names the parts of the data that the query belongs to, beside its language: "length" of its text, and where
	// the query or the best judged article says so "category", its "area", "tier", "product", "kind", "source", and "age"
	// beside the newest of them.
	Slices map[string]string `json:"slices,omitempty"`

	latency time.Duration
}

// Retrieve searches for every judged query, 100 hits deep, and measures the ranking as trec_eval -c does: every judged
// query counts, one that failed or that is missing among the queries with zero. Queries without judgement are not
// searched. Article IDs are the document IDs of the judgements. A query's text is cut at prediag.MaxQueryRunes.
//
// The run holds what was returned; the figures are those that trec_eval prints for it, so ties of score are broken by
// article ID descending, whatever the searcher's order. Without any judged query the error is of kind ErrInvalid; when
// the context ends it wraps the context's.
func Retrieve(ctx context.Context, s prediag.Searcher, queries []Query, qrels Qrels, opt RetrieveOptions) (RetrieveReport, Run, error) {
	opt.Workers, opt.Resamples = max(opt.Workers, 1), cmp.Or(opt.Resamples, DefaultResamples)
	judged, missing, err := pairUp(queries, qrels)
	if err != nil {
		return RetrieveReport{}, nil, err
	}
	items := make([]RetrieveItem, len(judged))
	found := make([][]ScoredDoc, len(judged))
	progress := counter{total: len(judged), report: opt.Progress}
	parallel(len(judged), opt.Workers, func(i int) {
		if ctx.Err() == nil {
			items[i], found[i] = searchOne(ctx, s, judged[i], opt)
			progress.add()
		}
	})
	if err := ctx.Err(); err != nil {
		return RetrieveReport{}, nil, fmt.Errorf("retrieve: %w", err)
	}
	run := make(Run, len(items))
	for i := range items {
		if items[i].Error == "" {
			run[items[i].ID] = found[i]
		}
	}
	for _, id := range missing {
		items = append(items, RetrieveItem{ID: id, Language: "und", Missing: true})
	}
	sliceQueries(items, judged, qrels, opt)
	slices.SortFunc(items, func(a, b RetrieveItem) int { return cmp.Compare(a.ID, b.ID) })
	for i := range items {
		items[i].measure(NewJudged(run[items[i].ID], qrels[items[i].ID]))
	}
	report := retrieveReport(items, opt)
	report.Unjudged = len(queries) - len(judged)
	if opt.Item != nil {
		for _, it := range items {
			opt.Item(it)
		}
	}
	return report, run, nil
}

// pairUp returns the judged queries, and the IDs that are judged but not among the queries.
func pairUp(queries []Query, qrels Qrels) (judged []Query, missing []string, err error) {
	known := make(map[string]bool, len(queries))
	for _, q := range queries {
		if known[q.ID] {
			return nil, nil, prediag.Invalid("QUERY_TWICE", "queries", fmt.Sprintf("the query id %.80q occurs twice; ids must differ", q.ID))
		}
		known[q.ID] = true
		if _, ok := qrels[q.ID]; ok {
			judged = append(judged, q)
		}
	}
	if len(judged) == 0 {
		return nil, nil, prediag.Invalid("NO_JUDGEMENTS", "qrels",
			fmt.Sprintf("none of %d queries is among the %d judged ones; take queries and qrels of the same collection", len(queries), len(qrels)))
	}
	for _, id := range slices.Sorted(maps.Keys(qrels)) {
		if !known[id] {
			missing = append(missing, id)
		}
	}
	return judged, missing, nil
}

func searchOne(ctx context.Context, s prediag.Searcher, q Query, opt RetrieveOptions) (RetrieveItem, []ScoredDoc) {
	it := RetrieveItem{ID: q.ID, Language: cmp.Or(q.Language, "und")}
	query := opt.Query
	query.Text, it.Cut = cutRunes(q.Text, prediag.MaxQueryRunes)
	query.Offset, query.Limit = 0, depth
	found, err := remembered(opt.Cache, func() (ranking, error) { return rankingOf(ctx, s, query, q.ID, opt.Now) }, "retrieve", query)
	it.latency = found.Latency
	if err != nil {
		it.Error = cmp.Or(err.Error(), "error without text")
		return it, nil
	}
	return it, found.Docs
}

// ranking is what one search returned, and how long it took.
type ranking struct {
	Docs    []ScoredDoc
	Latency time.Duration
}

func rankingOf(ctx context.Context, s prediag.Searcher, query prediag.Query, id string, now func() time.Time) (r ranking, err error) {
	var start time.Time
	if now != nil {
		start = now()
	}
	results, err := s.Search(ctx, query)
	if now != nil {
		r.Latency = now().Sub(start)
	}
	if err == nil {
		r.Docs, err = scoredDocs(id, results.Hits)
	}
	return r, err
}

// scoredDocs takes the hits over, and refuses what trec_eval would: scores that are no numbers, documents listed twice.
func scoredDocs(query string, hits []prediag.Hit) ([]ScoredDoc, error) {
	docs := make([]ScoredDoc, 0, len(hits))
	seen := make(map[string]bool, len(hits))
	for _, h := range hits {
		d := ScoredDoc{ID: h.ArticleID, Score: h.Score}
		if math.IsNaN(d.Score) || math.IsInf(d.Score, 0) {
			return nil, invalidScore(query, d)
		}
		if seen[d.ID] {
			return nil, fmt.Errorf("the article %.80q was returned twice", d.ID)
		}
		seen[d.ID] = true
		docs = append(docs, d)
	}
	return docs, nil
}

func (it *RetrieveItem) measure(j Judged) {
	it.NDCG10, it.RR10, it.AP = j.NDCG(10), j.ReciprocalRank(10), j.AveragePrecision()
	it.P1, it.P10, it.R10, it.R100 = j.Precision(1), j.Precision(10), j.Recall(10), j.Recall(100)
	it.S1, it.S5, it.S10, it.BPref = j.Success(1), j.Success(5), j.Success(10), j.BPref()
	it.Returned, it.Relevant = len(j.grades), j.Relevant()
}

// sliceQueries fills in the parts of the data that each query belongs to. The first items are those of the judged queries,
// in their order.
func sliceQueries(items []RetrieveItem, judged []Query, qrels Qrels, opt RetrieveOptions) {
	articles, created := make([]prediag.Article, len(judged)), make([]time.Time, len(judged))
	var newest time.Time
	for i, q := range judged {
		if id := bestJudged(qrels[q.ID]); opt.Article != nil && id != "" {
			articles[i], _ = opt.Article(id)
		}
		if created[i] = q.Created; created[i].IsZero() {
			created[i] = articles[i].Updated
		}
		if created[i].After(newest) {
			newest = created[i]
		}
	}
	for i, q := range judged {
		category := cmp.Or(q.Category, articles[i].Category)
		items[i].Slices = map[string]string{"length": lengthBand(q.Text)}
		addSlices(items[i].Slices, map[string]string{
			"category": category, "area": areaOf(category), "tier": q.Tier, "product": cmp.Or(q.Product, articles[i].Product),
			"kind": articles[i].Kind, "source": cmp.Or(q.Source, articles[i].Source), "age": ageBand(newest, created[i]),
		})
	}
}

// bestJudged is the document with the highest grade, the first by ID among equals; empty when none is relevant.
func bestJudged(grades map[string]int) string {
	best := ""
	for _, id := range slices.Sorted(maps.Keys(grades)) {
		if grades[id] > 0 && (best == "" || grades[id] > grades[best]) {
			best = id
		}
	}
	return best
}

// cutRunes returns the first limit characters of s, and whether that left anything out.
func cutRunes(s string, limit int) (string, bool) {
	if len(s) <= limit || utf8.RuneCountInString(s) <= limit {
		return s, false
	}
	n := 0
	for i := range s {
		if n == limit {
			return s[:i], true
		}
		n++
	}
	return s, false
}
