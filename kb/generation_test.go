package kb

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"prediag"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, ignoreBleve()...) }

// ignoreBleve are the analysis workers that Bleve keeps for the life of the process.
func ignoreBleve() []goleak.Option {
	return []goleak.Option{goleak.IgnoreTopFunction("github.com/blevesearch/bleve_index_api.AnalysisWorker"),
		goleak.IgnoreAnyFunction("github.com/blevesearch/bleve_index_api.AnalysisWorker")}
}

// numbered makes n small articles whose words repeat in different mixtures.
func numbered(n int) []prediag.Article {
	words := strings.Fields("disk attach detach snapshot restore image network gateway record certificate login password quota resize invoice refund")
	r := rand.New(rand.NewPCG(1, 2))
	var out []prediag.Article
	for i := range n {
		var body []string
		for range 5 + r.IntN(40) {
			body = append(body, words[r.IntN(len(words))])
		}
		out = append(out, article(fmt.Sprintf("a%04d", i), words[i%len(words)]+" "+words[(i/3)%len(words)], strings.Join(body, " ")))
	}
	return out
}

func article(id, title, body string) prediag.Article {
	return prediag.Article{ID: id, Title: title, Body: body, Language: "en", Source: "test", Revision: fmt.Sprintf("%x", sha256.Sum256([]byte(title+body))),
		Sections: []prediag.Section{{Span: prediag.Span{End: len(body)}}}}
}

func changes(list ...prediag.Change) iter.Seq2[prediag.Change, error] {
	return func(yield func(prediag.Change, error) bool) {
		for _, c := range list {
			if !yield(c, nil) {
				return
			}
		}
	}
}

func open(t testing.TB, dir string, opt Options) *KB {
	k, err := Open(dir, opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, k.Close()) })
	return k
}

func apply(t testing.TB, k *KB, seq iter.Seq2[prediag.Change, error]) prediag.Generation {
	g, err := k.Apply(context.Background(), seq)
	require.NoError(t, err)
	return g
}

func find(t testing.TB, k *KB, q prediag.Query) prediag.Results {
	r, err := k.Search(context.Background(), q)
	require.NoError(t, err)
	return r
}

func ids(r prediag.Results) []string {
	out := []string{}
	for _, h := range r.Hits {
		out = append(out, h.ArticleID)
	}
	return out
}

func TestUpdateAndDelete(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	apply(t, k, put(article("a", "Disk", "old words"), article("b", "Network", "gateway")))
	next := article("a", "Disk", "entirely new")
	g := apply(t, k, changes(prediag.Change{Put: &next, Fingerprint: "raw-2"}, prediag.Change{Delete: "b"}))
	require.EqualValues(t, 2, g.Number)
	require.Equal(t, 1, g.Articles)
	require.Equal(t, map[string]int{"test": 1}, g.Sources)
	require.Empty(t, find(t, k, prediag.Query{Text: "old"}).Hits)
	require.Empty(t, find(t, k, prediag.Query{Text: "gateway"}).Hits)
	require.Equal(t, []string{"a"}, ids(find(t, k, prediag.Query{Text: "entirely"})))
	known, err := k.Known(context.Background(), "test")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "raw-2"}, known)
	known, err = k.Known(context.Background(), "other")
	require.NoError(t, err)
	require.Empty(t, known)
}

func TestNothingChangedKeepsTheGeneration(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	first := apply(t, k, put(article("a", "Disk", "words")))
	require.Equal(t, first, apply(t, k, changes()))
	require.Equal(t, first, apply(t, k, changes(prediag.Change{Delete: "unknown"})))
	last := article("b", "Last", "wins")
	early := article("b", "Early", "loses")
	apply(t, k, changes(prediag.Change{Put: &early}, prediag.Change{Delete: "b"}, prediag.Change{Put: &last}))
	require.Equal(t, []string{"b"}, ids(find(t, k, prediag.Query{Text: "wins"})))
	require.Empty(t, find(t, k, prediag.Query{Text: "loses"}).Hits)
}

