package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/ingest"
	"prediag/kb"
)

// ingestFlags are the settings of ingest.
type ingestFlags struct {
	dataDir *string
	asJSON  *bool
	force   bool
	remove  []string
}

func (a *app) ingestCommand() *cobra.Command {
	var f ingestFlags
	c := &cobra.Command{
		Use:   "ingest [SOURCE...]",
		Short: "Bring articles into the knowledge base, or up to date",
		Long: `ingest reads folders of Markdown, reStructuredText and JSON Lines, or single such files (.jsonl.gz too), and makes what
changed since the last time the next generation of the index. Sources are remembered: the service refreshes them every
six hours, and ingest without SOURCE refreshes them all now.

Nothing is skipped silently: the report counts every file that gave no article by its reason. When more than a fifth of a
source's articles vanished, the old generation stays, unless --force is given.

While a service holds the data folder, ingest without SOURCE asks that service to refresh; to add a source, stop the
service first.`,
		Example: `  prediag ingest docs/
  prediag ingest --data-dir /var/lib/prediag docs/ faq.jsonl.gz
  prediag ingest                  # all known sources again
  prediag ingest --remove demo    # give a source up, with its articles`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return a.ingest(cmd.Context(), f, args) },
	}
	f.dataDir, f.asJSON = dataDirFlag(c), jsonFlag(c)
	c.Flags().BoolVar(&f.force, "force", false, "go on when many articles vanished")
	c.Flags().StringSliceVar(&f.remove, "remove", nil, "name of a source to give up; may be repeated")
	return c
}

func (a *app) ingest(ctx context.Context, f ingestFlags, args []string) (err error) {
	dir := dataDir(*f.dataDir)
	if len(args) == 0 && len(f.remove) == 0 {
		if h, ok := dir.service(); ok {
			return a.refreshThrough(ctx, h, f)
		}
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
	k, err := kb.Open(dir.kb(), kb.Options{Logger: slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	list, sources, err := planIngest(list, args, f.remove)
	if err != nil {
		return err
	}
	bar := a.newProgress("reading")
	in := ingest.New(k, ingest.Options{Force: f.force || len(f.remove) > 0, Progress: func(p ingest.Progress) { bar.set(p.Done, p.Total) }})
	report, err := in.Refresh(ctx, sources)
	bar.end()
	if err != nil {
		return err
	}
	if err := writeJSON(dir.sources(), list); err != nil {
		return err
	}
	if *f.asJSON {
		return a.printJSON(report)
	}
	return renderReport(a.out, report, k.Generation())
}

// planIngest says which sources are known afterwards and which are read now.
func planIngest(list sourceList, args, remove []string) (sourceList, []ingest.Source, error) {
	var sources []ingest.Source
	for _, name := range remove {
		if !list.has(name) {
			return list, nil, prediag.Invalid("SOURCE_UNKNOWN", "remove", fmt.Sprintf("no source %q to remove: sources.json in the data folder lists them", name))
		}
		list = list.without(name)
		sources = append(sources, ingest.Retired(name))
	}
	read := list.Sources
	if len(args) > 0 || len(remove) > 0 {
		read = nil
	}
	for _, arg := range args {
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
	if len(sources) == 0 {
		return list, nil, usageError{errors.New("no SOURCE given and none known: name a folder or file of articles")}
	}
	return list, sources, nil
}
