package kb

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLatencyPlot draws latency.svg and articles.svg in the folder PREDIAG_LATENCY_SVG: the time of a search over the words of the
// query in the last of the knowledge bases of PREDIAG_BENCH_KB, a list as in PATH, and that of 20 words over their articles. It counts the
// computing time of the search's thread, which other work on the machine changes less.
//
//	PREDIAG_BENCH_KB=small/kb:data/kb PREDIAG_LATENCY_SVG=docs/pictures/search go test ./kb -run LatencyPlot -v
func TestLatencyPlot(t *testing.T) {
	dirs, out := filepath.SplitList(os.Getenv("PREDIAG_BENCH_KB")), os.Getenv("PREDIAG_LATENCY_SVG")
	if len(dirs) == 0 || out == "" {
		t.Skip("set PREDIAG_BENCH_KB and PREDIAG_LATENCY_SVG")
	}
	runtime.LockOSThread()
	byWords, byArticles := plot{axis: "words of the query"}, plot{axis: "articles", title: "Computing time of a search of 20 words"}
	for i, dir := range dirs {
		k := open(t, dir, Options{VerifyBytes: math.MaxInt64})
		k.background.Wait() // until the generation is warm
		if i == len(dirs)-1 {
			byWords.title = fmt.Sprintf("Computing time of a search, %d articles", k.current.manifest.Articles)
			for _, words := range []int{5, 10, 20, 50, 100, 200, 400} {
				byWords.add(t, words, searchTimes(t, k, words))
			}
		}
		byArticles.add(t, k.current.manifest.Articles, searchTimes(t, k, 20))
		require.NoError(t, k.Close())
	}
	require.NoError(t, os.WriteFile(filepath.Join(out, "latency.svg"), []byte(byWords.svg()), 0o644))
	if len(dirs) > 1 {
		require.NoError(t, os.WriteFile(filepath.Join(out, "articles.svg"), []byte(byArticles.svg()), 0o644))
	}
}

// searchTimes are the milliseconds of 500 queries of so many words, in rising order, after 200 others.
func searchTimes(t *testing.T, k *KB, words int) []float64 {
	for _, q := range sampleQueries(t, k, words, 200, 7) {
		searchAnew(t, k, q)
	}
	var took []float64
	for _, q := range sampleQueries(t, k, words, 500, 6) {
		begin := computing()
		searchAnew(t, k, q)
		took = append(took, float64((computing()-begin).Microseconds())/1000)
	}
	slices.Sort(took)
	return took
}

// plot is three curves of milliseconds over a number, on a logarithmic axis.
type plot struct {
	title, axis string
	at          []int
	curves      [3][]float64
}

// plotted are the percentiles that are drawn.
var plotted = [3]int{50, 95, 99}

func (p *plot) add(t *testing.T, at int, took []float64) {
	p.at = append(p.at, at)
	for i, share := range plotted {
		p.curves[i] = append(p.curves[i], took[len(took)*share/100])
	}
	n := len(p.at) - 1
	t.Logf("%d %s: p50 %.2f ms, p95 %.2f ms, p99 %.2f ms, longest %.2f ms", at, p.axis, p.curves[0][n], p.curves[1][n], p.curves[2][n], took[len(took)-1])
}

func (p *plot) svg() string {
	const left, top, width, height = 60, 40, 560, 280
	most := math.Ceil(slices.Max(p.curves[2])/5) * 5
	x := func(n int) float64 {
		lo, hi := math.Log(float64(p.at[0])), math.Log(float64(p.at[len(p.at)-1]))
		return left + width*(math.Log(float64(n))-lo)/(hi-lo)
	}
	y := func(ms float64) float64 { return top + height*(1-ms/most) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 380" font-family="sans-serif" font-size="12" fill="#555">`+"\n<title>%s</title>\n", p.title)
	fmt.Fprintf(&b, `<text x="%d" y="22" font-size="14">%s</text>`+"\n", left, p.title)
	for i := range 6 {
		ms := most * float64(i) / 5
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#8884"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n", left, left+width, y(ms), y(ms), left-6, y(ms)+4, ms)
	}
	for _, n := range p.at {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n", x(n), top+height+18, n)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text><text x="14" y="%d" transform="rotate(-90 14 %d)" text-anchor="middle">ms</text>`+"\n", left+width/2, top+height+40, p.axis, top+height/2, top+height/2)
	for i, share := range plotted {
		colour := []string{"#2a7", "#27c", "#c52"}[i]
		var points []string
		for j, n := range p.at {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(n), y(p.curves[i][j])))
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/><text x="%d" y="%.1f" fill="%s">p%d</text>`+"\n",
			strings.Join(points, " "), colour, left+width+8, y(p.curves[i][len(p.at)-1])+4, colour, share)
	}
	b.WriteString("</svg>\n")
	return b.String()
}
