package lang

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// calibrationError is the expected calibration error with ten bins of equal width (Guo et al. 2017).
func calibrationError(list []outcome) float64 {
	var n, sum, right [10]float64
	for _, o := range list {
		b := min(int(o.confidence*10), 9)
		n[b]++
		sum[b] += o.confidence
		if o.right {
			right[b]++
		}
	}
	total := 0.0
	for b := range n {
		total += math.Abs(sum[b] - right[b])
	}
	return total / float64(len(list))
}

func TestCalibrationErrorByHand(t *testing.T) {
	t.Parallel()
	require.InDelta(t, 0.4, calibrationError([]outcome{{0.9, true}, {0.9, false}}), 1e-9)
	require.InDelta(t, 0, calibrationError([]outcome{{1, true}, {0, false}}), 1e-9)
}

// TestConfidenceIsCalibrated: on texts cut to one to six words, where errors are frequent enough to judge it, the
// confidence is the share of right answers.
func TestConfidenceIsCalibrated(t *testing.T) {
	t.Parallel()
	y := newTally()
	y.verbose = false
	for i, e := range examples(t, "support.txt") {
		for size := 1; size <= 6; size++ {
			y.judge(t, example{e.tag, firstWords(e.text, size)})
			y.judge(t, example{e.tag, noise(firstWords(e.text, size), i)})
		}
	}
	for _, e := range examples(t, "unsupported.txt") {
		for size := 1; size <= 6; size++ {
			y.judge(t, example{e.tag, firstWords(e.text, size)})
		}
	}
	for _, threshold := range []float64{0.4, 0.5, 0.6, 0.7, 0.8, 0.9} {
		n, right := 0, 0
		for _, o := range y.conf {
			if o.confidence >= threshold {
				n++
				if o.right {
					right++
				}
			}
		}
		t.Logf("confidence from %.1f: right %.4f of %d", threshold, float64(right)/float64(n), n)
	}
	ece := calibrationError(y.conf)
	t.Logf("expected calibration error %.4f over %d answers", ece, len(y.conf))
	require.Less(t, ece, 0.05)
}

// firstWords cuts a text after a number of words, or of four letters each where there are no spaces.
func firstWords(s string, n int) string {
	words := strings.Fields(s)
	if len(words) > 3 {
		return strings.Join(words[:min(n, len(words))], " ")
	}
	r := []rune(s)
	return string(r[:min(4*n, len(r))])
}
