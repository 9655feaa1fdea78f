package server

import "github.com/prometheus/client_golang/prometheus"

// watchCollector gives what humans found about answers that were drawn for checking. The categories are the taxonomy's, so
// that no input can make series; "" stands for all.
type watchCollector struct {
	status                             func() Status
	audited, precisionLow, precisionUp *prometheus.Desc
	paused                             *prometheus.Desc
}

func newWatchCollector(status func() Status) watchCollector {
	by := []string{"category"}
	return watchCollector{
		status:       status,
		audited:      prometheus.NewDesc("prediag_audited_answers", "Answers that a human checked, by category and finding.", []string{"category", "finding"}, nil),
		precisionLow: prometheus.NewDesc("prediag_audited_precision_low", "Lower end of the interval of the live precision of answers.", by, nil),
		precisionUp:  prometheus.NewDesc("prediag_audited_precision_high", "Upper end of the interval of the live precision of answers.", by, nil),
		paused:       prometheus.NewDesc("prediag_automation_paused", "1 when nothing of the category is answered automatically, because the promise does not hold.", by, nil),
	}
}

// Describe implements prometheus.Collector.
func (c watchCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.audited, c.precisionLow, c.precisionUp, c.paused} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c watchCollector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, w := range c.status().Watched {
		gauge(c.audited, float64(w.Right), w.Category, "right")
		gauge(c.audited, float64(w.Wrong), w.Category, "wrong")
		gauge(c.precisionLow, w.Low, w.Category)
		gauge(c.precisionUp, w.High, w.Category)
		gauge(c.paused, boolean(w.Paused), w.Category)
	}
}
