package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// api is a source that tells what changed since a number of its own.
type api struct {
	name    string
	version int
	changes []Item // of the versions after the first
	all     map[string]string
	full    int // walks that were asked for everything
	rest    bool
	err     error
}

func (a *api) Name() string { return a.name }

func (a *api) Walk(ctx context.Context, yield func(Item) error) error {
	_, err := a.WalkSince(ctx, nil, yield)
	return err
}

func (a *api) WalkSince(ctx context.Context, mark []byte, yield func(Item) error) (Walked, error) {
	next, _ := json.Marshal(a.version)
	if mark == nil {
		a.full++
		if err := FS(a.name, files(a.all)).Walk(ctx, yield); err != nil {
			return Walked{}, err
		}
		return Walked{Mark: next}, a.err
	}
	for _, it := range a.changes {
		if err := yield(it); err != nil {
			return Walked{}, err
		}
	}
	return Walked{Mark: next, Rest: a.rest}, a.err
}

func textItem(path, text string) Item {
	return Item{Path: path, Size: -1, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

func TestIncrementalSourceTellsOnlyWhatChanged(t *testing.T) {
	index, ledger := newMemory(), FileLedger{Dir: t.TempDir()}
	src := &api{name: "s", all: numberedFiles(20), rest: true}
	src.all["bad.md"] = "\xff"
	refresh := func() SourceReport {
		rep, err := New(index, Options{Ledger: ledger}).Refresh(t.Context(), []Source{src})
		require.NoError(t, err)
		return rep.Sources[0]
	}
	require.Equal(t, 20, refresh().Added)
	got := refresh()
	require.Equal(t, []int{1, 20, 20, 0}, []int{src.full, got.Unchanged, got.Articles, got.Files}, "nothing changed")

	src.changes = []Item{textItem("003.md", "# Other\n\nx"), {Path: "004.md", Gone: true}, textItem("new.md", "# New\n\ny"), {Path: "005.md", Same: true},
		{Path: "bad.md", Same: true}}
	got = refresh()
	require.Equal(t, []int{1, 1, 1, 18, 20}, []int{got.Added, got.Changed, got.Deleted, got.Unchanged, got.Articles})
	require.Equal(t, map[string]int{SkipInvalidUTF8: 1}, got.Skipped, "it is told although it is the same")
	require.NotContains(t, index.articles, "s/004.md")
	require.Equal(t, "Other", index.articles["s/003.md"].Title)

	// The index falls back to an older generation: what the source tells from its mark on would not be enough.
	src.changes = nil
	delete(index.prints, "s/new.md")
	delete(index.articles, "s/new.md")
	src.all["new.md"] = "# New\n\ny"
	delete(src.all, "004.md")
	src.all["003.md"] = "# Other\n\nx"
	got = refresh()
	require.Equal(t, []int{2, 1}, []int{src.full, got.Added}, "so it is asked for everything")

	// A list of all that is still there, most of it unchanged, deletes the others.
	src.rest = false
	for i := range 18 {
		src.changes = append(src.changes, Item{Path: fmt.Sprintf("%03d.md", i), Same: true})
	}
	got = refresh()
	require.Equal(t, []int{2, 17, 3}, []int{src.full, got.Unchanged, got.Deleted})
}

func TestFileThatCouldNotBeReadIsAskedForAgain(t *testing.T) {
	index, ledger := newMemory(), FileLedger{Dir: t.TempDir()}
	src := &api{name: "s", all: numberedFiles(20), rest: true}
	refresh := func() SourceReport {
		rep, err := New(index, Options{Ledger: ledger}).Refresh(t.Context(), []Source{src})
		require.NoError(t, err)
		return rep.Sources[0]
	}
	refresh()
	src.changes = []Item{{Path: "000.md", Size: -1, Open: func() (io.ReadCloser, error) { return nil, errors.New("input/output error") }}}
	require.Equal(t, map[string]int{SkipUnreadable: 1}, refresh().Skipped)
	src.changes, src.all["000.md"] = nil, "# Changed\n\nx"
	require.Equal(t, 1, refresh().Changed, "the mark did not pass it")
}

func TestSourceThatIsDownKeepsItsArticles(t *testing.T) {
	index, ledger := newMemory(), FileLedger{Dir: t.TempDir()}
	down := &api{name: "down", all: numberedFiles(20)}
	up := map[string]string{"a.md": "# A\n\nx"}
	refresh := func() (Report, error) {
		return New(index, Options{Ledger: ledger}).Refresh(t.Context(), []Source{down, FS("up", files(up))})
	}
	_, err := refresh()
	require.NoError(t, err)
	down.err, down.changes = fmt.Errorf("%w: 503", ErrUnavailable), []Item{textItem("000.md", "# Changed\n\nx")}
	up["b.md"] = "# B\n\ny"
	rep, err := refresh()
	require.NoError(t, err)
	require.True(t, rep.Unavailable())
	require.Equal(t, []int{1, 19, 20}, []int{rep.Sources[0].Changed, rep.Sources[0].Kept, rep.Sources[0].Articles})
	require.Contains(t, rep.Sources[0].Error, "503")
	require.Equal(t, 1, rep.Sources[1].Added)
	require.Len(t, index.articles, 22)

	_, err = New(index, Options{}).Refresh(t.Context(), []Source{down})
	require.ErrorIs(t, err, ErrUnavailable, "when nothing could be read the refresh failed")
	down.err = errors.New("broken configuration")
	_, err = refresh()
	require.ErrorContains(t, err, "broken configuration")
}

// timed is a source with a schedule.
type timed struct {
	Source
	every time.Duration
}

func (s timed) Every() time.Duration { return s.every }

func TestSourcesHaveSchedulesOfTheirOwn(t *testing.T) {
	index, now := newMemory(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	in := New(index, Options{Ledger: FileLedger{Dir: t.TempDir()}, Now: func() time.Time { return now }})
	tree := map[string]string{"a.md": "# A\n\nx"}
	sources := []Source{timed{FS("often", files(tree)), time.Hour}, timed{FS("seldom", files(tree)), 24 * time.Hour}}
	refresh := func(due bool) []bool {
		rep, err := in.refresh(t.Context(), &refresh{due: due}, sources)
		require.NoError(t, err)
		return []bool{rep.Sources[0].NotDue, rep.Sources[1].NotDue}
	}
	require.Equal(t, []bool{false, false}, refresh(true))
	now = now.Add(time.Hour)
	require.Equal(t, []bool{false, true}, refresh(true))
	now = now.Add(time.Minute)
	require.Equal(t, []bool{true, true}, refresh(true))
	require.Equal(t, []bool{false, false}, refresh(false), "somebody asked")
	now = now.Add(-48 * time.Hour)
	require.Equal(t, []bool{false, false}, refresh(true), "a clock was set back")
	require.Len(t, index.articles, 2)
}

func TestLedgerThatCannotBeRead(t *testing.T) {
	l := FileLedger{Dir: t.TempDir()}
	e, err := l.Load("s")
	require.NoError(t, err)
	require.Equal(t, LedgerEntry{}, e)
	require.NoError(t, l.Save("s", LedgerEntry{Mark: []byte(`"m"`), Left: map[string]LeftOut{"p": {Path: "a", Reason: SkipJSON}}}))
	e, err = l.Load("s")
	require.NoError(t, err)
	require.Equal(t, "s", e.Source)
	require.Len(t, e.Quarantine(), 1)
	require.NoError(t, writeRaw(l.path("s"), "{cut"))
	e, err = l.Load("s")
	require.NoError(t, err)
	require.Equal(t, LedgerEntry{}, e)
}
