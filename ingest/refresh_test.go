package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func TestReportSaysHowManyTwinsThereAre(t *testing.T) {
	in := New(newMemory(), Options{})
	for range 2 { // the second time nothing changes
		rep, err := in.Refresh(t.Context(), []Source{FS("s", files(map[string]string{"a.md": "# A\n\nText.", "b.md": "# A\n\nText."}))})
		require.NoError(t, err)
		require.Equal(t, 1, rep.Twins)
	}
}

func TestRefreshAddsChangesAndDeletes(t *testing.T) {
	index := newMemory()
	in := New(index, Options{})
	tree := map[string]string{
		"en/login.md": "# Cannot log in\n\nText.\n\n## Solution\n\nRestart **sshd**.\n",
		"en/disk.md":  "---\nid: disk\nlanguage: en\n---\n# Disk full\n\nDelete files.\n",
		"faq.jsonl":   `{"id":"f1","title":"Q","body":"A."}` + "\n\nnot json\n" + `{"id":"f2","title":"Q2","body":"B."}` + "\n",
		"logo.png":    "x",
		".git/config": "x",
	}
	rep, err := in.Refresh(t.Context(), []Source{FS("s", files(tree))})
	require.NoError(t, err)
	require.Equal(t, SourceReport{Name: "s", Files: 5, Articles: 4, Added: 4, Parsed: 5, Sections: 5,
		Skipped:     map[string]int{SkipHiddenFolder: 1, "unsupported extension .png": 1, SkipJSON: 1},
		Quarantined: []Quarantined{{"faq.jsonl", SkipJSON}}}, rep.Sources[0])
	require.True(t, rep.Applied)
	require.EqualValues(t, 1, rep.Generation)
	a := index.articles["s/en/login.md"]
	require.Equal(t, "Cannot log in", a.Title)
	require.Equal(t, "Text.\n\nSolution\n\nRestart sshd.", a.Body)
	require.Len(t, a.Sections, 2)
	require.Equal(t, "Solution", a.Sections[1].Heading())
	text, ok := a.Sections[1].Span.Of(a.Body)
	require.True(t, ok)
	require.Equal(t, "Restart sshd.", text)

	rep, err = in.Refresh(t.Context(), []Source{FS("s", files(tree))})
	require.NoError(t, err)
	require.False(t, rep.Applied)
	require.EqualValues(t, 1, rep.Generation, "the one that serves")
	require.Equal(t, 4, rep.Sources[0].Unchanged)
	require.Equal(t, 1, index.applied)

	delete(tree, "en/login.md")
	tree["en/disk.md"] += "\nMore.\n"
	tree["faq.jsonl"] = `{"id":"f1","title":"Q","body":"A."}` + "\n"
	rep, err = in.Refresh(t.Context(), []Source{FS("s", files(tree))})
	require.NoError(t, err)
	got := rep.Sources[0]
	require.Equal(t, []int{2, 0, 1, 1, 2}, []int{got.Articles, got.Added, got.Changed, got.Unchanged, got.Deleted})
}

// numberedFiles makes n articles.
func numberedFiles(n int) map[string]string {
	tree := map[string]string{}
	for i := range n {
		tree[fmt.Sprintf("%03d.md", i)] = fmt.Sprintf("# Title %d\n\nText %d.\n", i, i)
	}
	return tree
}

func TestMassDeletionIsStopped(t *testing.T) {
	index := newMemory()
	tree := numberedFiles(20)
	_, err := New(index, Options{}).Refresh(t.Context(), []Source{FS("s", files(tree))})
	require.NoError(t, err)

	for i := range 5 { // one more than a fifth
		delete(tree, fmt.Sprintf("%03d.md", i))
	}
	tree["new.md"] = "# New\n\nx"
	rep, err := New(index, Options{}).Refresh(t.Context(), []Source{FS("s", files(tree))})
	require.ErrorIs(t, err, prediag.ErrConflict)
	require.ErrorContains(t, err, `source "s": 5 of 20 known articles vanished`)
	require.ErrorContains(t, err, "force")
	require.False(t, rep.Applied)
	require.Len(t, index.articles, 20, "the old generation stays whole")

	_, err = New(index, Options{}).Refresh(t.Context(), []Source{FS("s", fstest.MapFS{})})
	require.ErrorIs(t, err, prediag.ErrConflict)

	_, err = New(index, Options{MaxVanished: 0.25}).Refresh(t.Context(), []Source{FS("s", files(tree))})
	require.NoError(t, err)
	require.Len(t, index.articles, 16)

	_, err = New(index, Options{Force: true}).Refresh(t.Context(), []Source{Retired("s")})
	require.NoError(t, err)
	require.Empty(t, index.articles)
}

