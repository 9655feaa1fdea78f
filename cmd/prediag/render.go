package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"prediag"
	"prediag/ingest"
)

// printMessage writes an API message as JSON, in the form that HTTP gives it, indented. The indentation is made here
// because protojson's own differs from build to build on purpose.
func (a *app) printMessage(m proto.Message) error {
	raw, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	_, err = fmt.Fprintln(a.out, out.String())
	return err
}

// page collects lines and writes them at once.
type page struct{ bytes.Buffer }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *page) to(w io.Writer) error {
	_, err := p.WriteTo(w)
	return err
}

func renderDiagnosis(w io.Writer, d prediag.Diagnosis) error {
	var p page
	p.line("%s   %s", d.Outcome, outcomeMeans(d.Outcome))
	for _, r := range d.Reasons {
		p.line("  because %s: %s", strings.ToLower(strings.ReplaceAll(string(r.Code), "_", " ")), r.Detail)
	}
	if h := d.Handoff; h != nil {
		p.line("  case %s, queue %s, tier %s, by %s", h.CaseID, h.Queue, h.Tier, h.Deadline.Local().Format(time.DateTime))
	}
	p.line("")
	renderVerdict(&p, d.Verdict)
	for _, c := range d.Codes {
		p.line("\n%s  %s", c.Code, firstNonEmpty(c.Meaning, c.Message, c.Citation.Quote))
	}
	if len(d.Unknown) > 0 {
		p.line("\nUnknown codes: %s", strings.Join(d.Unknown, ", "))
	}
	renderDraft(&p, d.Draft)
	if len(d.Hits) > 0 {
		p.line("\nArticles (the first one solves it with probability %.2f):", d.Solved)
		for i, h := range d.Hits {
			p.line("  %d. %s  [%s, %s]", i+1, h.Title, h.ArticleID, h.Language)
		}
	}
	renderBeside(&p, d)
	p.line("\n%s  model %s, index generation %d, policy %s", d.ID, d.Versions.Model, d.Versions.Index, d.Versions.Policy)
	return p.to(w)
}

// renderBeside shows the known causes that the draft does not quote, and the related articles.
func renderBeside(p *page, d prediag.Diagnosis) {
	var causes []prediag.Statement
	for _, c := range d.Causes {
		if !slices.ContainsFunc(d.Draft.Statements, func(s prediag.Statement) bool { return s.Text == c.Text }) {
			causes = append(causes, c)
		}
	}
	if len(causes) > 0 {
		p.line("\nKnown causes:")
	}
	for _, c := range causes {
		p.line("  %s  [%s]", strings.ReplaceAll(c.Text, "\n", "\n  "), c.Citations[0].ArticleID)
	}
	if len(d.Related) > 0 {
		p.line("\nRelated articles:")
	}
	for _, h := range d.Related {
		p.line("  %s  [%s, %s]", h.Title, h.ArticleID, h.Language)
	}
}

func outcomeMeans(o prediag.Outcome) string {
	switch o {
	case prediag.OutcomeAnswer:
		return "the draft may be sent as it is"
	case prediag.OutcomeSuggest:
		return "the draft goes to an agent, with what to check"
	}
	return "a human is needed"
}

