package server

import "github.com/prometheus/client_golang/prometheus"

// replicaCollector gives how the service stands among several; nothing where it is alone.
type replicaCollector struct {
	status                        func() Status
	builder, epoch, synced, fault *prometheus.Desc
}

func newReplicaCollector(status func() Status) replicaCollector {
	return replicaCollector{
		status:  status,
		builder: prometheus.NewDesc("prediag_replica_builder", "1 when this process builds and publishes generations.", nil, nil),
		epoch:   prometheus.NewDesc("prediag_replica_epoch", "Epoch of the builder; grows when another process takes over.", nil, nil),
		synced:  prometheus.NewDesc("prediag_replica_synced_time_seconds", "When the shared store last answered, in Unix time.", nil, nil),
		fault:   prometheus.NewDesc("prediag_replica_fault", "1 when this process cannot be brought to what the shared store has.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c replicaCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.builder, c.epoch, c.synced, c.fault} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c replicaCollector) Collect(out chan<- prometheus.Metric) {
	r := c.status().Replica
	if r == nil {
		return
	}
	for d, v := range map[*prometheus.Desc]float64{
		c.builder: boolean(r.Builder), c.epoch: float64(r.Epoch), c.synced: unixTime(r.Synced), c.fault: boolean(r.Fault != ""),
	} {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
}
