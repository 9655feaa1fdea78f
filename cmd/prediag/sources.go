package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

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
	out := sourceList{Sources: slices.Clone(l.Sources)}
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
	return sourceList{Sources: slices.DeleteFunc(slices.Clone(l.Sources), func(e sourceEntry) bool { return e.Name == name })}
}

func (l sourceList) has(name string) bool {
	return slices.ContainsFunc(l.Sources, func(e sourceEntry) bool { return e.Name == name })
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

// named gives a source the name under which the data folder knows it.
type named struct {
	ingest.Source
	name string
}

func (n named) Name() string { return n.name }

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
