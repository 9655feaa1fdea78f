package kb

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLatencyPlot draws docs/pictures/search/latency.svg: the time of a search over the words of the query, in the knowledge
// base of PREDIAG_BENCH_KB. It counts the computing time of the search's thread, which other work on the machine changes less.
//
//	PREDIAG_BENCH_KB=data/kb PREDIAG_LATENCY_SVG=docs/pictures/search/latency.svg go test ./kb -run LatencyPlot -v
func TestLatencyPlot(t *testing.T) {
	dir, file := os.Getenv("PREDIAG_BENCH_KB"), os.Getenv("PREDIAG_LATENCY_SVG")
	if dir == "" || file == "" {
		t.Skip("set PREDIAG_BENCH_KB and PREDIAG_LATENCY_SVG")
	}
	k := open(t, dir, Options{VerifyBytes: math.MaxInt64})
	k.background.Wait() // until the generation is warm
	runtime.LockOSThread()
	words := []int{5, 10, 20, 50, 100, 200, 400}
	var curves [3][]float64
	for _, n := range words {
		for _, q := range sampleQueries(t, k, n, 200, 7) {
			searchAnew(t, k, q)
		}
		var took []float64
		for _, q := range sampleQueries(t, k, n, 500, 6) {
			begin := computing()
			searchAnew(t, k, q)
			took = append(took, float64((computing()-begin).Microseconds())/1000)
		}
		slices.Sort(took)
		for i, share := range []int{50, 95, 99} {
			curves[i] = append(curves[i], took[len(took)*share/100])
		}
		t.Logf("%d words: p50 %.2f ms, p95 %.2f ms, p99 %.2f ms", n, curves[0][len(curves[0])-1], curves[1][len(curves[1])-1], curves[2][len(curves[2])-1])
	}
	title := fmt.Sprintf("Computing time of a search, %d articles", k.current.manifest.Articles)
	require.NoError(t, os.WriteFile(file, []byte(latencySVG(title, words, curves)), 0o644))
}

// latencySVG plots three curves of milliseconds over words, words on a logarithmic axis.
func latencySVG(title string, words []int, curves [3][]float64) string {
	const left, top, width, height = 60, 40, 560, 280
	most := math.Ceil(slices.Max(curves[2])/10) * 10
	x := func(n int) float64 {
		lo, hi := math.Log(float64(words[0])), math.Log(float64(words[len(words)-1]))
		return left + width*(math.Log(float64(n))-lo)/(hi-lo)
	}
	y := func(ms float64) float64 { return top + height*(1-ms/most) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 380" font-family="sans-serif" font-size="12" fill="#555">`+"\n<title>%s</title>\n", title)
	fmt.Fprintf(&b, `<text x="%d" y="22" font-size="14">%s</text>`+"\n", left, title)
	for i := range 6 {
		ms := most * float64(i) / 5
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#8884"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n", left, left+width, y(ms), y(ms), left-6, y(ms)+4, ms)
	}
	for _, n := range words {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n", x(n), top+height+18, n)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">words of the query</text><text x="14" y="%d" transform="rotate(-90 14 %d)" text-anchor="middle">ms</text>`+"\n", left+width/2, top+height+40, top+height/2, top+height/2)
	for i, name := range []string{"p50", "p95", "p99"} {
		colour := []string{"#2a7", "#27c", "#c52"}[i]
		var points []string
		for j, n := range words {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(n), y(curves[i][j])))
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/><text x="%d" y="%.1f" fill="%s">%s</text>`+"\n",
			strings.Join(points, " "), colour, left+width+8, y(curves[i][len(words)-1])+4, colour, name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}
