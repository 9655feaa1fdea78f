package eval

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// ReliabilitySVG draws the accuracy of each bin against its confidence, with Wilson's intervals, and below how many
// decisions each bin holds. On the diagonal a model's confidence can be taken at its word.
func ReliabilitySVG(bins []Bin) string {
	p := plot{newSVG(460, 500, "Reliability diagram: accuracy by confidence"), 56, 16, 430, 360, 1, 1}
	p.axes("", "accuracy")
	most := 1
	for _, b := range bins {
		most = max(most, b.N)
	}
	for _, b := range bins {
		if b.N > 0 {
			p.reliabilityBar(b, most)
		}
	}
	p.line(p.x(0), p.y(0), p.x(1), p.y(1), mutedColour, `stroke-dasharray="5 4"`)
	p.line(p.left, 450, p.right, 450, gridColour, "")
	p.text(p.left-8, 396, "end", 11, mutedColour, fmt.Sprint(most), "")
	p.text(p.left-8, 454, "end", 11, mutedColour, "0", "")
	p.text(14, 420, "middle", 12, inkColour, "items", `transform="rotate(-90 14 420)"`)
	p.text((p.left+p.right)/2, 478, "middle", 12, inkColour, "confidence", "")
	return p.String()
}

func (p plot) reliabilityBar(b Bin, most int) {
	low, high, accuracy, confidence := float64(b.Low), float64(b.High), float64(b.Accuracy), float64(b.Confidence)
	x, w := p.x(low)+1, p.x(high)-p.x(low)-2
	hint := fmt.Sprintf("confidence %s (mean %s): %s right of %d", percent(low)+" to "+percent(high), percent(confidence), percent(accuracy), b.N)
	top, end := max(accuracy, confidence), min(accuracy, confidence)
	p.rect(x, p.y(end), w, p.bottom-p.y(end), accentColour, `fill-opacity=".75"`, hint)
	gap := accentColour // right more often than it says
	if confidence > accuracy {
		gap = badColour // too sure of itself
	}
	p.rect(x, p.y(top), w, p.y(end)-p.y(top), gap, `fill-opacity=".28"`, hint)
	wl, wh := Wilson(int(math.Round(accuracy*float64(b.N))), b.N)
	middle := x + w/2
	p.line(middle, p.y(wl), middle, p.y(wh), inkColour, `stroke-width="1.4"`)
	p.circle(middle, p.y(accuracy), 2.4, inkColour)
	h := 58 * float64(b.N) / float64(most)
	p.rect(x, 450-h, w, h, mutedColour, `fill-opacity=".6"`, fmt.Sprintf("%d items", b.N))
}

// Mark is a point of the risk-coverage curve to be named in the plot.
type Mark struct {
	Name      string
	Threshold float64 // confidence from which on items are answered
}

// RiskCoverageSVG draws the share of wrong answers against the share of answered items, with Wilson's band, and names
// the marks.
func RiskCoverageSVG(items []Scored, marks []Mark) string {
	curve := thin(RiskCoverage(items), 300)
	highest := 0.01
	for _, c := range curve {
		if c.Coverage >= 0.2 { // the wide band of the first few items would squeeze the rest
			_, high := wilsonOf(c, len(items))
			highest = max(highest, high)
		}
		if c.Coverage >= 0.05 {
			highest = max(highest, c.Risk)
		}
	}
	p := plot{newSVG(460, 500, "Risk-coverage curve"), 62, 16, 430, 440, 1, min(niceLimit(highest), 1)}
	p.axes("coverage: share of items answered", "risk: share wrong of these")
	var line, band [][2]float64
	for _, c := range curve {
		low, _ := wilsonOf(c, len(items))
		line = append(line, [2]float64{p.x(c.Coverage), p.y(min(c.Risk, p.maxY))})
		band = append(band, [2]float64{p.x(c.Coverage), p.y(min(low, p.maxY))})
	}
	for _, c := range slices.Backward(curve) {
		_, high := wilsonOf(c, len(items))
		band = append(band, [2]float64{p.x(c.Coverage), p.y(min(high, p.maxY))})
	}
	if len(curve) > 0 {
		p.path(band, true, accentColour, `fill-opacity=".16"`)
		p.path(line, false, accentColour, `stroke-width="2"`)
	}
	for i, m := range marks {
		if row := thresholdRow(items, m.Threshold); row.Answered > 0 {
			p.mark(m.Name, float64(row.Coverage), 1-float64(row.Precision), i)
		}
	}
	return p.String()
}

// mark names a point from above: each name has a line of its own, so that near points stay legible.
func (p plot) mark(name string, coverage, risk float64, number int) {
	x, y := p.x(coverage), p.y(min(risk, p.maxY))
	p.line(x, p.bottom, x, p.top+18+16*float64(number), goodColour, `stroke-dasharray="3 3"`)
	p.circle(x, y, 4, goodColour)
	anchor, dx := "start", 5.0
	if coverage > 0.6 {
		anchor, dx = "end", -5
	}
	p.text(x+dx, p.top+26+16*float64(number), anchor, 12, goodColour, name, `font-weight="600"`)
}