func renderVerdict(p *page, v prediag.Verdict) {
	t := tabwriter.NewWriter(p, 0, 0, 2, ' ', 0)
	for _, f := range v.Fields {
		var spoke []string
		for _, e := range f.Evidence {
			text := excerpt(e.Text, 60) // a ticket that reads alike may be a page long
			if e.Weight > 0 && len(spoke) < 4 && !slices.Contains(spoke, text) {
				spoke = append(spoke, text)
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%.2f\t%s\n", f.Field, f.Label, f.Probability, strings.Join(spoke, " · "))
	}
	fmt.Fprintf(t, "language\t%s\t%.2f\t\n", v.Language, v.LanguageConfidence)
	_ = t.Flush() // writes to memory
}

func renderDraft(p *page, d prediag.Draft) {
	if len(d.Statements) == 0 {
		return
	}
	p.line("\nDraft (%s, %.0f %% of the statements verified):", d.Origin, 100*d.Grounded)
	var sources []string
	for _, s := range d.Statements {
		mark := ""
		if len(s.Citations) > 0 {
			c := s.Citations[0]
			at := slices.Index(sources, c.ArticleID)
			if at < 0 {
				at, sources = len(sources), append(sources, c.ArticleID)
			}
			mark = fmt.Sprintf("  [%d]", at+1)
		}
		p.line("  %-8s %s%s", s.Kind, strings.ReplaceAll(s.Text, "\n", "\n           "), mark)
	}
	for i, id := range sources {
		p.line("  [%d] %s", i+1, id)
	}
}

func renderResults(w io.Writer, r prediag.Results) error {
	var p page
	if len(r.Degraded) > 0 {
		p.line("Embeddings did not answer in time: words alone were searched.")
	}
	if r.DidYouMean != "" {
		p.line("Searched for: %s", r.DidYouMean)
	}
	if len(r.Without) > 0 {
		p.line("Without: %s", strings.Join(r.Without, ", "))
	}
	if len(r.Hits) == 0 {
		p.line("No article matches.")
		renderFacets(&p, r.Facets)
		return p.to(w)
	}
	for i, h := range r.Hits {
		p.line("%d. %s", i+1, h.Title)
		p.line("   %s", joinNonEmpty("  ", h.ArticleID, h.Language, h.Product, h.Kind, day(h.Updated), h.URL))
		if len(h.Also) > 0 {
			p.line("   nearly the same: %s", strings.Join(h.Also, ", "))
		}
		if len(h.Passages) > 0 {
			p.line("   %s", excerpt(h.Passages[0].Text, 200))
		}
		if len(h.Why) > 0 {
			p.line("   matched: %s", strings.Join(h.Why, " · "))
		}
	}
	renderFacets(&p, r.Facets)
	p.line("%d of %d articles, index generation %d", len(r.Hits), r.Total, r.Generation)
	if r.Solved > 0 {
		p.line("The first one solves it with a probability of %.2f.", r.Solved)
	}
	return p.to(w)
}

func renderFacets(p *page, facets []prediag.Facet) {
	for _, f := range facets {
		var values []string
		for _, v := range f.Values {
			values = append(values, fmt.Sprintf("%s %d", v.Value, v.Count))
		}
		if len(values) > 0 {
			p.line("%s: %s", f.Name, strings.Join(values, ", "))
		}
	}
}

// day is a date; empty: unknown.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// excerpt is the beginning of a text on one line, at most n characters.
func excerpt(s string, n int) string {
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) <= n {
		return string(runes)
	}
	return string(runes[:n]) + "…"
}

func firstNonEmpty(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func joinNonEmpty(sep string, values ...string) string {
	return strings.Join(slices.DeleteFunc(values, func(v string) bool { return v == "" }), sep)
}

func sorted(values []string) []string {
	slices.Sort(values)
	return values
}

func renderReport(w io.Writer, r ingest.Report, g prediag.Generation) error {
	var p page
	renderSources(&p, r)
	if !r.Applied {
		p.line("Nothing changed: generation %d with %d articles serves on (%.1f s).", g.Number, g.Articles, r.Took.Seconds())
		return p.to(w)
	}
	size := ""
	if g.Bytes > 0 {
		size = fmt.Sprintf(", %.1f MB on disk", float64(g.Bytes)/1e6)
	}
	if r.Twins > 0 {
		size += fmt.Sprintf(", %d near twins (prediag kb twins)", r.Twins)
	}
	p.line("Generation %d: %d articles%s, in %.1f s.", g.Number, g.Articles, size, r.Took.Seconds())
	return p.to(w)
}

// renderSources shows what a refresh found, source by source, and how long each phase took.
func renderSources(p *page, r ingest.Report) {
	for _, s := range r.Sources {
		p.line("%s: %d files, %d articles: %d added, %d changed, %d moved, %d unchanged, %d deleted; %d parsed (%d sections)",
			s.Name, s.Files, s.Articles, s.Added, s.Changed, s.Moved, s.Unchanged+s.Kept, s.Deleted, s.Parsed, s.Sections)
		if s.NotDue {
			p.line("  not due yet by its own schedule: not read")
		}
		if s.Error != "" {
			p.line("  not read to its end, its articles stay as they were: %s", s.Error)
		}
		if s.Broken > 0 {
			p.line("  %d links of these articles lead to files that are not there", s.Broken)
		}
		renderSkipped(p, s.Skipped)
		for i, q := range s.Quarantined {
			if i == 10 {
				p.line("    … and %d more (--json lists up to 100)", len(s.Quarantined)-i)
				break
			}
			p.line("    %q: %s", q.Path, q.Reason)
		}
	}
	if t := r.Phases; r.Applied && t != (ingest.Phases{}) {
		p.line("reading %.1f s, indexing %.1f s, publishing %.1f s", t.Reading.Seconds(), t.Indexing.Seconds(), t.Publishing.Seconds())
	}
}

func renderSkipped(p *page, skipped map[string]int) {
	for _, reason := range slices.Sorted(maps.Keys(skipped)) {
		p.line("  skipped %d: %s", skipped[reason], reason)
	}
}

func renderTraining(w io.Writer, r trainReport) error {
	var p page
	p.line("%d examples from %d records (%d without text, %d without label), %d features", r.Read.Examples, r.Read.Records, r.Read.WithoutText, r.Read.WithoutLabel, r.Features)
	if r.Reviews > 0 {
		p.line("%d decisions of humans were learned", r.Reviews)
	}
	p.line("Measured by cross-validation on tickets that the model had not seen:")
	t := tabwriter.NewWriter(&p, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "field\tlabels\taccuracy\t95 %\tbaseline\tmacro-F1\tECE\tAURC\tcoverage at 95 %\t")
	for _, f := range r.Fields {
		if f.Measured == 0 {
			fmt.Fprintf(t, "%s\t%d%s\n", f.Field, len(f.Labels), strings.Repeat("\tn/a", 7)+"\t")
			continue
		}
		within := f.Intervals["accuracy"]
		fmt.Fprintf(t, "%s\t%d\t%.3f\t%.3f–%.3f\t%.3f\t%.3f\t%.3f\t%.4f\t%.3f\t\n", f.Field, len(f.Labels), f.Accuracy, within.Low, within.High, f.Baseline, f.MacroF1, f.ECE, f.AURC, f.Coverage95)
	}
	_ = t.Flush() // writes to memory
	for _, f := range r.Fields {
		for _, n := range f.Notes {
			p.line("note on %s: %s", f.Field, n)
		}
	}
	p.line("By language and label: %s (or --json).", filepath.Join(r.Dir, "report.json"))
	p.line("Model %s in %s, %.1f s.", r.Model, r.Dir, r.Seconds)
	return p.to(w)
}

func renderCases(w io.Writer, cases prediag.CasePage) error {
	var p page
	t := tabwriter.NewWriter(&p, 0, 0, 2, ' ', 0)
	for _, c := range cases.Cases {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", c.ID, caseStateLine(c), queueLine(c), deadlineLine(c), c.Diagnosis.Outcome, excerpt(firstNonEmpty(c.Diagnosis.Ticket.Title, c.Diagnosis.Ticket.Body), 60))
	}
	_ = t.Flush() // writes to memory
	p.line("%d waiting", cases.Open)
	if cases.Next != "" {
		p.line("more: --page-token %s", cases.Next)
	}
	return p.to(w)
}

func caseStateLine(c prediag.Case) string {
	if c.State == prediag.CaseClaimed {
		return "claimed by " + c.ClaimedBy
	}
	return strings.ToLower(string(c.State))
}

func queueLine(c prediag.Case) string {
	if c.Diagnosis.Handoff == nil {
		return ""
	}
	return c.Diagnosis.Handoff.Queue + " " + c.Diagnosis.Handoff.Tier
}

func deadlineLine(c prediag.Case) string {
	if c.Diagnosis.Handoff == nil || c.Diagnosis.Handoff.Deadline.IsZero() {
		return ""
	}
	return c.Diagnosis.Handoff.Deadline.Local().Format(time.DateTime)
}

func renderCase(w io.Writer, c prediag.Case) error {
	var p page
	p.line("Case %s is %s.", c.ID, caseStateLine(c))
	if c.State == prediag.CaseClaimed {
		p.line("The lease ends at %s.", c.LeaseUntil.Local().Format(time.DateTime))
	}
	if c.State != prediag.CaseResolved {
		if err := renderQuestion(&p, c); err != nil {
			return err
		}
	}
	return p.to(w)
}

// renderQuestion shows what is to be decided.
func renderQuestion(p *page, c prediag.Case) error {
	p.line("\n%s\n", c.Diagnosis.Ticket.Text())
	k := c.Check
	if k == nil {
		return renderDiagnosis(p, c.Diagnosis)
	}
	p.line("Is the label of this ticket (%s) right?", joinNonEmpty(", ", k.Source, c.Diagnosis.Ticket.ID))
	t := newRows(p)
	t.row("  present\t%s %s\tprobability %.4f\t--action rejected keeps it", k.Field, k.Label, k.Probability)
	t.row("  suggested\t%s %s\tprobability %.4f\t--action accepted takes it", k.Field, k.Suggested, k.SuggestedProbability)
	_ = t.Flush() // writes to memory
	p.line("  another: --action corrected --label %s=LABEL", k.Field)
	return nil
}

// renderWholeCase shows a case with all that is known of it, its resolution too.
func renderWholeCase(w io.Writer, c prediag.Case) error {
	var p page
	p.line("Case %s is %s, priority %d, since %s.", c.ID, caseStateLine(c), c.Priority, c.Created.Local().Format(time.DateTime))
	if c.State == prediag.CaseClaimed {
		p.line("The lease ends at %s.", c.LeaseUntil.Local().Format(time.DateTime))
	}
	if err := renderQuestion(&p, c); err != nil {
		return err
	}
	if r := c.Resolution; r != nil {
		p.line("\n%s by %s at %s", r.Action, r.Reviewer, r.At.Local().Format(time.DateTime))
		for _, field := range slices.Sorted(maps.Keys(r.Labels)) {
			p.line("  %s: %s", field, r.Labels[field])
		}
		for _, said := range [][2]string{{"article", r.Article}, {"answer", r.Answer}, {"note", r.Note}} {
			if said[1] != "" {
				p.line("  %s: %s", said[0], said[1])
			}
		}
	}
	return p.to(w)
}
