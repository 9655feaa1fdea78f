package ingest

import (
	"context"
	"io"
	"time"
)

// Source is a place that articles come from.
type Source interface {
	// Name is the name under which the source's articles stand in the index: not empty, unique among the sources.
	Name() string
	// Walk calls yield once for every file of the source, always in the same order, and returns the first error that
	// yield returned. A file or folder that cannot be offered is yielded too, with Item.Skip saying why; an error of
	// Walk's own means that the source as a whole could not be read: one that wraps ErrUnavailable leaves the source's
	// articles as they are and the other sources to be refreshed, any other ends the refresh.
	Walk(ctx context.Context, yield func(Item) error) error
}

// Incremental is a Source that can tell what changed since an earlier walk.
type Incremental interface {
	Source
	// WalkSince is Walk for what changed since the walk that returned mark. A nil mark, which is also what a source gets
	// when the index no longer holds what it held at that time, asks for everything.
	WalkSince(ctx context.Context, mark []byte, yield func(Item) error) (Walked, error)
}

// Walked says how far a walk came.
type Walked struct {
	Mark []byte // JSON that the next walk begins from, whatever the source needs; nil: the next walk begins anew
	Rest bool   // what was not yielded is as it was; else it is gone
}

// Item is one file of a source, or what stands for one: a page, a post, an object of an API.
type Item struct {
	Path     string                        // within the source, slashes between the parts; unique in it
	Size     int64                         // bytes as stored, -1 when unknown
	Skip     string                        // why the file is not offered; empty: it is
	Folder   bool                          // with Skip: the item stands for a whole folder
	Same     bool                          // an Incremental knows that nothing changed: it is not opened
	Gone     bool                          // an Incremental knows that it was deleted
	Format   string                        // one of the Format constants; empty: what the path's extension says
	Given    Meta                          // what the source says about it; comes before what the file says itself
	Defaults *Defaults                     // what was configured for the source; comes after it; may be nil
	Open     func() (io.ReadCloser, error) // nil when Skip, Same or Gone is set; to be called before yield returns
}

// Meta is what a source knows about a file beside its bytes. Empty fields are unknown.
type Meta struct {
	ID       string // of the article, unique over all sources
	Title    string
	URL      string // where a human reads it
	Language string
	Product  string
	Category string
	Group    string // same value: the same page in another language
	Audience []string
	Updated  time.Time
}

// meta returns the same as the parsers have it.
func (m Meta) meta() meta {
	return meta{id: m.ID, title: clip(oneLine(clean(m.Title)), maxHeading), url: oneLine(clean(m.URL)), lang: m.Language, product: oneLine(clean(m.Product)),
		category: oneLine(clean(m.Category)), group: oneLine(clean(m.Group)), audience: m.Audience, updated: m.Updated.UTC()}
}

// Defaults is what was configured for all files of a source.
type Defaults struct {
	Language string // of files that do not say
	Product  string // of files that do not say
	Category string // of files that do not say
	// Audience is who may read the source's articles, empty: everybody. A file may name fewer of them; one that names
	// anybody else is left out.
	Audience []string
	// AudienceMap says what the source's own names of groups are called here; others keep their names.
	AudienceMap map[string]string
	// Columns say where a record has what an article needs; nil: under the names of record.
	Columns *Columns
}

// retired is a source that has been given up.
type retired string

// Retired returns a source without files. Refreshing it with Options.Force removes every article that the source of
// that name left in the index.
func Retired(name string) Source { return retired(name) }

func (r retired) Name() string { return string(r) }

func (r retired) Walk(context.Context, func(Item) error) error { return nil }
