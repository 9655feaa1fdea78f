package eval

import (
	"fmt"
	"html"
	"strings"
)

// The plots take their colours from the page's custom properties, so that they follow its light or dark theme, and
// fall back to those of the light theme where an SVG stands alone.
const (
	inkColour    = "var(--ink,#1d2530)"
	mutedColour  = "var(--muted,#667085)"
	gridColour   = "var(--grid,#e3e7ee)"
	accentColour = "var(--accent,#2b66d9)"
	badColour    = "var(--bad,#cf4236)"
	goodColour   = "var(--good,#17875a)"
)

// svg builds one picture. Text is escaped; coordinates have one decimal, so that equal data give equal bytes.
type svg struct {
	b             strings.Builder
	width, height float64
}

func newSVG(width, height float64, label string) *svg {
	s := &svg{width: width, height: height}
	fmt.Fprintf(&s.b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img" aria-label="%s" font-family="system-ui,sans-serif">`,
		width, height, width, height, html.EscapeString(label))
	return s
}

func (s *svg) line(x1, y1, x2, y2 float64, colour, more string) {
	fmt.Fprintf(&s.b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" style="stroke:%s"%s/>`, x1, y1, x2, y2, colour, attributes(more))
}

// rect draws a rectangle; hint is shown by a browser when the pointer rests on it.
func (s *svg) rect(x, y, w, h float64, colour, more, hint string) {
	fmt.Fprintf(&s.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" style="fill:%s"%s`, x, y, max(w, 0), max(h, 0), colour, attributes(more))
	if hint == "" {
		s.b.WriteString("/>")
		return
	}
	fmt.Fprintf(&s.b, `><title>%s</title></rect>`, html.EscapeString(hint))
}

func (s *svg) circle(x, y, r float64, colour string) {
	fmt.Fprintf(&s.b, `<circle cx="%.1f" cy="%.1f" r="%.1f" style="fill:%s"/>`, x, y, r, colour)
}

// text writes at a point; anchor is start, middle or end.
func (s *svg) text(x, y float64, anchor string, size float64, colour, content, more string) {
	fmt.Fprintf(&s.b, `<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%.3g" style="fill:%s"%s>%s</text>`,
		x, y, anchor, size, colour, attributes(more), html.EscapeString(content))
}

// path joins points; closed ones are filled, open ones drawn.
func (s *svg) path(points [][2]float64, closed bool, colour, more string) {
	var d strings.Builder
	for i, p := range points {
		fmt.Fprintf(&d, "%c%.1f %.1f", "ML"[min(i, 1)], p[0], p[1])
	}
	if closed {
		fmt.Fprintf(&s.b, `<path d="%sZ" style="fill:%s;stroke:none"%s/>`, d.String(), colour, attributes(more))
		return
	}
	fmt.Fprintf(&s.b, `<path d="%s" style="stroke:%s;fill:none"%s/>`, d.String(), colour, attributes(more))
}

func (s *svg) String() string { return s.b.String() + "</svg>" }

func attributes(more string) string {
	if more == "" {
		return ""
	}
	return " " + more
}

// plot is an SVG with two axes.
type plot struct {
	*svg
	left, top, right, bottom float64 // of the plotting area
	maxX, maxY               float64 // both axes start at 0
}

func (p plot) x(v float64) float64 { return p.left + v/p.maxX*(p.right-p.left) }
func (p plot) y(v float64) float64 { return p.bottom - v/p.maxY*(p.bottom-p.top) }

// axes draws the grid, both axes in five steps of percent, and their names.
func (p plot) axes(nameX, nameY string) {
	for i := range 6 {
		at := float64(i) / 5
		p.line(p.left, p.y(at*p.maxY), p.right, p.y(at*p.maxY), gridColour, "")
		p.line(p.x(at*p.maxX), p.top, p.x(at*p.maxX), p.bottom, gridColour, "")
		p.text(p.left-8, p.y(at*p.maxY)+4, "end", 11, mutedColour, percent(at*p.maxY), "")
		p.text(p.x(at*p.maxX), p.bottom+16, "middle", 11, mutedColour, percent(at*p.maxX), "")
	}
	p.text((p.left+p.right)/2, p.bottom+36, "middle", 12, inkColour, nameX, "")
	middle := (p.top + p.bottom) / 2
	p.text(14, middle, "middle", 12, inkColour, nameY, fmt.Sprintf(`transform="rotate(-90 14 %.1f)"`, middle))
}

// percent writes a share with as many decimals as it needs: 5 %, 2.5 %, 0.25 %.
func percent(v float64) string { return fmt.Sprintf("%.3g\u00a0%%", 100*v) }
