package eval

import (
	"math"
	"slices"
	"time"
)

// RetrieveReport holds the figures of a search over a test collection: means over all judged queries, failed and missing
// ones counted as zero. Ends of intervals (…_low, …_high) are those of the 95 % percentile bootstrap over queries, and
// Wilson's where every query counts 0 or 1.
type RetrieveReport struct {
	Queries    int    `json:"queries"`  // judged ones
	Failed     int    `json:"failed"`   // the search returned an error
	Missing    int    `json:"missing"`  // judged, but not among the queries
	Unjudged   int    `json:"unjudged"` // queries without judgement, not searched
	Cut        int    `json:"cut"`      // texts cut at prediag.MaxQueryRunes
	FirstError string `json:"first_error,omitempty"`

	RetrieveFigures

	PerLanguage map[string]RetrieveSlice            `json:"per_language"`
	PerSlice    map[string]map[string]RetrieveSlice `json:"per_slice"`            // by RetrieveItem.Slices: name, value
	LatencyMS   *Percentiles                        `json:"latency_ms,omitempty"` // of the searches; the one part that differs from run to run
}

// RetrieveFigures are the ranking measures, each with its interval.
type RetrieveFigures struct {
	NDCG10        Number `json:"ndcg@10"`
	NDCG10Low     Number `json:"ndcg@10_low"`
	NDCG10High    Number `json:"ndcg@10_high"`
	MRR10         Number `json:"mrr@10"`
	MRR10Low      Number `json:"mrr@10_low"`
	MRR10High     Number `json:"mrr@10_high"`
	R10           Number `json:"recall@10"`
	R10Low        Number `json:"recall@10_low"`
	R10High       Number `json:"recall@10_high"`
	R100          Number `json:"recall@100"`
	R100Low       Number `json:"recall@100_low"`
	R100High      Number `json:"recall@100_high"`
	MAP           Number `json:"map"`
	MAPLow        Number `json:"map_low"`
	MAPHigh       Number `json:"map_high"`
	P1            Number `json:"p@1"`
	P1Low         Number `json:"p@1_low"`
	P1High        Number `json:"p@1_high"`
	P10           Number `json:"p@10"`
	P10Low        Number `json:"p@10_low"`
	P10High       Number `json:"p@10_high"`
	Success1      Number `json:"success@1"`
	Success1Low   Number `json:"success@1_low"`
	Success1High  Number `json:"success@1_high"`
	Success5      Number `json:"success@5"`
	Success5Low   Number `json:"success@5_low"`
	Success5High  Number `json:"success@5_high"`
	Success10     Number `json:"success@10"`
	Success10Low  Number `json:"success@10_low"`
	Success10High Number `json:"success@10_high"`
	BPref         Number `json:"bpref"`
	BPrefLow      Number `json:"bpref_low"`
	BPrefHigh     Number `json:"bpref_high"`
}

// RetrieveSlice holds the figures of a part of the queries. Its bootstrap has 2,000 resamples.
type RetrieveSlice struct {
	Queries int `json:"queries"`
	RetrieveFigures
}

// Percentiles are latencies in milliseconds, by nearest rank, so that each was measured; their intervals come from the
// order statistics (quantileInterval), that of the mean from the bootstrap. Max is what was seen, not an estimate.
type Percentiles struct {
	P50      Number `json:"p50"`
	P50Low   Number `json:"p50_low"`
	P50High  Number `json:"p50_high"`
	P95      Number `json:"p95"`
	P95Low   Number `json:"p95_low"`
	P95High  Number `json:"p95_high"`
	P99      Number `json:"p99"`
	P99Low   Number `json:"p99_low"`
	P99High  Number `json:"p99_high"`
	Max      Number `json:"max"`
	Mean     Number `json:"mean"`
	MeanLow  Number `json:"mean_low"`
	MeanHigh Number `json:"mean_high"`
}

