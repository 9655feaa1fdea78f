package eval

import "testing"

// BenchmarkIntervals is the bootstrap of a whole classification: 10,000 resamples of 2,000 items, and its parts.
func BenchmarkIntervals(b *testing.B) {
	items := inScope(simulated(2000, 77))
	for b.Loop() {
		classifyReport(items, ClassifyOptions{}.withDefaults())
	}
}