func TestAbandonedBuildChangesNothing(t *testing.T) {
	dir := t.TempDir()
	k := open(t, dir, Options{})
	before := apply(t, k, put(article("a", "Disk", "words")))
	failure := errors.New("source is gone")
	_, err := k.Apply(context.Background(), func(yield func(prediag.Change, error) bool) {
		b := article("b", "New", "text")
		_ = yield(prediag.Change{Put: &b}, nil) && yield(prediag.Change{}, failure)
	})
	require.ErrorIs(t, err, failure)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = k.Apply(ctx, put(article("c", "New", "text")))
	require.ErrorIs(t, err, context.Canceled)
	bad := article("", "No ID", "text")
	_, err = k.Apply(context.Background(), put(bad))
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.Equal(t, before, k.Generation())
	require.ElementsMatch(t, []string{pointerName, genName(1)}, names(t, dir))
}

func names(t testing.TB, dir string) []string {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestOneApplyAtATime(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	_, err := k.Apply(context.Background(), func(yield func(prediag.Change, error) bool) {
		_, err := k.Apply(context.Background(), put(article("b", "B", "b")))
		require.ErrorIs(t, err, prediag.ErrConflict)
		a := article("a", "A", "a")
		yield(prediag.Change{Put: &a}, nil)
	})
	require.NoError(t, err)
}

func TestIncrementalEqualsScratch(t *testing.T) {
	all := numbered(120)
	scratch := open(t, t.TempDir(), Options{Batch: 7})
	apply(t, scratch, put(all...))
	step := open(t, t.TempDir(), Options{Batch: 11})
	apply(t, step, put(all[40:]...))
	apply(t, step, put(article("a0003", "to be replaced", "disk disk disk"), article("zz", "to be deleted", "network")))
	apply(t, step, put(all[:40]...))
	apply(t, step, changes(prediag.Change{Delete: "zz"}))
	require.Equal(t, scratch.current.manifest.Tokens, step.current.manifest.Tokens)
	for _, text := range []string{"disk", "attach disk", "certificate login quota", "restore the snapshot of an image please"} {
		want, got := find(t, scratch, prediag.Query{Text: text, Limit: 100, Facets: true}), find(t, step, prediag.Query{Text: text, Limit: 100, Facets: true})
		require.NotEmpty(t, want.Hits)
		want.Generation, got.Generation = 0, 0
		require.Empty(t, cmp.Diff(want, got))
	}
}

func TestOldGenerationsAndLeftoversAreRemoved(t *testing.T) {
	dir := t.TempDir()
	k := open(t, dir, Options{Keep: 2})
	for i := range 4 {
		apply(t, k, put(article("a", "Disk", fmt.Sprint("words ", i))))
	}
	require.ElementsMatch(t, []string{pointerName, genName(3), genName(4)}, names(t, dir))
	// What a killed build leaves: a build folder, and a finished generation that the pointer does not name yet.
	require.NoError(t, os.Mkdir(filepath.Join(dir, buildPrefix+"00000005"), 0o755))
	require.NoError(t, os.CopyFS(filepath.Join(dir, genName(5)), os.DirFS(filepath.Join(dir, genName(4)))))
	require.NoError(t, k.Close())
	k = open(t, dir, Options{Keep: 2})
	require.EqualValues(t, 4, k.Generation().Number)
	require.Contains(t, names(t, dir), genName(5), "opening deletes nothing")
	require.EqualValues(t, 5, apply(t, k, put(article("a", "Disk", "again"))).Number)
	require.ElementsMatch(t, []string{pointerName, genName(4), genName(5)}, names(t, dir))
}

// TestDamageFallsBack damages every file of the newest generation in several ways; the one before must serve.
func TestDamageFallsBack(t *testing.T) {
	source := t.TempDir()
	k := open(t, source, Options{})
	apply(t, k, put(article("a", "Disk", "words")))
	apply(t, k, put(article("b", "Network", "words")))
	require.NoError(t, k.Close())
	var files []string
	newest := filepath.Join(source, genName(2))
	require.NoError(t, filepath.WalkDir(newest, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(source, name)
			files = append(files, rel)
		}
		return err
	}))
	files = append(files, pointerName)
	require.Greater(t, len(files), 4)
	damages := map[string]func(string) error{
		"missing": os.Remove,
		"empty":   func(name string) error { return os.WriteFile(name, nil, 0o600) },
		"flipped": flipByte,
		"cut":     func(name string) error { info, _ := os.Stat(name); return os.Truncate(name, info.Size()/2) },
		"longer": func(name string) error {
			data, _ := os.ReadFile(name)
			return os.WriteFile(name, append(data, 'x'), 0o600)
		},
	}
	for _, file := range files {
		for what, damage := range damages {
			t.Run(what+" "+filepath.ToSlash(file), func(t *testing.T) {
				dir := t.TempDir()
				require.NoError(t, os.CopyFS(dir, os.DirFS(source)))
				require.NoError(t, damage(filepath.Join(dir, file)))
				k := open(t, dir, Options{})
				require.NotEmpty(t, k.Status().Degraded)
				require.NotZero(t, k.Generation().Number)
				if file != pointerName {
					require.EqualValues(t, 1, k.Generation().Number)
				}
				require.Equal(t, []string{"a"}, ids(find(t, k, prediag.Query{Text: "disk"})))
				require.EqualValues(t, 3, apply(t, k, put(article("c", "New", "text"))).Number, "the next refresh mends it")
				require.Empty(t, k.Status().Degraded)
			})
		}
	}
}

