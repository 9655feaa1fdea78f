package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"prediag/kb"
)

func renderKBState(w io.Writer, st kbState) error {
	var p page
	switch g := st.Generation; {
	case st.Serving == 0:
		p.line("No generation serves.")
	case g != nil && g.Number == st.Serving:
		p.line("Generation %d: %d articles, %.1f MB, made %s.", g.Number, g.Articles, float64(g.Bytes)/1e6, g.Created.Local().Format(time.DateTime))
	default:
		p.line("Generation %d serves.", st.Serving)
	}
	if g := st.Generation; g != nil {
		if t := g.Twins; t.Groups > 0 {
			p.line("%d articles say the same as another and %d nearly the same: prediag kb twins lists them.", t.Exact, t.Near)
		}
		if g.Golden != nil {
			renderGolden(&p, *g.Golden)
		}
	}
	if st.Degraded != "" {
		p.line("Degraded: %s", st.Degraded)
	}
	if !st.Refreshed.IsZero() {
		stale := ""
		if st.Stale {
			stale = "  (stale)"
		}
		p.line("Last good refresh %s, %s ago.%s", st.Refreshed.Local().Format(time.DateTime), shortAge(st.AgeSeconds), stale)
	}
	if st.Service != nil {
		p.line("Served by process %d at %s since %s.", st.Service.PID, st.Service.GRPC, st.Service.Since.Local().Format(time.DateTime))
	}
	if r := st.Running; r != nil {
		p.line("Refresh %s is %s: %d of %d.", r.ID, r.Stage, r.Done, r.Total)
	} else if !st.NextRefresh.IsZero() {
		p.line("Next refresh %s.", st.NextRefresh.Local().Format(time.DateTime))
	}
	if len(st.Kept) > 0 {
		p.line("Kept: %s", strings.Trim(fmt.Sprint(st.Kept), "[]"))
	}
	if st.LastRefresh != nil {
		p.line("")
		renderRefreshRecord(&p, *st.LastRefresh)
	}
	return p.to(w)
}

// renderGolden shows how golden queries were answered.
func renderGolden(p *page, r kb.GoldenResult) {
	p.line("%d of %d golden queries hold, at least %.4g %% must.", r.Held, r.Queries, 100*r.Floor)
	for _, f := range r.Failed {
		p.line("  %q wants %s and finds %s", f.Query, strings.Join(f.Wanted, " or "), firstNonEmpty(strings.Join(f.Found, ", "), "nothing"))
	}
}

// renderRefreshRecord shows what the last refresh did.
func renderRefreshRecord(p *page, r refreshRecord) {
	p.line("Last refresh %s, took %.1f s:", r.Report.Started.Local().Format(time.DateTime), r.Report.Took.Seconds())
	if r.Error != "" {
		p.line("  failed, the generation before serves on: %s", r.Error)
	}
	renderSources(p, r.Report)
}

// shortAge writes a time span with one unit.
func shortAge(seconds float64) string {
	switch {
	case seconds < 120:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds < 2*3600:
		return fmt.Sprintf("%.0f min", seconds/60)
	case seconds < 48*3600:
		return fmt.Sprintf("%.1f h", seconds/3600)
	}
	return fmt.Sprintf("%.1f days", seconds/86400)
}

func renderKBList(w io.Writer, list []kbGeneration) error {
	var p page
	t := newRows(&p)
	for _, g := range list {
		mark, base := "", "from scratch"
		if g.Current {
			mark = "current"
		}
		if g.Base > 0 {
			base = fmt.Sprintf("out of %d", g.Base)
		}
		if g.Fault != "" {
			t.row("%d\t%s\tcannot serve: %s", g.Number, mark, g.Fault)
			continue
		}
		t.row("%d\t%s\t%s\t%d articles\t%.1f MB\t%.1f MB its own\t%s\t%.12s", g.Number, mark, g.Created.Local().Format(time.DateTime), g.Articles,
			float64(g.Bytes)/1e6, float64(g.Own)/1e6, base, g.Hash)
	}
	_ = t.Flush() // writes to memory
	if len(list) == 0 {
		p.line("no generation yet: prediag ingest SOURCE makes the first")
	}
	return p.to(w)
}

// entryJSON is an article in a diff.
type entryJSON struct {
	ID     string `json:"id"`
	Source string `json:"source"`
	Path   string `json:"path,omitempty"`
	Title  string `json:"title"`
}

type moveJSON struct {
	From entryJSON `json:"from"`
	To   entryJSON `json:"to"`
}

func entriesJSON(list []kb.Entry) []entryJSON {
	out := make([]entryJSON, len(list))
	for i, e := range list {
		out[i] = entryJSON(e)
	}
	return out
}

// diffJSON is a diff as kb diff --json prints it.
func diffJSON(d kb.Diff) any {
	moved := make([]moveJSON, len(d.Moved))
	for i, m := range d.Moved {
		moved[i] = moveJSON{entryJSON(m.From), entryJSON(m.To)}
	}
	return struct {
		From      uint64      `json:"from"`
		To        uint64      `json:"to"`
		Added     []entryJSON `json:"added"`
		Changed   []entryJSON `json:"changed"`
		Moved     []moveJSON  `json:"moved"`
		Deleted   []entryJSON `json:"deleted"`
		Unchanged int         `json:"unchanged"`
	}{d.From, d.To, entriesJSON(d.Added), entriesJSON(d.Changed), moved, entriesJSON(d.Deleted), d.Unchanged}
}

func renderKBDiff(w io.Writer, d kb.Diff) error {
	var p page
	list := func(what string, entries []kb.Entry) {
		for _, e := range entries {
			p.line("%-8s %s  %s", what, e.ID, excerpt(e.Title, 80))
		}
	}
	list("added", d.Added)
	list("changed", d.Changed)
	for _, m := range d.Moved {
		to := m.To.ID
		if to == m.From.ID {
			to = m.To.Path
		}
		p.line("%-8s %s -> %s  %s", "moved", m.From.ID, to, excerpt(m.To.Title, 80))
	}
	list("deleted", d.Deleted)
	p.line("generation %d to %d: %d added, %d changed, %d moved, %d deleted, %d unchanged", d.From, d.To, len(d.Added), len(d.Changed), len(d.Moved), len(d.Deleted), d.Unchanged)
	return p.to(w)
}
