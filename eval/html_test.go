package eval

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

// simulated makes n decisions of a model that is calibrated save for some overconfidence.
func simulated(n, labels int) []ClassifyItem {
	names := []string{"compute/start-failure", "compute/login-failure", "storage/disk-expand", "network/dns", "network/connectivity",
		"database/connection", "container/image-pull", "identity/login-mfa", "billing/invoice", "billing/refund", "security/certificate", "storage/object-access"}
	name := func(i int) string {
		if i < len(names) {
			return names[i]
		}
		return fmt.Sprintf("label/%03d", i)
	}
	rng := rand.New(rand.NewPCG(11, 12))
	items := make([]ClassifyItem, n)
	for i := range items {
		truth := int(math.Pow(rng.Float64(), 1.6) * float64(labels))
		p := 0.25 + 0.75*math.Pow(rng.Float64(), 0.35)
		told := truth
		if rng.Float64() > p*0.97 {
			told = (truth + 1 + rng.IntN(3)) % labels
		}
		it := ClassifyItem{ID: fmt.Sprintf("T-%05d", i), Language: []string{"en", "zh", "ja", "de"}[rng.IntN(4)], Truth: name(truth), Label: name(told),
			Probability: p, InScope: 0.9, Right: told == truth, model: "3f9a1c"}
		it.Ranked = []prediag.Label{{Value: it.Label, Probability: p}}
		it.Slices = map[string]string{"length": []string{"under 50", "50 to 199", "200 to 999"}[rng.IntN(3)], "tier": []string{"L1", "L2", "L3"}[rng.IntN(3)]}
		if i%25 == 0 {
			it.Truth, it.Right, it.InScope, it.Refused = prediag.LabelOutOfScope, false, 0.3, i%50 == 0
		}
		if it.Right {
			it.Rank = 1
		}
		items[i] = it
	}
	return items
}

func renderSimulated(t *testing.T, n, labels int, opt HTMLOptions) string {
	items := simulated(n, labels)
	r := classifyReport(items, ClassifyOptions{Resamples: 200}.withDefaults())
	var b strings.Builder
	require.NoError(t, WriteHTML(&b, r, items, opt))
	return b.String()
}

func TestHTMLStandsAlone(t *testing.T) {
	page := renderSimulated(t, 900, 12, HTMLOptions{
		Title: "Ticket categories, held-out fifth", Policy: 0.85, Provenance: [][2]string{{"commit", "9e9af1e"}, {"seed", "0"}},
		Text: func(id string) string { return "<script>alert('" + id + "')</script> cannot log in" },
	})
	require.NotContains(t, page, "<script", "no scripts, not even from tickets")
	require.Contains(t, page, "&lt;script&gt;alert(")
	require.NotRegexp(t, `(src|href)=`, page, "nothing is fetched")
	require.NotContains(t, page, "NaN")
	require.NotContains(t, page, "ZgotmplZ", "the template refused no value")
	require.Contains(t, page, "prefers-color-scheme: dark")
	require.Contains(t, page, "≥ 0.85 policy")
	require.Contains(t, page, "network/dns")
	if path := os.Getenv("EVAL_REPORT"); path != "" {
		require.NoError(t, os.WriteFile(path, []byte(page), 0o644))
	}
}

func TestHTMLIsSmallWhateverTheData(t *testing.T) {
	items := simulated(8_000, 1500)
	for i := range items {
		items[i].ID += strings.Repeat("汉", 1000)
		items[i].Slices["product"] = fmt.Sprint(strings.Repeat("p", 500), i%1000)
	}
	r := classifyReport(items, ClassifyOptions{Resamples: 10}.withDefaults())
	for i := range r.PerClass {
		r.PerClass[i].Label += strings.Repeat("x", 5000)
	}
	var b strings.Builder
	require.NoError(t, WriteHTML(&b, r, items, HTMLOptions{Text: func(string) string { return strings.Repeat("字", 100_000) }}))
	require.Less(t, b.Len(), 2<<20)
	require.Greater(t, b.Len(), 10_000)
}

func TestHTMLWithoutItems(t *testing.T) {
	var b strings.Builder
	require.NoError(t, WriteHTML(&b, classifyReport(nil, ClassifyOptions{}.withDefaults()), nil, HTMLOptions{}))
	require.Contains(t, b.String(), "n/a")
	require.NotContains(t, b.String(), "NaN")
}

// wellFormed reads the SVG as XML.
func wellFormed(t *testing.T, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
	}
}

func TestPlotsAreWellFormed(t *testing.T) {
	items := scoredOf(simulated(500, 12))
	for _, picture := range []string{
		ReliabilitySVG(EqualWidthBins(items, 15)), ReliabilitySVG(nil), ReliabilitySVG(EqualWidthBins(nil, 15)),
		RiskCoverageSVG(items, []Mark{{"a <b> & c", 0.9}}), RiskCoverageSVG(nil, []Mark{{"x", 0.5}}), RiskCoverageSVG(items[:1], nil),
		ConfusionSVG(confusionOf(simulated(500, 60))), ConfusionSVG(Confusion{}), ConfusionSVG(NewConfusion([]string{"<&\">"}, []string{"b"})),
	} {
		wellFormed(t, picture)
		require.NotContains(t, picture, "NaN")
		require.NotContains(t, picture, "Inf")
	}
}

func TestCondenseKeepsTheCounts(t *testing.T) {
	c := confusionOf(simulated(2000, 60))
	small := c.condense(20)
	require.Len(t, small.Labels, 20)
	require.Equal(t, otherLabels, small.Labels[19])
	require.Equal(t, c.Total(), small.Total())
	require.Equal(t, c, c.condense(100))
}

func TestThresholdTableByHand(t *testing.T) {
	rows := ThresholdTable(four(), []float64{0, 0.65, 0.8, 0.95})
	require.Equal(t, []int{4, 3, 2, 0}, []int{rows[0].Answered, rows[1].Answered, rows[2].Answered, rows[3].Answered})
	require.Equal(t, []int{1, 1, 0, 0}, []int{rows[0].Wrong, rows[1].Wrong, rows[2].Wrong, rows[3].Wrong})
	require.Equal(t, Number(0.75), rows[1].Coverage)
	require.InDelta(t, 2.0/3, float64(rows[1].Precision), 1e-12)
	require.False(t, rows[3].Precision.Defined())
}

func TestNiceLimit(t *testing.T) {
	for v, want := range map[float64]float64{0.01: 0.01, 0.011: 0.015, 0.24: 0.25, 0.31: 0.4, 0.8: 1, 7: 7.5} {
		require.InDelta(t, want, niceLimit(v), 1e-12)
	}
}

func BenchmarkHTML(b *testing.B) {
	items := simulated(10_000, 150)
	r := classifyReport(items, ClassifyOptions{Resamples: 10}.withDefaults())
	for b.Loop() {
		if err := WriteHTML(io.Discard, r, items, HTMLOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
