package kb

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

// grown is a knowledge base of n generations whose article "a" says which one it is.
func grown(t *testing.T, dir string, n int, opt Options) *KB {
	k := open(t, dir, opt)
	for i := range n {
		apply(t, k, put(article("a", "Disk", fmt.Sprint("words number", i+1))))
	}
	return k
}

func TestRollbackIsTakenUpAndBuiltOn(t *testing.T) {
	dir := t.TempDir()
	k := grown(t, dir, 3, Options{Keep: 3})
	g, err := Rollback(context.Background(), dir, 2)
	require.NoError(t, err)
	require.EqualValues(t, 2, g.Number)
	require.EqualValues(t, 3, k.Generation().Number, "until the next look")
	switched, err := k.Reload()
	require.NoError(t, err)
	require.True(t, switched)
	require.EqualValues(t, 2, k.Generation().Number)
	require.Empty(t, k.Status().Degraded)
	require.Equal(t, []string{"a"}, ids(find(t, k, prediag.Query{Text: "number2 words"})))
	switched, err = k.Reload()
	require.NoError(t, err)
	require.False(t, switched)

	next := apply(t, k, put(article("b", "Network", "words")))
	require.EqualValues(t, 4, next.Number, "a number that was current once does not come again")
	a, err := k.Article(context.Background(), "a", nil)
	require.NoError(t, err)
	require.Equal(t, "words number2", a.Body, "built on the generation rolled back to")
	require.ElementsMatch(t, []string{pointerName, highestName, genName(1), genName(2), genName(4)}, names(t, dir),
		"what was rolled back from does not take the place of a good one")
}

func TestRollbackAndForward(t *testing.T) {
	dir := t.TempDir()
	k := grown(t, dir, 3, Options{Keep: 3})
	for _, n := range []uint64{1, 3, 2} {
		_, err := Rollback(context.Background(), dir, n)
		require.NoError(t, err)
		_, err = k.Reload()
		require.NoError(t, err)
		require.Equal(t, n, k.Generation().Number)
	}
	_, err := Rollback(context.Background(), dir, 7)
	require.ErrorIs(t, err, prediag.ErrNotFound)
	require.NoError(t, flipByte(filepath.Join(dir, genName(1), tableName)))
	_, err = Rollback(context.Background(), dir, 1)
	require.ErrorIs(t, err, prediag.ErrDamaged)
	require.EqualValues(t, 2, open(t, dir, Options{}).Generation().Number, "the pointer stays")
}

func TestRollbackDuringABuildWins(t *testing.T) {
	dir := t.TempDir()
	k := grown(t, dir, 2, Options{})
	_, err := k.Apply(context.Background(), func(yield func(prediag.Change, error) bool) {
		b := article("b", "New", "text")
		yield(prediag.Change{Put: &b}, nil)
		_, err := Rollback(context.Background(), dir, 1)
		require.NoError(t, err)
	})
	require.ErrorIs(t, err, prediag.ErrConflict)
	require.ErrorContains(t, err, "from \"gen-00000002\" to \"gen-00000001\"")
	_, err = k.Reload()
	require.NoError(t, err)
	require.EqualValues(t, 1, k.Generation().Number)
	require.Equal(t, 1, k.Generation().Articles)
}

func TestReloadRefusesWhatIsDamagedOnce(t *testing.T) {
	dir := t.TempDir()
	k := grown(t, dir, 2, Options{})
	raw, err := rawPointer(dir)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, pointerName), []byte("gen-00000009 "+raw[len("gen-00000002 "):]), 0o600))
	_, err = k.Reload()
	require.Error(t, err)
	_, err = k.Reload()
	require.NoError(t, err, "said once")
	require.EqualValues(t, 2, k.Generation().Number)
}

func TestCollect(t *testing.T) {
	dir := t.TempDir()
	k := grown(t, dir, 4, Options{Keep: 4})
	_, err := Rollback(context.Background(), dir, 2)
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, buildPrefix+"00000009"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, pointerName+tempMark+"1"), []byte("x"), 0o600))
	c, err := Collect(dir, 1)
	require.NoError(t, err)
	require.Positive(t, c.Bytes)
	require.ElementsMatch(t, []string{genName(1), genName(3), genName(4), buildPrefix + "00000009", pointerName + tempMark + "1"}, c.Names)
	require.ElementsMatch(t, []string{pointerName, highestName, genName(2)}, names(t, dir))
	_, err = k.Reload()
	require.NoError(t, err)
	require.EqualValues(t, 5, apply(t, k, put(article("b", "New", "text"))).Number)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, genName(5))))
	_, err = Collect(dir, 1)
	require.ErrorIs(t, err, prediag.ErrDamaged, "nothing is removed while what is current is not whole")
	require.Contains(t, names(t, dir), genName(2))
}

