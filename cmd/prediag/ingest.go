package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/ingest"
	"prediag/kb"
)

// ingestFlags are the settings of ingest.
type ingestFlags struct {
	dataDir    *string
	asJSON     *bool
	force      bool
	remove     []string
	sources    string // file that declares sources
	quarantine bool
	retry      bool
}

func (a *app) ingestCommand() *cobra.Command {
	var f ingestFlags
	c := &cobra.Command{
		Use:   "ingest [SOURCE...]",
		Short: "Bring articles into the knowledge base, or up to date",
		Long: `ingest reads folders of Markdown, reStructuredText, HTML, text, Word, PDF, CSV and JSON Lines, or single such files
(.jsonl.gz too), and makes what changed since the last time the next generation of the index. With --sources it reads what a
file declares: folders with a column mapping or filters, git repositories, feeds, sitemaps, Zendesk, Confluence and other
APIs (docs/sources.md). Sources and the file are remembered: the service refreshes them every six hours, and ingest without
SOURCE refreshes them all now.

Nothing is skipped silently: the report counts every file that gave no article by its reason. What failed is quarantined and
tried again when it changes, or with --retry-quarantined. When more than a fifth of a source's articles vanished, the old
generation stays, unless --force is given. A source that cannot be reached keeps its articles; the others are refreshed, and
the exit code is 1.

While a service holds the data folder, ingest asks that service to refresh all of its sources, provided that it knows those
that are named; to add or remove one, or to retry what is quarantined, stop the service first.`,
		Example: `  prediag ingest docs/
  prediag ingest --data-dir /var/lib/prediag docs/ faq.jsonl.gz
  prediag ingest --sources sources.yaml
  prediag ingest                  # all known sources again
  prediag ingest --quarantine     # what was left out, and why
  prediag ingest --remove demo    # give a source up, with its articles`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.quarantine {
				return a.listQuarantine(dataDir(*f.dataDir), *f.asJSON)
			}
			return a.ingest(cmd.Context(), f, args)
		},
	}
	f.dataDir, f.asJSON = dataDirFlag(c), jsonFlag(c)
	c.Flags().BoolVar(&f.force, "force", false, "go on when many articles vanished, and parse everything that is not as it was")
	c.Flags().StringSliceVar(&f.remove, "remove", nil, "name of a source to give up; may be repeated")
	c.Flags().StringVar(&f.sources, "sources", "", "file that declares sources; it is remembered")
	c.Flags().BoolVar(&f.quarantine, "quarantine", false, "list the files and records that failed, and do nothing else")
	c.Flags().BoolVar(&f.retry, "retry-quarantined", false, "read everything again, and try what failed although it did not change")
	return c
}

// ingestOptions are what every refresh of a data folder goes by.
func (a *app) ingestOptions(dir dataDir, logger *slog.Logger) ingest.Options {
	return ingest.Options{Logger: logger, Ledger: ingest.FileLedger{Dir: dir.ledger()}, Worker: a.worker, Finished: dir.recordRefresh(logger)}
}

