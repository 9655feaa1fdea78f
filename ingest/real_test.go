package ingest

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"prediag"
)

// unpack reads an archive of the test data into memory, and skips the test where there is none.
func unpack(t testing.TB, name string) fstest.MapFS {
	t.Helper()
	f, err := os.Open(filepath.Join(sharedData, "kb/raw", name))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no test data: " + name)
	}
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	fsys := fstest.MapFS{}
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return fsys
		}
		require.NoError(t, err)
		if h.Typeflag != tar.TypeReg {
			continue
		}
		raw, err := io.ReadAll(in)
		require.NoError(t, err)
		fsys[path.Clean(h.Name)] = &fstest.MapFile{Data: raw}
	}
}

// TestRealRevisions refreshes one index through four states of a real documentation tree, and compares it at each with
// one that is built from that state alone.
func TestRealRevisions(t *testing.T) {
	index := newMemory()
	in := New(index, Options{Force: true}) // between two of the states half a year has passed
	for i, name := range []string{"ecs-revision-0.tar.gz", "ecs-revision-1.tar.gz", "ecs-revision-2.tar.gz", "ecs-revision-3.tar.gz"} {
		fsys := unpack(t, name)
		if i == 1 {
			_, err := New(index, Options{}).Refresh(t.Context(), []Source{FS("ecs", fsys)})
			require.ErrorIs(t, err, prediag.ErrConflict, "over a third of the files have another path")
		}
		rep, err := in.Refresh(t.Context(), []Source{FS("ecs", fsys)})
		require.NoError(t, err)
		got := rep.Sources[0]
		t.Logf("%s: %d files, %d articles: %d added, %d changed, %d unchanged, %d deleted, skipped %v", name, got.Files, got.Articles, got.Added, got.Changed,
			got.Unchanged, got.Deleted, got.Skipped)
		scratch := newMemory()
		_, err = New(scratch, Options{}).Refresh(t.Context(), []Source{FS("ecs", fsys)})
		require.NoError(t, err)
		require.Equal(t, scratch.articles, index.articles)
		require.Equal(t, scratch.prints, index.prints)
		for id, a := range index.articles {
			checkArticle(t, id, a, "")
		}
		rep, err = in.Refresh(t.Context(), []Source{FS("ecs", fsys)})
		require.NoError(t, err)
		require.False(t, rep.Applied, "nothing to do")
	}
}

// BenchmarkOriginals parses 6,353 original files in Markdown, MDX and reStructuredText.
func BenchmarkOriginals(b *testing.B) { benchmarkRefresh(b, FS("raw", unpack(b, "originals.tar.gz"))) }

// BenchmarkRecords reads 8,855 articles from JSON Lines.
func BenchmarkRecords(b *testing.B) {
	src, err := Open(filepath.Join(sharedData, "kb/otc-en/articles.jsonl.gz"))
	if err != nil {
		b.Skip("no test data")
	}
	benchmarkRefresh(b, src)
}

// benchmarkRefresh measures a first refresh of a source and one that finds nothing to do.
func benchmarkRefresh(b *testing.B, src Source) {
	full := newMemory()
	_, err := New(full, Options{}).Refresh(b.Context(), []Source{src})
	require.NoError(b, err)
	for name, index := range map[string]func() *memory{"first": newMemory, "unchanged": func() *memory { return full }} {
		b.Run(name, func(b *testing.B) {
			var total SourceReport
			for b.Loop() {
				rep, err := New(index(), Options{}).Refresh(context.Background(), []Source{src})
				require.NoError(b, err)
				total = rep.Total()
			}
			b.ReportMetric(float64(total.Articles)*float64(b.N)/b.Elapsed().Seconds(), "articles/s")
		})
	}
}