func TestListAndVerify(t *testing.T) {
	dir := t.TempDir()
	k := open(t, dir, Options{})
	apply(t, k, put(numbered(300)...))
	apply(t, k, put(article("b", "New", "text")))
	list, err := List(dir)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.EqualValues(t, 2, list[0].Number)
	require.True(t, list[0].Current)
	require.EqualValues(t, 1, list[0].Base)
	require.Equal(t, 301, list[0].Articles)
	require.Less(t, list[0].Own, list[0].Bytes*2/3, "segments are shared")
	require.Equal(t, list[1].Bytes, list[1].Own)
	require.False(t, list[1].Current)

	var told int64
	faults, proved, err := Verify(context.Background(), dir, nil, func(done, total int64) { told = total })
	require.NoError(t, err)
	require.Empty(t, faults)
	require.Equal(t, list[0].Bytes+list[1].Bytes, proved)
	require.Equal(t, proved, told)
	_, _, err = Verify(context.Background(), dir, []uint64{9}, nil)
	require.ErrorIs(t, err, prediag.ErrNotFound)

	shared, err := filepath.Glob(filepath.Join(dir, genName(1), indexName, "store", "*.zap"))
	require.NoError(t, err)
	require.NoError(t, flipByte(shared[0]))
	faults, _, err = Verify(context.Background(), dir, nil, nil)
	require.NoError(t, err)
	require.Len(t, faults, 2, "in both generations that share it")
	require.Equal(t, genName(2)+"/"+indexName+"/store/"+filepath.Base(shared[0]), faults[0].File)
	require.Contains(t, faults[0].What, "SHA-256")
	faults, _, err = Verify(context.Background(), dir, []uint64{1}, nil)
	require.NoError(t, err)
	require.Len(t, faults, 1)
	require.NoError(t, os.Remove(shared[0]))
	require.NoError(t, os.WriteFile(filepath.Join(dir, pointerName), nil, 0o600))
	faults, _, err = Verify(context.Background(), dir, []uint64{1}, nil)
	require.NoError(t, err)
	require.Len(t, faults, 2)
	require.Equal(t, pointerName, faults[0].File)
	require.Contains(t, faults[1].What, "missing")
}

func TestCompareNamesEveryChange(t *testing.T) {
	dir := t.TempDir()
	k := open(t, dir, Options{})
	at := func(id, path, body string) prediag.Article {
		a := article(id, "Title of "+body, body)
		a.Path, a.Revision = path, a.Revision+path
		return a
	}
	apply(t, k, put(at("same", "s", "stays as it is"), at("changed", "c", "says one thing"), at("gone", "g", "is deleted unmistakably"),
		at("old/place", "old", "moves elsewhere"), at("own-id", "before", "moves and keeps its name")))
	moved, own, changed, fresh := at("new/place", "new", "moves elsewhere"), at("own-id", "after", "moves and keeps its name"),
		at("changed", "c", "says another thing"), at("fresh", "f", "is new")
	same := at("same", "s", "stays as it is")
	apply(t, k, changes(prediag.Change{Put: &same, Fingerprint: "parsed again"}, prediag.Change{Put: &changed}, prediag.Change{Put: &fresh}, prediag.Change{Put: &moved},
		prediag.Change{Put: &own}, prediag.Change{Delete: "old/place"}, prediag.Change{Delete: "gone"}))
	d, err := Compare(context.Background(), dir, 1, 2)
	require.NoError(t, err)
	entry := func(id, path, body string) Entry {
		return Entry{ID: id, Source: "test", Path: path, Title: "Title of " + body}
	}
	require.Equal(t, Diff{From: 1, To: 2, Unchanged: 1,
		Added: []Entry{entry("fresh", "f", "is new")}, Changed: []Entry{entry("changed", "c", "says another thing")},
		Deleted: []Entry{entry("gone", "g", "is deleted unmistakably")},
		Moved: []Move{{entry("old/place", "old", "moves elsewhere"), entry("new/place", "new", "moves elsewhere")},
			{entry("own-id", "before", "moves and keeps its name"), entry("own-id", "after", "moves and keeps its name")}},
	}, d)
	require.Empty(t, find(t, k, prediag.Query{Text: "deleted unmistakably"}).Hits, "what a diff calls deleted no search finds")
	back, err := Compare(context.Background(), dir, 2, 1)
	require.NoError(t, err)
	require.Equal(t, d.Deleted, back.Added)
	all, err := Compare(context.Background(), dir, 0, 2)
	require.NoError(t, err)
	require.Len(t, all.Added, 5)
	_, err = Compare(context.Background(), dir, 1, 9)
	require.ErrorIs(t, err, prediag.ErrNotFound)
}
