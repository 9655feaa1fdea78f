package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"prediag/eval"
)

// rows are lines of aligned columns.
type rows struct{ *tabwriter.Writer }

func newRows(p *page) rows { return rows{tabwriter.NewWriter(p, 0, 0, 2, ' ', 0)} }

func (r rows) row(format string, args ...any) { fmt.Fprintf(r, format+"\n", args...) }

func number(n eval.Number) string {
	if n != n { // not defined, e.g. for lack of items
		return "n/a"
	}
	return fmt.Sprintf("%.4f", float64(n))
}

func between(low, high eval.Number) string { return "[" + number(low) + ", " + number(high) + "]" }

func renderRetrieve(w io.Writer, r retrieveReport) error {
	var p page
	p.line("%d articles (indexed in %.1f s), %d queries (%d failed, %d cut, %d without judgement)", r.Corpus.Articles, r.IndexSeconds, r.Queries, r.Failed, r.Cut, r.Unjudged)
	renderSkipped(&p, r.Corpus.Skipped)
	if err := renderMarkdown(&p, r.WriteMarkdown); err != nil {
		return err
	}
	return p.to(w)
}

// renderRuns lists runs, a line each.
func renderRuns(w io.Writer, runs []eval.RunSummary) error {
	var p page
	if len(runs) == 0 {
		p.line("no runs yet: measure with --save")
		return p.to(w)
	}
	t := newRows(&p)
	for _, r := range runs {
		commit := r.Commit[:min(10, len(r.Commit))]
		if r.Dirty {
			commit += "+"
		}
		interval := ""
		if r.Low.Defined() && r.High.Defined() {
			interval = between(r.Low, r.High)
		}
		t.row("%s\t%s\t%s %s\t%s\t%s", r.ID, r.Name, r.Headline, number(r.Value), interval, commit)
	}
	_ = t.Flush() // writes to memory
	return p.to(w)
}

// renderMarkdown shows a document on a terminal: tables aligned, headings and escapes taken away.
func renderMarkdown(w io.Writer, write func(io.Writer) error) error {
	var raw, p page
	if err := write(&raw); err != nil {
		return err
	}
	plain := strings.NewReplacer(`\|`, "|", `\[`, "[", `\*`, "*", `\_`, "_", "&lt;", "<", "&gt;", ">")
	t := newRows(&p)
	for line := range strings.Lines(raw.String()) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "|") {
			_ = t.Flush() // writes to memory
			p.line("%s", plain.Replace(strings.TrimLeft(line, "# ")))
			continue
		}
		if strings.HasPrefix(line, "|--") {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "| "), " |"), " | ")
		for i := range cells {
			cells[i] = plain.Replace(strings.TrimSpace(cells[i]))
		}
		t.row("  %s", strings.Join(cells, "\t"))
	}
	_ = t.Flush() // writes to memory
	return p.to(w)
}

// renderSets lists the public sets, a line each.
func renderSets(w io.Writer, sets []eval.SetState) error {
	var p page
	t := newRows(&p)
	for _, s := range sets {
		download := "can be downloaded"
		if s.Download == nil {
			download = s.WhyNot
		}
		t.row("%s\t%s\t%s\t%s\t%s", s.Path, s.Name, s.Licence, strings.TrimSpace(s.State+" "+strings.Join(s.Differs, " ")), download)
	}
	_ = t.Flush() // writes to memory
	return p.to(w)
}
