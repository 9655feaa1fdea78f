package eval

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// shownFlips is the number of flips that a document for people shows; the JSON has all.
const shownFlips = 20

// WriteMarkdown writes the comparison for a pull request: the verdict, the measures, the slices, the flips.
func (c Comparison) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s %s\n\n", cell(c.B), c.sentence())
	fmt.Fprintf(&b, "%d items in common", c.Items)
	if c.OnlyA > 0 || c.OnlyB > 0 {
		fmt.Fprintf(&b, ", %d only in %s, %d only in %s", c.OnlyA, cell(c.A), c.OnlyB, cell(c.B))
	}
	b.WriteString(".\n\n")
	writeDifferences(&b, c, "measure", c.Measures)
	if len(c.Slices) > 0 {
		b.WriteString("\n### " + cell(c.Measures[0].Measure) + " by slice\n\n")
		writeDifferences(&b, c, "slice", c.Slices)
	}
	if len(c.Flips) > 0 {
		writeFlips(&b, c)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// sentence is the verdict in words, e.g. "is better than A".
func (c Comparison) sentence() string {
	if c.Verdict == CannotTell {
		return fmt.Sprintf("cannot be told from %s (smallest difference that these items would show: %s)", cell(c.A), c.Measures[0].Detectable)
	}
	return fmt.Sprintf("is %s than %s", c.Verdict, cell(c.A))
}

// signed is a difference with its sign, or "n/a".
func signed(n Number) string {
	if !n.Defined() {
		return n.String()
	}
	return fmt.Sprintf("%+.4f", float64(n))
}

func gainOf(n Number) string {
	if !n.Defined() {
		return n.String()
	}
	return fmt.Sprintf("%+.4g", float64(n))
}

// pValue never says that a p-value is zero.
func pValue(p Number) string {
	if p < 0.0001 {
		return "< 0.0001"
	}
	return p.String()
}

func writeDifferences(b *strings.Builder, c Comparison, first string, list []Difference) {
	fmt.Fprintf(b, "| %s | n | %s | %s | difference (95 %%) | p | detectable | verdict |\n", first, cell(c.A), cell(c.B))
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|---|\n")
	for _, d := range list {
		name := cmp.Or(d.Slice, d.Measure)
		fmt.Fprintf(b, "| %s | %d | %s | %s | %s (%s to %s) | %s | %s | %s |\n",
			cell(name), d.N, d.A, d.B, signed(d.Difference), signed(d.Low), signed(d.High), pValue(d.P), d.Detectable, d.Verdict)
	}
}

func writeFlips(b *strings.Builder, c Comparison) {
	// the losses first: they are what a reviewer looks for
	flips := slices.Clone(c.Flips)
	slices.SortStableFunc(flips, func(x, y Flip) int { return cmp.Compare(x.Gain, y.Gain) })
	fmt.Fprintf(b, "\n### %d items changed\n\n| item | truth | %s | %s | gain |\n|---|---|---|---|--:|\n", len(flips), cell(c.A), cell(c.B))
	for _, f := range flips[:min(shownFlips, len(flips))] {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", cell(f.ID), cell(f.Truth), cell(f.A), cell(f.B), gainOf(f.Gain))
	}
	if rest := len(flips) - shownFlips; rest > 0 {
		fmt.Fprintf(b, "\n… and %d more.\n", rest)
	}
}

// cell makes a text safe within a table: labels and IDs come from data.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ", "`", "'", "<", "&lt;", ">", "&gt;", "[", `\[`, "*", `\*`, "_", `\_`).Replace(s)
}