func TestSmallSourcesMayShrinkButNotVanish(t *testing.T) {
	index := newMemory()
	tree := numberedFiles(5)
	in := New(index, Options{})
	_, err := in.Refresh(t.Context(), []Source{FS("s", files(tree))})
	require.NoError(t, err)
	_, err = in.Refresh(t.Context(), []Source{FS("s", fstest.MapFS{})})
	require.ErrorIs(t, err, prediag.ErrConflict)
	rep, err := in.Refresh(t.Context(), []Source{FS("s", files(numberedFiles(1)))})
	require.NoError(t, err)
	require.Equal(t, 4, rep.Sources[0].Deleted)
}

func TestBrokenFilesKeepWhatTheyLastSaid(t *testing.T) {
	index := newMemory()
	in := New(index, Options{})
	tree := numberedFiles(20)
	tree["r.jsonl"] = `{"id":"r1","body":"b"}` + "\n" + `{"id":"r2","body":"c"}`
	_, err := in.Refresh(t.Context(), []Source{FS("s", files(tree))})
	require.NoError(t, err)
	before := maps.Clone(index.articles)

	tree["000.md"] = "# Title\xff"
	tree["r.jsonl"] = `{"id":"r1","body":"b"}` + "\n" + `{"id":"r2","bo`
	tree["001.md"] = "" // emptied: that is a wish
	rep, err := in.Refresh(t.Context(), []Source{FS("s", files(tree))})
	require.NoError(t, err)
	got := rep.Sources[0]
	require.Equal(t, []int{2, 1, 21}, []int{got.Kept, got.Deleted, got.Articles})
	require.Equal(t, []Quarantined{{"000.md", SkipInvalidUTF8}, {"r.jsonl", SkipJSON}}, got.Quarantined)
	require.Equal(t, before["s/000.md"], index.articles["s/000.md"])
	require.Contains(t, index.articles, "r2")
	require.NotContains(t, index.articles, "s/001.md")

	for i := range 10 { // that many at once look like a broken export
		tree[fmt.Sprintf("%03d.md", i)] = "\xff"
	}
	_, err = in.Refresh(t.Context(), []Source{FS("s", files(tree))})
	require.ErrorIs(t, err, prediag.ErrConflict)
}

// partial is a source that cannot list one of its folders.
type partial struct{ Source }

func (p partial) Walk(ctx context.Context, yield func(Item) error) error {
	if err := yield(Item{Path: "locked", Skip: SkipFolder, Folder: true}); err != nil {
		return err
	}
	return p.Source.Walk(ctx, yield)
}

func TestNothingIsDeletedWhileAFolderIsUnreadable(t *testing.T) {
	index := newMemory()
	in := New(index, Options{})
	_, err := in.Refresh(t.Context(), []Source{FS("s", files(numberedFiles(20)))})
	require.NoError(t, err)
	rep, err := in.Refresh(t.Context(), []Source{partial{FS("s", files(numberedFiles(18)))}})
	require.NoError(t, err)
	require.Equal(t, []int{2, 0, 20}, []int{rep.Sources[0].Kept, rep.Sources[0].Deleted, rep.Sources[0].Articles})
	require.False(t, rep.Applied)
}