func flipByte(name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	return os.WriteFile(name, data, 0o600)
}

func TestNoIntactGenerationIsNotReady(t *testing.T) {
	dir := t.TempDir()
	k := open(t, dir, Options{})
	apply(t, k, put(article("a", "Disk", "words")))
	require.NoError(t, k.Close())
	require.NoError(t, flipByte(filepath.Join(dir, genName(1), tableName)))
	k = open(t, dir, Options{})
	require.Contains(t, k.Status().Degraded, "no generation is usable")
	_, err := k.Search(context.Background(), prediag.Query{Text: "disk"})
	require.ErrorIs(t, err, prediag.ErrNotReady)
	known, err := k.Known(context.Background(), "test")
	require.NoError(t, err)
	require.Empty(t, known)
	apply(t, k, put(article("a", "Disk", "words")))
	require.Equal(t, []string{"a"}, ids(find(t, k, prediag.Query{Text: "disk"})))
}

func TestScrubAndBuildNoticeDamageUnderWay(t *testing.T) {
	for _, how := range []string{"scrub", "apply"} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			k := open(t, dir, Options{})
			apply(t, k, put(article("a", "Disk", "words")))
			apply(t, k, put(article("b", "Network", "words")))
			require.NoError(t, flipByte(filepath.Join(dir, genName(2), indexName, "store", "root.bolt")))
			if how == "scrub" {
				require.ErrorIs(t, k.Scrub(context.Background()), prediag.ErrDamaged)
			} else {
				_, err := k.Apply(context.Background(), put(article("c", "New", "text")))
				require.ErrorIs(t, err, prediag.ErrDamaged)
			}
			require.Eventually(t, func() bool { return k.Generation().Number == 1 }, 30*time.Second, time.Millisecond)
			require.NotEmpty(t, k.Status().Degraded)
			require.EqualValues(t, 3, apply(t, k, put(article("c", "New", "text"))).Number)
		})
	}
}

