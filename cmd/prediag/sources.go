package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"prediag"
	"prediag/ingest"
	"prediag/internal/demo"
)

// demoSource is the name of the knowledge base that is embedded in the binary.
const demoSource = "demo"

// sourceEntry is a source that a data folder is refreshed from.
type sourceEntry struct {
	Name string `json:"name"`
	Path string `json:"path"` // absolute; empty for the embedded demo
}

// sourceList is the file sources.json.
type sourceList struct {
	Sources []sourceEntry `json:"sources"`
	File    string        `json:"file,omitempty"` // that declares further sources; absolute
}

// readSources returns the sources of a data folder; none when there is no list yet.
func (d dataDir) readSources() (sourceList, error) {
	raw, err := os.ReadFile(d.sources())
	if errors.Is(err, os.ErrNotExist) {
		return sourceList{}, nil
	}
	if err != nil {
		return sourceList{}, fmt.Errorf("read the list of sources: %w", err)
	}
	var l sourceList
	if err := json.Unmarshal(raw, &l); err != nil {
		return sourceList{}, &prediag.Error{
			Kind: prediag.ErrDamaged, Reason: "SOURCES_DAMAGED", Err: err,
			Message: fmt.Sprintf("%s is not a list of sources: delete it and run prediag ingest with every SOURCE again", d.sources()),
		}
	}
	return l, nil
}

// with returns the list with an entry added, or replaced where the name is known.
func (l sourceList) with(e sourceEntry) sourceList {
	out := sourceList{Sources: slices.Clone(l.Sources), File: l.File}
	for i := range out.Sources {
		if out.Sources[i].Name == e.Name {
			out.Sources[i] = e
			return out
		}
	}
	out.Sources = append(out.Sources, e)
	return out
}

func (l sourceList) without(name string) sourceList {
	return sourceList{File: l.File, Sources: slices.DeleteFunc(slices.Clone(l.Sources), func(e sourceEntry) bool { return e.Name == name })}
}

func (l sourceList) has(name string) bool {
	return slices.ContainsFunc(l.Sources, func(e sourceEntry) bool { return e.Name == name })
}

// isDemo reports whether the embedded demo is all there is.
func (l sourceList) isDemo() bool { return l.has(demoSource) && len(l.Sources) == 1 && l.File == "" }

// startOnDemo gives a new folder, which has neither sources nor an index, the demo as its source.
func (d dataDir) startOnDemo() error {
	for _, name := range []string{d.sources(), d.kb()} {
		if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return writeJSON(d.sources(), sourceList{}.with(sourceEntry{Name: demoSource}))
}

// open opens a source under its name.
func (e sourceEntry) open() (ingest.Source, error) {
	if e.Name == demoSource && e.Path == "" {
		return ingest.FS(demoSource, demo.Articles()), nil
	}
	s, err := ingest.Open(e.Path)
	if err != nil {
		return nil, fmt.Errorf("source %q: %w", e.Name, err)
	}
	return named{Source: s, name: e.Name}, nil
}

// named gives a source the name under which the data folder knows it, and a schedule.
type named struct {
	ingest.Source
	name  string
	every time.Duration
}

func (n named) Name() string { return n.name }

func (n named) Every() time.Duration { return n.every }

// declared reads the sources that the list's file declares; none when it names no file.
func (l sourceList) declared() ([]ingest.SourceConfig, error) {
	if l.File == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(l.File)
	if err != nil {
		return nil, &prediag.Error{Kind: prediag.ErrInvalid, Reason: "SOURCES_UNREADABLE", Field: "sources", Err: err,
			Message: fmt.Sprintf("the file of sources %q cannot be read: mend it, or name another with --sources", l.File)}
	}
	configs, err := ingest.ParseSources(l.File, raw)
	if err != nil {
		return nil, err
	}
	for _, c := range configs {
		if l.has(c.Name) {
			return nil, prediag.Invalid("SOURCES_INVALID", "sources", fmt.Sprintf(
				"%s: the data folder has a source %q of its own: give this one another name, or remove that one with prediag ingest --remove %s", l.File, c.Name, c.Name))
		}
	}
	return configs, nil
}

// openDeclared opens the sources of the list's file. Those without a schedule of their own get one.
func (l sourceList) openDeclared(dir dataDir, every time.Duration, logger *slog.Logger) ([]ingest.Source, error) {
	configs, err := l.declared()
	if err != nil {
		return nil, err
	}
	sources := make([]ingest.Source, len(configs))
	for i, c := range configs {
		if c.Schedule == 0 {
			c.Schedule = every
		}
		sources[i], err = c.Open(ingest.Setup{Dir: filepath.Dir(l.File), Cache: dir.cache(), Logger: logger})
		if err != nil {
			return nil, err
		}
	}
	return sources, nil
}

// openAll opens every source for a loop. One that cannot be opened fails when it is walked.
func (l sourceList) openAll(dir dataDir, every time.Duration, logger *slog.Logger) []ingest.Source {
	if dir.shortestSchedule(every) == every {
		every = 0 // whenever the loop wakes all of them are due
	}
	sources := make([]ingest.Source, len(l.Sources))
	for i, e := range l.Sources {
		s, err := e.open()
		if err != nil {
			s = broken{name: e.Name, err: err}
		}
		sources[i] = named{Source: s, name: e.Name, every: every}
	}
	more, err := l.openDeclared(dir, every, logger)
	if err != nil {
		more = []ingest.Source{broken{name: "sources", err: err}}
	}
	return append(sources, more...)
}

// shortestSchedule is how often the loop has to wake: as the service says, or as the most frequent source does.
func (d dataDir) shortestSchedule(every time.Duration) time.Duration {
	list, err := d.readSources()
	if err != nil {
		return every
	}
	configs, err := list.declared()
	if err != nil {
		return every
	}
	for _, c := range configs {
		if c.Schedule > 0 {
			every = min(every, c.Schedule)
		}
	}
	return every
}

// entryFor makes the entry of a SOURCE argument. Two paths that end alike get different names.
func (l sourceList) entryFor(arg string) (sourceEntry, error) {
	path, err := filepath.Abs(arg)
	if err != nil {
		return sourceEntry{}, fmt.Errorf("source %q: %w", arg, err)
	}
	for _, e := range l.Sources {
		if e.Path == path {
			return e, nil
		}
	}
	s, err := ingest.Open(arg)
	if err != nil {
		return sourceEntry{}, err
	}
	e := sourceEntry{Name: s.Name(), Path: path}
	for n := 2; l.has(e.Name) || e.Name == demoSource; n++ {
		e.Name = fmt.Sprintf("%s-%d", s.Name(), n)
	}
	return e, nil
}
