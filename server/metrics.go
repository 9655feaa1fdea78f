package server

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"google.golang.org/grpc/codes"

	"prediag"
)

// metrics are what the service counts. Labels take values from closed sets only, so that no input can make series.
type metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	outcomes *prometheus.CounterVec
	panics   prometheus.Counter
}

func newMetrics(status func() Status, now func() time.Time) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "prediag_calls_total", Help: "Calls by method and status code."}, []string{"method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "prediag_call_seconds", Help: "Duration of calls by method.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method"}),
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "prediag_outcomes_total", Help: "Diagnoses by outcome."}, []string{"outcome"}),
		panics:   prometheus.NewCounter(prometheus.CounterOpts{Name: "prediag_panics_total", Help: "Handlers that panicked."}),
	}
	m.registry.MustRegister(m.calls, m.seconds, m.outcomes, m.panics, newShadowCollector(status), newWatchCollector(status), newReplicaCollector(status), newEmbeddingsCollector(status),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for name, g := range map[string]struct {
		help  string
		value func(Status) float64
	}{
		"prediag_index_generation":        {"Generation of the index that serves.", func(s Status) float64 { return float64(s.Generation.Number) }},
		"prediag_index_articles":          {"Articles in the index.", func(s Status) float64 { return float64(s.Generation.Articles) }},
		"prediag_index_bytes":             {"Size of the index on disk.", func(s Status) float64 { return float64(s.Generation.Bytes) }},
		"prediag_index_age_seconds":       {"Time since the index was last known to hold what its sources hold.", func(s Status) float64 { return age(s, now()).Seconds() }},
		"prediag_index_stale":             {"1 when the last good refresh is longer ago than the policy allows.", func(s Status) float64 { return boolean(s.IndexStale) }},
		"prediag_index_made_time_seconds": {"When the generation that serves was made, in Unix time.", func(s Status) float64 { return unixTime(s.Generation.Created) }},
		"prediag_index_degraded":          {"1 when something is wrong with the index, the policy or the newest model.", func(s Status) float64 { return boolean(s.Degraded != "") }},
		"prediag_model_swaps":             {"Models that took another one's place since the start.", func(s Status) float64 { return float64(s.ModelSwaps) }},
		"prediag_model_fault":             {"1 when the newest model does not serve.", func(s Status) float64 { return boolean(s.ModelFault != "") }},
		"prediag_policy_stale":            {"1 when the policy was fitted on another model, taxonomy or search: nothing is done automatically.", func(s Status) float64 { return boolean(len(s.Stale) > 0) }},
		"prediag_policy_warranted":        {"1 when the policy's thresholds are fitted ones and unchanged, 0 when they were set by hand.", func(s Status) float64 { return boolean(s.Warranted) }},
		"prediag_ready":                   {"1 when the service can answer.", func(s Status) float64 { return boolean(s.NotReady == "") }},
	} {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: g.help}, func() float64 { return g.value(status()) }))
	}
	return m
}

func (m *metrics) call(method string, code codes.Code, took time.Duration) {
	method = method[strings.LastIndexByte(method, '/')+1:]
	m.calls.WithLabelValues(method, code.String()).Inc()
	m.seconds.WithLabelValues(method).Observe(took.Seconds())
}

func (m *metrics) outcome(o prediag.Outcome) { m.outcomes.WithLabelValues(string(o)).Inc() }

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// unixTime is a time in seconds; 0 for the zero time.
func unixTime(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// age is how old the index is; 0 before there is one.
func age(s Status, now time.Time) time.Duration {
	if s.Refreshed.IsZero() {
		return 0
	}
	return max(0, now.Sub(s.Refreshed))
}

// shadowCollector gives the counts of the candidate that decides in the background; nothing where none does.
type shadowCollector struct {
	status                     func() Status
	decided, dropped, failures *prometheus.Desc
}

func newShadowCollector(status func() Status) shadowCollector {
	return shadowCollector{
		status:   status,
		decided:  prometheus.NewDesc("prediag_shadow_decisions_total", "Tickets by outcome and by the candidate's outcome.", []string{"from", "to"}, nil),
		dropped:  prometheus.NewDesc("prediag_shadow_dropped_total", "Tickets that the candidate did not get because it was behind.", nil, nil),
		failures: prometheus.NewDesc("prediag_shadow_errors_total", "Tickets on which the candidate failed.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c shadowCollector) Describe(out chan<- *prometheus.Desc) {
	out <- c.decided
	out <- c.dropped
	out <- c.failures
}

// Collect implements prometheus.Collector.
func (c shadowCollector) Collect(out chan<- prometheus.Metric) {
	s := c.status().Shadow
	if s == nil {
		return
	}
	for t, n := range s.Decided {
		out <- prometheus.MustNewConstMetric(c.decided, prometheus.CounterValue, float64(n), string(t.From), string(t.To))
	}
	out <- prometheus.MustNewConstMetric(c.dropped, prometheus.CounterValue, float64(s.Dropped))
	out <- prometheus.MustNewConstMetric(c.failures, prometheus.CounterValue, float64(s.Failed))
}
