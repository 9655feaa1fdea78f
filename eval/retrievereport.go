package eval

import (
	"math"
	"slices"
	"time"
)

// RetrieveReport holds the figures of a search over a test collection: means over all judged queries, failed and missing
// ones counted as zero. Ends of intervals (…_low, …_high) are those of the 95 % percentile bootstrap over queries.
type RetrieveReport struct {
	Queries    int    `json:"queries"`  // judged ones
	Failed     int    `json:"failed"`   // the search returned an error
	Missing    int    `json:"missing"`  // judged, but not among the queries
	Unjudged   int    `json:"unjudged"` // queries without judgement, not searched
	Cut        int    `json:"cut"`      // texts cut at prediag.MaxQueryRunes
	FirstError string `json:"first_error,omitempty"`

	RetrieveFigures

	PerLanguage map[string]RetrieveSlice `json:"per_language"`
	LatencyMS   *Percentiles             `json:"latency_ms,omitempty"` // of the searches; the one part that differs from run to run
}

// RetrieveFigures are the ranking measures, each with its interval.
type RetrieveFigures struct {
	NDCG10       Number `json:"ndcg@10"`
	NDCG10Low    Number `json:"ndcg@10_low"`
	NDCG10High   Number `json:"ndcg@10_high"`
	MRR10        Number `json:"mrr@10"`
	MRR10Low     Number `json:"mrr@10_low"`
	MRR10High    Number `json:"mrr@10_high"`
	R10          Number `json:"recall@10"`
	R10Low       Number `json:"recall@10_low"`
	R10High      Number `json:"recall@10_high"`
	R100         Number `json:"recall@100"`
	R100Low      Number `json:"recall@100_low"`
	R100High     Number `json:"recall@100_high"`
	MAP          Number `json:"map"`
	MAPLow       Number `json:"map_low"`
	MAPHigh      Number `json:"map_high"`
	P1           Number `json:"p@1"`
	P10          Number `json:"p@10"`
	Success1     Number `json:"success@1"`
	Success1Low  Number `json:"success@1_low"`
	Success1High Number `json:"success@1_high"`
	Success5     Number `json:"success@5"`
	Success10    Number `json:"success@10"`
	BPref        Number `json:"bpref"`
}

// RetrieveSlice holds the figures of a part of the queries.
type RetrieveSlice struct {
	Queries  int    `json:"queries"`
	NDCG10   Number `json:"ndcg@10"`
	NDCGLow  Number `json:"ndcg@10_low"`
	NDCGHigh Number `json:"ndcg@10_high"`
	MRR10    Number `json:"mrr@10"`
	R10      Number `json:"recall@10"`
	R100     Number `json:"recall@100"`
	Success1 Number `json:"success@1"`
}

// Percentiles are latencies in milliseconds.
type Percentiles struct {
	P50  Number `json:"p50"`
	P95  Number `json:"p95"`
	P99  Number `json:"p99"`
	Max  Number `json:"max"`
	Mean Number `json:"mean"`
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
	if opt.Now != nil {
		r.LatencyMS = percentiles(latencies)
	}
	return r
}

func retrieveFigures(items []RetrieveItem, opt RetrieveOptions) RetrieveFigures {
	get := []func(RetrieveItem) float64{
		func(it RetrieveItem) float64 { return it.NDCG10 }, func(it RetrieveItem) float64 { return it.RR10 },
		func(it RetrieveItem) float64 { return it.R10 }, func(it RetrieveItem) float64 { return it.R100 },
		func(it RetrieveItem) float64 { return it.AP }, func(it RetrieveItem) float64 { return it.S1 },
	}
	iv := bootstrapMeans(items, opt, get...)
	f := RetrieveFigures{
		P1:       mean(items, func(it RetrieveItem) float64 { return it.P1 }),
		P10:      mean(items, func(it RetrieveItem) float64 { return it.P10 }),
		Success5: mean(items, func(it RetrieveItem) float64 { return it.S5 }), Success10: mean(items, func(it RetrieveItem) float64 { return it.S10 }),
		BPref: mean(items, func(it RetrieveItem) float64 { return it.BPref }),
	}
	f.NDCG10, f.NDCG10Low, f.NDCG10High = mean(items, get[0]), iv[0].Low, iv[0].High
	f.MRR10, f.MRR10Low, f.MRR10High = mean(items, get[1]), iv[1].Low, iv[1].High
	f.R10, f.R10Low, f.R10High = mean(items, get[2]), iv[2].Low, iv[2].High
	f.R100, f.R100Low, f.R100High = mean(items, get[3]), iv[3].Low, iv[3].High
	f.MAP, f.MAPLow, f.MAPHigh = mean(items, get[4]), iv[4].Low, iv[4].High
	f.Success1, f.Success1Low, f.Success1High = mean(items, get[5]), iv[5].Low, iv[5].High
	return f
}

func retrieveSlice(items []RetrieveItem, opt RetrieveOptions) RetrieveSlice {
	ndcg := func(it RetrieveItem) float64 { return it.NDCG10 }
	iv := bootstrapMeans(items, opt, ndcg)
	return RetrieveSlice{
		Queries: len(items), NDCG10: mean(items, ndcg), NDCGLow: iv[0].Low, NDCGHigh: iv[0].High,
		MRR10:    mean(items, func(it RetrieveItem) float64 { return it.RR10 }),
		R10:      mean(items, func(it RetrieveItem) float64 { return it.R10 }),
		R100:     mean(items, func(it RetrieveItem) float64 { return it.R100 }),
		Success1: mean(items, func(it RetrieveItem) float64 { return it.S1 }),
	}
}

func mean(items []RetrieveItem, get func(RetrieveItem) float64) Number {
	var sum float64
	for _, it := range items {
		sum += get(it)
	}
	return Number(sum / float64(len(items))) // 0/0 is undefined
}

func bootstrapMeans(items []RetrieveItem, opt RetrieveOptions, get ...func(RetrieveItem) float64) []interval {
	statistics := make([]func([]int) float64, len(get))
	for s, g := range get {
		values := make([]float64, len(items))
		for i, it := range items {
			values[i] = g(it)
		}
		statistics[s] = weightedMean(values)
	}
	return bootstrap(len(items), opt.Resamples, opt.Seed, statistics...)
}

// percentiles gives the nearest-rank percentiles, so that each is a latency that was measured.
func percentiles(latencies []time.Duration) *Percentiles {
	if len(latencies) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(latencies))
	at := func(q float64) Number {
		i := int(math.Ceil(q*float64(len(sorted)))) - 1
		return milliseconds(sorted[max(i, 0)])
	}
	var sum time.Duration
	for _, d := range sorted {
		sum += d
	}
	return &Percentiles{P50: at(0.50), P95: at(0.95), P99: at(0.99), Max: at(1), Mean: milliseconds(sum) / Number(len(sorted))}
}

func milliseconds(d time.Duration) Number { return Number(float64(d) / float64(time.Millisecond)) }
