package kb

import (
	"context"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

func put(articles ...prediag.Article) iter.Seq2[prediag.Change, error] {
	return func(yield func(prediag.Change, error) bool) {
		for _, a := range articles {
			if !yield(prediag.Change{Put: &a}, nil) {
				return
			}
		}
	}
}

func TestEmptyIsNotReady(t *testing.T) {
	k, err := Open(t.TempDir(), Options{})
	require.NoError(t, err)
	defer k.Close()
	_, err = k.Search(context.Background(), prediag.Query{Text: "disk"})
	require.ErrorIs(t, err, prediag.ErrNotReady)
	g, err := k.Apply(context.Background(), put())
	require.NoError(t, err)
	require.Zero(t, g.Number)
}

func TestApplySearchReopen(t *testing.T) {
	dir := t.TempDir()
	k, err := Open(dir, Options{})
	require.NoError(t, err)
	g, err := k.Apply(context.Background(), put(
		prediag.Article{ID: "a", Title: "Disk cannot be attached", Body: "Detach the disk first.", Language: "en", Source: "s", Revision: "1"},
		prediag.Article{ID: "b", Title: "DNS record", Body: "Add a record.", Language: "en", Source: "s", Revision: "1"}))
	require.NoError(t, err)
	require.EqualValues(t, 1, g.Number)
	require.Equal(t, 2, g.Articles)
	r, err := k.Search(context.Background(), prediag.Query{Text: "attach disk"})
	require.NoError(t, err)
	require.Equal(t, "a", r.Hits[0].ArticleID)
	require.NoError(t, k.Close())
	k, err = Open(dir, Options{})
	require.NoError(t, err)
	defer k.Close()
	require.Empty(t, k.Status().Degraded)
	again, err := k.Search(context.Background(), prediag.Query{Text: "attach disk"})
	require.NoError(t, err)
	require.Equal(t, r, again)
}

// testAnalyzers are the analyzers of a build.
func testAnalyzers() chan *analyzer { return newAnalyzers(false, func() {}) }