// retrieveReport sums up the items, which are sorted by ID.
func retrieveReport(items []RetrieveItem, opt RetrieveOptions) RetrieveReport {
	r := RetrieveReport{Queries: len(items), RetrieveFigures: retrieveFigures(items, opt), PerLanguage: map[string]RetrieveSlice{}}
	groups := map[string][]RetrieveItem{}
	var latencies []time.Duration
	for _, it := range items {
		groups[it.Language] = append(groups[it.Language], it)
		if it.Missing {
			r.Missing++
			continue
		}
		latencies = append(latencies, it.latency)
		if it.Cut {
			r.Cut++
		}
		if it.Error != "" {
			r.Failed++
			if r.FirstError == "" {
				r.FirstError = it.Error
			}
		}
	}
	for language, group := range groups {
		r.PerLanguage[language] = retrieveSlice(group, opt)
	}
	r.PerSlice = sliceReports(bySlice(items, func(it RetrieveItem) map[string]string { return it.Slices }),
		func(items []RetrieveItem) RetrieveSlice { return retrieveSlice(items, opt) })
	if opt.Now != nil {
		r.LatencyMS = percentiles(latencies, opt.Seed)
	}
	return r
}

func retrieveFigures(items []RetrieveItem, opt RetrieveOptions) RetrieveFigures {
	get := []func(RetrieveItem) float64{
		func(it RetrieveItem) float64 { return it.NDCG10 }, func(it RetrieveItem) float64 { return it.RR10 },
		func(it RetrieveItem) float64 { return it.R10 }, func(it RetrieveItem) float64 { return it.R100 },
		func(it RetrieveItem) float64 { return it.AP }, func(it RetrieveItem) float64 { return it.S1 },
		func(it RetrieveItem) float64 { return it.P1 }, func(it RetrieveItem) float64 { return it.P10 },
		func(it RetrieveItem) float64 { return it.S5 }, func(it RetrieveItem) float64 { return it.S10 },
		func(it RetrieveItem) float64 { return it.BPref },
	}
	lists := make([][]float64, len(get))
	for l, g := range get {
		for _, it := range items {
			lists[l] = append(lists[l], g(it))
		}
	}
	iv := bootstrap(len(items), opt.Resamples, opt.Seed, weightedMeans(lists...))
	var f RetrieveFigures
	for l, into := range [][3]*Number{
		{&f.NDCG10, &f.NDCG10Low, &f.NDCG10High}, {&f.MRR10, &f.MRR10Low, &f.MRR10High}, {&f.R10, &f.R10Low, &f.R10High},
		{&f.R100, &f.R100Low, &f.R100High}, {&f.MAP, &f.MAPLow, &f.MAPHigh}, {&f.Success1, &f.Success1Low, &f.Success1High},
		{&f.P1, &f.P1Low, &f.P1High}, {&f.P10, &f.P10Low, &f.P10High}, {&f.Success5, &f.Success5Low, &f.Success5High},
		{&f.Success10, &f.Success10Low, &f.Success10High}, {&f.BPref, &f.BPrefLow, &f.BPrefHigh},
	} {
		*into[0], *into[1], *into[2] = meanInterval(lists[l], iv[l])
	}
	return f
}

func retrieveSlice(items []RetrieveItem, opt RetrieveOptions) RetrieveSlice {
	opt.Resamples = min(opt.Resamples, sliceResamples)
	return RetrieveSlice{Queries: len(items), RetrieveFigures: retrieveFigures(items, opt)}
}

// percentiles gives the nearest-rank percentiles with their intervals; nil without latencies.
func percentiles(latencies []time.Duration, seed uint64) *Percentiles {
	if len(latencies) == 0 {
		return nil
	}
	sorted := make([]float64, len(latencies))
	for i, d := range slices.Sorted(slices.Values(latencies)) {
		sorted[i] = float64(d) / float64(time.Millisecond)
	}
	at := func(q float64) (value, low, high Number) {
		l, h := quantileInterval(sorted, q)
		return Number(sorted[max(int(math.Ceil(q*float64(len(sorted))))-1, 0)]), Number(l), Number(h)
	}
	p := &Percentiles{Max: Number(sorted[len(sorted)-1])}
	p.P50, p.P50Low, p.P50High = at(0.50)
	p.P95, p.P95Low, p.P95High = at(0.95)
	p.P99, p.P99Low, p.P99High = at(0.99)
	p.Mean, p.MeanLow, p.MeanHigh = bootstrap(len(sorted), sliceResamples, seed, weightedMeans(sorted))[0].around(meanOf(sorted))
	return p
}