func TestSameIDTwice(t *testing.T) {
	index := newMemory()
	in := New(index, Options{})
	one, two := "---\nid: x\n---\n# One\n\na", "---\nid: x\n---\n# Two\n\nb"
	refresh := func(sources ...Source) Report {
		rep, err := in.Refresh(t.Context(), sources)
		require.NoError(t, err)
		return rep
	}
	rep := refresh(FS("s", files(map[string]string{"a.md": one, "b.md": two})))
	require.Equal(t, 1, rep.Sources[0].Skipped[SkipDuplicate])
	require.Equal(t, "One", index.articles["x"].Title)
	refresh(FS("s", files(map[string]string{"b.md": two})))
	require.Equal(t, "Two", index.articles["x"].Title)
	refresh(FS("s", files(map[string]string{"a.md": one, "b.md": two})))
	require.Equal(t, "One", index.articles["x"].Title, "the first one wins again")

	// The article moves to another source: it is stored there and not removed.
	other := map[string]string{"a.md": one}
	rep = refresh(FS("s", files(map[string]string{"c.md": "# C\n\nc"})), FS("t", files(other)))
	require.Equal(t, "t", index.articles["x"].Source)
	require.Equal(t, []int{0, 1}, []int{rep.Sources[0].Deleted, rep.Sources[1].Added})
}

func TestRefreshErrorsChangeNothing(t *testing.T) {
	index := newMemory()
	in := New(index, Options{})
	_, err := in.Refresh(t.Context(), []Source{FS("s", files(numberedFiles(3)))})
	require.NoError(t, err)
	broken := errors.New("network is down")
	for name, c := range map[string]struct {
		sources []Source
		fail    error
		want    error
	}{
		"source fails":    {sources: []Source{failing{FS("s", files(numberedFiles(5))), broken}}, want: broken},
		"index fails":     {sources: []Source{FS("s", files(numberedFiles(5)))}, fail: broken, want: broken},
		"no name":         {sources: []Source{FS("", nil)}, want: prediag.ErrInvalid},
		"same name twice": {sources: []Source{FS("s", nil), FS("s", nil)}, want: prediag.ErrInvalid},
		"a source panics": {sources: []Source{panicking{}}, want: nil},
	} {
		index.fail = c.fail
		_, err := in.Refresh(t.Context(), c.sources)
		require.Error(t, err, name)
		if c.want != nil {
			require.ErrorIs(t, err, c.want, name)
		}
		require.Len(t, index.articles, 3, name)
	}
	index.fail = nil
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = in.Refresh(ctx, []Source{FS("s", files(numberedFiles(5)))})
	require.ErrorIs(t, err, context.Canceled)
}

type failing struct {
	Source
	err error
}

func (f failing) Walk(ctx context.Context, yield func(Item) error) error {
	if err := f.Source.Walk(ctx, yield); err != nil {
		return err
	}
	return f.err
}

type panicking struct{}

func (panicking) Name() string                                 { return "p" }
func (panicking) Walk(context.Context, func(Item) error) error { panic("broken source") }

// TestIncrementalEqualsFromScratch changes a tree at random and compares the index, refreshed step by step, with one that
// is built from the last state alone.
func TestIncrementalEqualsFromScratch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		index := newMemory()
		in := New(index, Options{Force: true, Workers: rapid.IntRange(1, 4).Draw(t, "workers")})
		tree := map[string]string{}
		for range rapid.IntRange(1, 5).Draw(t, "steps") {
			for range rapid.IntRange(0, 6).Draw(t, "edits") {
				path := rapid.SampledFrom([]string{"a.md", "b.md", "c/d.rst", "e.jsonl", "f.txt", "zh/g.md"}).Draw(t, "path")
				switch n := rapid.IntRange(0, 5).Draw(t, "content"); {
				case n == 0:
					delete(tree, path)
				case strings.HasSuffix(path, ".jsonl"):
					tree[path] = fmt.Sprintf("{\"id\":\"r%d\",\"body\":\"b\"}\n{\"id\":\"r\",\"body\":\"b%d\"}\n", n, n%2)
				case n == 5:
					tree[path] = "---\nid: same\n---\n\nText of " + path
				default:
					tree[path] = fmt.Sprintf("Title %d\n=======\n\nText %d.\n", n%2, n)
				}
			}
			if _, err := in.Refresh(context.Background(), []Source{FS("s", files(tree))}); err != nil {
				t.Fatal(err)
			}
		}
		scratch := newMemory()
		_, err := New(scratch, Options{}).Refresh(context.Background(), []Source{FS("s", files(tree))})
		require.NoError(t, err)
		require.Equal(t, scratch.articles, index.articles)
		require.Equal(t, scratch.prints, index.prints)
	})
}