func (a *app) ingest(ctx context.Context, f ingestFlags, args []string) (err error) {
	dir := dataDir(*f.dataDir)
	if h, ok := dir.service(); ok {
		if err := dir.configured(h, f, args); err != nil {
			return err
		}
		return a.refreshThrough(ctx, h, f)
	}
	held, err := dir.hold("ingest")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.release()) }()
	list, err := dir.readSources()
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelError})) // the report tells the rest
	k, err := dir.openKB(kb.Options{Cold: true, Golden: dir.readGolden, Logger: slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	list, sources, err := planIngest(list, ingestPlan{dir: dir, args: args, remove: f.remove, file: f.sources, indexed: k.Generation().Sources, logger: logger})
	if err != nil {
		return err
	}
	bar := a.newProgress("reading")
	opt := a.ingestOptions(dir, logger)
	opt.Force, opt.RetryQuarantined = f.force || len(f.remove) > 0, f.retry
	opt.Progress = func(p ingest.Progress) { bar.set(p.Done, p.Total) }
	report, err := ingest.New(k, opt).Refresh(ctx, sources)
	bar.end()
	if err != nil {
		return err
	}
	if err := writeJSON(dir.sources(), list); err != nil {
		return err
	}
	a.noteUndeclared(list, k.Generation().Sources)
	a.noteGolden(dir)
	return a.printReport(report, k.Generation(), *f.asJSON)
}

// configured refuses what a running service cannot be asked for, with the remedy.
func (d dataDir) configured(h holder, f ingestFlags, args []string) error {
	refuse := func(format string, v ...any) error {
		return &prediag.Error{Kind: prediag.ErrLocked, Reason: "SERVICE_RUNNING", Message: fmt.Sprintf(
			"prediag %s (process %d) holds data folder %q and %s: stop it, run this again, and start it again", h.Command, h.PID, string(d), fmt.Sprintf(format, v...))}
	}
	list, err := d.readSources()
	if err != nil {
		return err
	}
	switch abs, err := filepath.Abs(f.sources); {
	case len(f.remove) > 0:
		return refuse("does not remove sources while it runs")
	case f.retry:
		return refuse("does not retry what is quarantined on demand")
	case err != nil:
		return err
	case f.sources != "" && abs != list.File:
		return refuse("reads its sources from %q, not from %q", list.File, abs)
	}
	for _, arg := range args {
		path, err := filepath.Abs(arg)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(list.Sources, func(e sourceEntry) bool { return e.Path == path }) {
			return refuse("does not know the source %q", path)
		}
	}
	return nil
}

// printReport prints a report; the error says when a source was left out.
func (a *app) printReport(report ingest.Report, g prediag.Generation, asJSON bool) error {
	print := func() error { return renderReport(a.out, report, g) }
	if asJSON {
		print = func() error { return a.printJSON(report) }
	}
	if err := print(); err != nil {
		return err
	}
	if report.Unavailable() {
		return errors.New("not every source could be read: their articles are as they were; the report says why")
	}
	return nil
}

// noteGolden names the golden queries that do not hold, where enough others do.
func (a *app) noteGolden(dir dataDir) {
	list, err := kb.List(dir.kb())
	if err != nil {
		return // the refresh has said what is wrong
	}
	for _, g := range list {
		if !g.Current || g.Golden == nil {
			continue
		}
		for _, f := range g.Golden.Failed {
			a.note("note: golden query %q wants %s and finds %s", f.Query, strings.Join(f.Wanted, " or "), strings.Join(f.Found, ", "))
		}
	}
}

// noteUndeclared names the sources whose articles are in the index although nothing refreshes them any more.
func (a *app) noteUndeclared(list sourceList, indexed map[string]int) {
	configs, err := list.declared()
	if err != nil {
		return // said already
	}
	for name, n := range indexed {
		if !list.has(name) && !slices.ContainsFunc(configs, func(c ingest.SourceConfig) bool { return c.Name == name }) {
			a.note("note: %d articles are of source %q, which is no longer declared; prediag ingest --remove %s takes them out", n, name, name)
		}
	}
}

// listQuarantine prints what the last refreshes left out because it failed.
func (a *app) listQuarantine(dir dataDir, asJSON bool) error {
	if err := dir.exists(); err != nil {
		return err
	}
	entries, err := ingest.FileLedger{Dir: dir.ledger()}.Entries()
	if err != nil {
		return err
	}
	type line struct {
		Source string `json:"source"`
		ingest.LeftOut
	}
	lines := []line{}
	for _, e := range entries {
		for _, l := range e.Quarantine() {
			lines = append(lines, line{e.Source, l})
		}
	}
	if asJSON {
		return a.printJSON(lines)
	}
	var p page
	for _, l := range lines {
		p.line("%s  %q: %s, since %s", l.Source, l.Path, l.Reason, l.Since.Format("2006-01-02 15:04"))
	}
	p.line("%d quarantined", len(lines))
	return p.to(a.out)
}

// ingestPlan is what a call of ingest asks for.
type ingestPlan struct {
	dir          dataDir
	args, remove []string
	file         string         // that declares sources; empty: the remembered one
	indexed      map[string]int // articles per source in the index
	logger       *slog.Logger
}

// planIngest says which sources are known afterwards and which are read now.
func planIngest(list sourceList, p ingestPlan) (sourceList, []ingest.Source, error) {
	if p.file != "" {
		abs, err := filepath.Abs(p.file)
		if err != nil {
			return list, nil, err
		}
		list.File = abs
	}
	list, sources, err := p.retire(list)
	if err != nil {
		return list, nil, err
	}
	all := len(p.args) == 0 && len(p.remove) == 0 && p.file == ""
	var read []sourceEntry
	if all {
		read = list.Sources
	}
	for _, arg := range p.args {
		e, err := list.entryFor(arg)
		if err != nil {
			return list, nil, err
		}
		list = list.with(e)
		read = append(read, e)
	}
	for _, e := range read {
		s, err := e.open()
		if err != nil {
			return list, nil, err
		}
		sources = append(sources, s)
	}
	if all || p.file != "" {
		more, err := list.openDeclared(p.dir, 0, p.logger)
		if err != nil {
			return list, nil, err
		}
		sources = append(sources, more...)
	}
	if len(sources) == 0 {
		return list, nil, usageError{errors.New("no SOURCE given and none known: name a folder or file of articles, or a file of sources with --sources")}
	}
	return list, sources, nil
}

// retire takes the sources to remove out of the list.
func (p ingestPlan) retire(list sourceList) (sourceList, []ingest.Source, error) {
	configs, err := list.declared()
	if err != nil {
		return list, nil, err
	}
	var sources []ingest.Source
	for _, name := range p.remove {
		_, indexed := p.indexed[name]
		switch {
		case slices.ContainsFunc(configs, func(c ingest.SourceConfig) bool { return c.Name == name }):
			return list, nil, prediag.Invalid("SOURCE_DECLARED", "remove", fmt.Sprintf("source %q is declared in %s: take it out there first", name, list.File))
		case !list.has(name) && !indexed:
			return list, nil, prediag.Invalid("SOURCE_UNKNOWN", "remove", fmt.Sprintf("no source %q to remove: sources.json in the data folder lists them", name))
		}
		list = list.without(name)
		sources = append(sources, ingest.Retired(name))
	}
	return list, sources, nil
}
