package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"prediag"
)

// memory is an Index over maps: a generation is a copy, and a failed Apply leaves the one before.
type memory struct {
	articles map[string]prediag.Article
	prints   map[string]string
	number   uint64
	applied  int
	fail     error // returned by Apply after it has read everything
}

func newMemory() *memory {
	return &memory{articles: map[string]prediag.Article{}, prints: map[string]string{}}
}

func (m *memory) Known(_ context.Context, source string) (map[string]string, error) {
	known := map[string]string{}
	for id, a := range m.articles {
		if a.Source == source {
			known[id] = m.prints[id]
		}
	}
	return known, nil
}

func (m *memory) Apply(_ context.Context, changes iter.Seq2[prediag.Change, error]) (prediag.Generation, error) {
	m.applied++
	articles, prints := maps.Clone(m.articles), maps.Clone(m.prints)
	for c, err := range changes {
		switch {
		case err != nil:
			return prediag.Generation{}, err
		case c.Put != nil:
			articles[c.Put.ID], prints[c.Put.ID] = *c.Put, c.Fingerprint
		default:
			if _, ok := articles[c.Delete]; !ok {
				return prediag.Generation{}, errors.New("delete of an unknown article " + c.Delete)
			}
			delete(articles, c.Delete)
			delete(prints, c.Delete)
		}
	}
	if m.fail != nil {
		return prediag.Generation{}, m.fail
	}
	m.articles, m.prints = articles, prints
	m.number++
	return m.Generation(), nil
}

func (m *memory) Generation() prediag.Generation {
	return prediag.Generation{Number: m.number, Articles: len(m.articles), Twins: len(m.articles) / 2}
}

// files makes a file system of path → content.
func files(content map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for p, s := range content {
		fsys[p] = &fstest.MapFile{Data: []byte(s)}
	}
	return fsys
}

// zipped compresses s.
func zipped(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(s))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.String()
}

// parseFile parses the bytes of a file by its extension.
func parseFile(source, p string, raw []byte) (prediag.Article, string) {
	return (&task{Source: source, Path: p, Raw: raw}).parse()
}

// parseRecord parses one line of a file of records.
func parseRecord(source, p string, line []byte) (prediag.Article, string) {
	return (&task{Source: source, Path: p, Record: true, Raw: line}).parse()
}

// with gives a source's items defaults.
type with struct {
	Source
	defaults *Defaults
}

func (w with) Walk(ctx context.Context, yield func(Item) error) error {
	return w.Source.Walk(ctx, func(it Item) error {
		it.Defaults = w.defaults
		return yield(it)
	})
}

// ctxOf returns a test's context, or another where the test has none.
func ctxOf(t any) context.Context {
	if c, ok := t.(interface{ Context() context.Context }); ok {
		return c.Context()
	}
	return context.Background()
}

// write makes the file at the path under dir, with its folders.
func write(t *testing.T, dir, path, content string) string {
	t.Helper()
	file := filepath.Join(dir, path)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(content), 0o644))
	return file
}
