package server

import "github.com/prometheus/client_golang/prometheus"

// Embeddings says how the vectors of the index are.
type Embeddings struct {
	Embedder string
	Stored   int    // pieces of articles that have one
	Missing  int    // pieces that the next refresh asks for
	Refused  int    // pieces that can have none
	Queries  uint64 // searches that asked for their query's, since the start
	Failed   uint64 // of these: words alone answered
}

// embeddingsCollector gives the state of the vectors; nothing where no embedder is configured.
type embeddingsCollector struct {
	status          func() Status
	pieces          *prometheus.Desc
	queries, failed *prometheus.Desc
}

func newEmbeddingsCollector(status func() Status) embeddingsCollector {
	return embeddingsCollector{
		status:  status,
		pieces:  prometheus.NewDesc("prediag_embeddings_pieces", "Pieces of articles by whether they have a vector.", []string{"state"}, nil),
		queries: prometheus.NewDesc("prediag_embeddings_queries_total", "Searches that asked for their query's vector.", nil, nil),
		failed:  prometheus.NewDesc("prediag_embeddings_unavailable_total", "Searches that words alone answered because vectors could not help in time.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c embeddingsCollector) Describe(out chan<- *prometheus.Desc) {
	out <- c.pieces
	out <- c.queries
	out <- c.failed
}

// Collect implements prometheus.Collector.
func (c embeddingsCollector) Collect(out chan<- prometheus.Metric) {
	s := c.status().Embeddings
	if s == nil {
		return
	}
	for state, n := range map[string]int{"stored": s.Stored, "missing": s.Missing, "refused": s.Refused} {
		out <- prometheus.MustNewConstMetric(c.pieces, prometheus.GaugeValue, float64(n), state)
	}
	out <- prometheus.MustNewConstMetric(c.queries, prometheus.CounterValue, float64(s.Queries))
	out <- prometheus.MustNewConstMetric(c.failed, prometheus.CounterValue, float64(s.Failed))
}
