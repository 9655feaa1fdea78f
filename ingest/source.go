package ingest

import (
	"context"
	"io"
)

// Source is a place that articles come from.
type Source interface {
	// Name is the name under which the source's articles stand in the index: not empty, unique among the sources.
	Name() string
	// Walk calls yield once for every file of the source, always in the same order, and returns the first error that
	// yield returned. A file or folder that cannot be offered is yielded too, with Item.Skip saying why; an error of
	// Walk's own means that the source as a whole could not be read.
	Walk(ctx context.Context, yield func(Item) error) error
}

// Item is one file of a source.
type Item struct {
	Path   string                        // within the source, slashes between the parts; unique in it
	Size   int64                         // bytes as stored, -1 when unknown
	Skip   string                        // why the file is not offered; empty: it is
	Folder bool                          // with Skip: the item stands for a whole folder
	Open   func() (io.ReadCloser, error) // nil when Skip is set; to be called before yield returns
}

// retired is a source that has been given up.
type retired string

// Retired returns a source without files. Refreshing it with Options.Force removes every article that the source of
// that name left in the index.
func Retired(name string) Source { return retired(name) }

func (r retired) Name() string { return string(r) }

func (r retired) Walk(context.Context, func(Item) error) error { return nil }