func TestArticlesThatAnIndexRefusesAreLeftOut(t *testing.T) {
	long := strings.Repeat("x", prediag.MaxFieldBytes+1)
	index := newMemory()
	rep, err := New(index, Options{}).Refresh(t.Context(), []Source{FS("s", files(map[string]string{
		"product.md": "---\nproduct: " + long + "\n---\nText",
		"id.md":      "---\nid: " + long + "\n---\nText",
		"r.jsonl":    `{"id":"a","body":"b","audience":["x\u0007"]}` + "\n" + `{"id":"b","body":"b","audience":[""]}` + "\n" + `{"id":"c","body":"b","url":"` + strings.Repeat("u", 5000) + `"}`,
	}))})
	require.NoError(t, err)
	require.Equal(t, map[string]int{SkipMetadata: 4, SkipID: 1}, rep.Sources[0].Skipped)
	require.Empty(t, index.articles)
}

func TestReportIsJSON(t *testing.T) {
	rep, err := New(newMemory(), Options{Now: func() time.Time { return time.Unix(0, 0).UTC() }}).Refresh(t.Context(), []Source{FS("s", files(map[string]string{"a.md": "x", "b.png": ""}))})
	require.NoError(t, err)
	require.Positive(t, rep.Phases.Reading)
	rep.Took, rep.Phases = 5, Phases{1, 2, 3}
	raw, err := json.Marshal(rep)
	require.NoError(t, err)
	require.JSONEq(t, `{"started":"1970-01-01T00:00:00Z","took_ns":5,"phases":{"reading_ns":1,"indexing_ns":2,"publishing_ns":3},"generation":1,"near_twins":0,"applied":true,"sources":[{"name":"s","files":2,"articles":1,
		"added":1,"changed":0,"moved":0,"unchanged":0,"kept":0,"deleted":0,"parsed":1,"sections":1,"skipped":{"unsupported extension .png":1}}]}`, string(raw))
}

func TestMovedFilesAreNeitherNewNorGone(t *testing.T) {
	index := newMemory()
	tree := map[string]string{"same.md": "stays"}
	for i := range 10 {
		tree[fmt.Sprintf("old/%d.md", i)] = fmt.Sprint("text ", i)
	}
	tree["old/twin.md"] = "text 9" // two files of the same bytes, one of which moves
	_, err := New(index, Options{}).Refresh(t.Context(), []Source{FS("s", files(tree))})
	require.NoError(t, err)
	for i := range 9 {
		tree[fmt.Sprintf("new/%d.md", i)] = tree[fmt.Sprintf("old/%d.md", i)]
		delete(tree, fmt.Sprintf("old/%d.md", i))
	}
	delete(tree, "old/9.md")
	delete(tree, "old/twin.md")
	tree["new/9.md"] = "text 9"
	rep, err := New(index, Options{}).Refresh(t.Context(), []Source{FS("s", files(tree))})
	require.NoError(t, err, "what moved did not vanish")
	got := rep.Sources[0]
	require.Equal(t, []int{10, 0, 0, 1, 1, 11, 10}, []int{got.Moved, got.Added, got.Changed, got.Unchanged, got.Deleted, got.Articles, got.Parsed})
	require.Len(t, index.articles, 11)
	require.NotContains(t, index.articles, "s/old/1.md")
	require.Contains(t, index.articles, "s/new/1.md")
}

func TestReadingGivesWayNowAndThen(t *testing.T) {
	var lines strings.Builder
	for i := range 4 * yieldEvery {
		fmt.Fprintf(&lines, `{"id":"f%d","title":"Q","body":"A."}`+"\n", i)
	}
	asked := 0
	in := New(newMemory(), Options{Yield: func() { asked++ }})
	_, err := in.Refresh(t.Context(), []Source{FS("s", files(map[string]string{"faq.jsonl": lines.String()}))})
	require.NoError(t, err)
	require.Equal(t, 4, asked)
}
