// Package demo holds the sample data that the program shows itself with: the knowledge base of the fictional cloud
// platform Arkcloud in several languages, and labelled tickets of its customers. All of it was written for this
// project and is compiled into the binary, so that a demonstration needs no file and no network.
package demo

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"prediag"
)

// The folder tickets is embedded whole, so that the package builds while its files are being produced.
//
//go:embed kb tickets glossary.yaml
var files embed.FS

// Articles returns the knowledge base as a file tree: Markdown with YAML front matter under "<language>/<id>.md",
// reStructuredText with a field list under "<language>/<id>.rst", and one JSON record per line in "faq.jsonl".
//
// Articles with the same group are the same page in different languages.
func Articles() fs.FS {
	kb, err := fs.Sub(files, "kb")
	if err != nil { // the name is a constant, so this cannot happen; an empty tree is still safe to walk
		return embed.FS{}
	}
	return kb
}

// Glossary returns what the maintainer of this knowledge base calls things, in four languages, as docs/search.md describes it.
func Glossary() ([]byte, error) { return files.ReadFile("glossary.yaml") }

// TrainTickets returns the labelled tickets to learn from, one JSON object per line. Where they were left out of the
// build the error is of kind ErrNotFound.
func TrainTickets() (io.Reader, error) { return open(files, "tickets/train.jsonl") }

// EvalTickets returns the labelled tickets to measure on, in the form of TrainTickets. No ticket is in both.
func EvalTickets() (io.Reader, error) { return open(files, "tickets/eval.jsonl") }

func open(fsys fs.FS, name string) (io.Reader, error) {
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("demo data %q was left out of this build, build again with the file in place: %w", name, prediag.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("open demo data %q: %w", name, err)
	}
	return f, nil
}