// TestDamageInASharedSegmentLeavesNothing flips a byte of a segment that all generations share: none of them may serve,
// whatever its size, and the next build begins from scratch.
func TestDamageInASharedSegmentLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	k := open(t, dir, Options{VerifyBytes: 1}) // too large to be proved at opening
	apply(t, k, put(numbered(300)...))
	apply(t, k, put(article("b", "Network", "words")))
	segments, err := filepath.Glob(filepath.Join(dir, genName(1), indexName, "store", "*.zap"))
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(dir, genName(2), indexName, "store", filepath.Base(segments[0])), "shared")
	require.NoError(t, flipByte(segments[0]))
	require.ErrorIs(t, k.Scrub(context.Background()), prediag.ErrDamaged)
	require.Zero(t, k.Generation().Number)
	require.Contains(t, k.Status().Degraded, filepath.Base(segments[0]))
	require.EqualValues(t, 3, apply(t, k, put(numbered(300)...)).Number)
	require.Empty(t, k.Status().Degraded)
	list, err := List(dir)
	require.NoError(t, err)
	require.Zero(t, list[0].Base, "from scratch")
}

// TestCutWhileServing cuts a mapped segment short: reading it must give an error, not the end of the process.
func TestCutWhileServing(t *testing.T) {
	dir := t.TempDir()
	k := open(t, dir, Options{Keep: 3})
	apply(t, k, put(numbered(300)...))
	segments, err := filepath.Glob(filepath.Join(dir, genName(1), indexName, "store", "*.zap"))
	require.NoError(t, err)
	require.NotEmpty(t, segments)
	require.NoError(t, os.Truncate(segments[0], 10))
	_, err = k.Search(context.Background(), prediag.Query{Text: "disk snapshot"})
	require.ErrorIs(t, err, prediag.ErrDamaged)
	require.Eventually(t, func() bool { return k.Status().Degraded != "" }, 30*time.Second, time.Millisecond)
	_, err = k.Search(context.Background(), prediag.Query{Text: "disk snapshot"})
	require.ErrorIs(t, err, prediag.ErrNotReady)
}

func TestSearchDuringApply(t *testing.T) {
	k := open(t, t.TempDir(), Options{Keep: 1, Batch: 20})
	apply(t, k, put(numbered(60)...))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				r, err := k.Search(context.Background(), prediag.Query{Text: "disk snapshot", Facets: true, Limit: 5})
				if err != nil || len(r.Hits) != 5 {
					t.Errorf("search during a build: %d hits, %v", len(r.Hits), err)
					return
				}
			}
		})
	}
	for i := range 6 {
		apply(t, k, put(article("new", "Disk", fmt.Sprint("number ", i))))
	}
	close(stop)
	wg.Wait()
	require.EqualValues(t, 7, k.Generation().Number)
}

func TestSchemaOfAnotherProgramIsNotServed(t *testing.T) {
	dir := t.TempDir()
	k := open(t, dir, Options{})
	apply(t, k, put(article("a", "Disk", "words")))
	m := *k.current.manifest
	require.NoError(t, k.Close())
	m.Schema++
	data, err := m.encode()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, genName(1), manifestName), data, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, pointerName), []byte(genName(1)+" "+m.Sum+"\n"), 0o600))
	k = open(t, dir, Options{})
	require.Contains(t, k.Status().Degraded, "ingest again")
	require.EqualValues(t, 2, apply(t, k, put(article("a", "Disk", "words"))).Number)
}

// A generation is removed in one step: what a killed removal leaves is a left-over, not half a generation.
func TestRemoveWhole(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // a left-over of an earlier one is in the way
		require.NoError(t, os.MkdirAll(filepath.Join(dir, genName(3), "index"), 0o755))
		require.NoError(t, os.MkdirAll(filepath.Join(dir, buildPrefix+"removed-"+genName(3), "index"), 0o755))
		require.NoError(t, removeWhole(dir, genName(3)))
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
	require.ErrorIs(t, removeWhole(dir, genName(3)), os.ErrNotExist)
}