func wilsonOf(c CoveragePoint, n int) (low, high float64) {
	answered := math.Round(c.Coverage * float64(n))
	return Wilson(int(math.Round(c.Risk*answered)), int(answered))
}

// thin keeps at most about limit points, evenly spread, the last one among them.
func thin(curve []CoveragePoint, limit int) []CoveragePoint {
	if len(curve) <= limit {
		return curve
	}
	out := make([]CoveragePoint, limit)
	for i := range out {
		out[i] = curve[(i+1)*len(curve)/limit-1]
	}
	return out
}

// niceLimit is the next value whose fifths are short numbers.
func niceLimit(v float64) float64 {
	for power := math.Pow(10, math.Floor(math.Log10(v))); ; power *= 10 {
		for _, step := range []float64{1, 1.5, 2, 2.5, 3, 4, 5, 7.5} {
			if step*power >= v {
				return step * power
			}
		}
	}
}

// shownLabels is the number of labels that a confusion matrix can show legibly.
const shownLabels = 25

// otherLabels stands for the labels that a confusion matrix leaves out.
const otherLabels = "(others)"

// ConfusionSVG draws the confusion matrix with its counts, truth by row. Of more than 25 labels it shows those with the
// most errors and joins the rest.
func ConfusionSVG(c Confusion) string {
	c = c.condense(shownLabels)
	const cellSize = 30.0
	longest := 8
	for _, label := range c.Labels {
		longest = max(longest, min(utf8.RuneCountInString(label), 32))
	}
	side, top := 30+6.2*float64(longest), 26+5.2*float64(longest) // the names above stand at a slant
	n := float64(len(c.Labels))
	s := newSVG(side+n*cellSize+0.6*side, top+n*cellSize+16, "Confusion matrix with counts")
	s.text(side-8, top-10, "end", 11, mutedColour, "truth ↓   predicted →", "")
	for i, label := range c.Labels {
		x, y := side+float64(i)*cellSize, top+float64(i)*cellSize
		s.text(side-8, y+cellSize/2+4, "end", 11, inkColour, shorten(label, 32), "")
		s.text(x+cellSize/2, top-8, "start", 11, inkColour, shorten(label, 32), fmt.Sprintf(`transform="rotate(-55 %.1f %.1f)"`, x+cellSize/2, top-8))
		for j, count := range c.Counts[i] {
			s.confusionCell(side+float64(j)*cellSize, y, cellSize, c, i, j, count)
		}
	}
	return s.String()
}

func (s *svg) confusionCell(x, y, size float64, c Confusion, i, j, count int) {
	if count == 0 {
		s.rect(x+.5, y+.5, size-1, size-1, gridColour, `fill-opacity=".35"`, "")
		return
	}
	share := zeroRatio(count, c.support(i))
	colour := badColour
	if i == j {
		colour = accentColour
	}
	hint := fmt.Sprintf("%s told as %s: %d of %d (%s)", c.Labels[i], c.Labels[j], count, c.support(i), percent(share))
	s.rect(x+.5, y+.5, size-1, size-1, colour, fmt.Sprintf(`fill-opacity="%.2f"`, 0.12+0.6*share), hint)
	s.text(x+size/2, y+size/2+4, "middle", 11, inkColour, compact(count), `pointer-events="none"`)
}

// compact writes a count within four characters.
func compact(n int) string {
	switch {
	case n < 10_000:
		return fmt.Sprint(n)
	case n < 1_000_000:
		return fmt.Sprintf("%dk", n/1000)
	}
	return fmt.Sprintf("%dM", n/1_000_000)
}

// condense keeps the labels with the most errors, in their order, and joins the others into one.
func (c Confusion) condense(limit int) Confusion {
	if len(c.Labels) <= limit {
		return c
	}
	errors := make([]int, len(c.Labels))
	order := make([]int, len(c.Labels))
	for i := range c.Labels {
		order[i] = i
		errors[i] = c.support(i) + c.predicted(i) - 2*c.Counts[i][i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(errors[b], errors[a]) })
	kept := slices.Sorted(slices.Values(order[:limit-1]))
	at := make([]int, len(c.Labels))
	for i := range at {
		at[i] = len(kept)
	}
	out := Confusion{}
	for to, from := range kept {
		at[from] = to
		out.Labels = append(out.Labels, c.Labels[from])
	}
	out.Labels = append(out.Labels, otherLabels)
	out.Counts = make([][]int, len(out.Labels))
	for i := range out.Counts {
		out.Counts[i] = make([]int, len(out.Labels))
	}
	for i := range c.Counts {
		for j, n := range c.Counts[i] {
			out.Counts[at[i]][at[j]] += n
		}
	}
	return out
}

// shorten cuts a text to at most limit characters, from its beginning, because the end of a taxonomy's path tells more.
func shorten(s string, limit int) string {
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	return "…" + string(runes[len(runes)-limit+1:])
}
