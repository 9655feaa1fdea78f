package eval

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func record(n int) RunRecord {
	return RunRecord{
		Kind: "classify", Name: fmt.Sprint("run ", n), Created: time.Date(2026, 11, 22, 10, 0, n, 0, time.UTC), Commit: "abc", Model: "m1",
		Data: map[string]string{"test.jsonl": "00ff"}, Figures: map[string]Number{"accuracy": Number(n) / 100, "mcc": 0.5, "accuracy_low": 0.001}, Headline: "accuracy",
	}
}

func newRegistry(t testing.TB) *Registry {
	r, err := OpenRegistry(filepath.Join(t.TempDir(), "runs"))
	require.NoError(t, err)
	return r
}

func TestRegistryKeepsRuns(t *testing.T) {
	r := newRegistry(t)
	id, err := r.Save(record(1), map[string][]byte{"items.jsonl": []byte("{}\n")})
	require.NoError(t, err)
	require.Regexp(t, `^20261122T100001\.000-classify-[0-9a-f]{8}$`, id)
	_, err = r.Save(record(2), nil)
	require.NoError(t, err)
	_, err = r.Save(record(1), nil)
	require.ErrorIs(t, err, prediag.ErrConflict)

	list, err := r.List()
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, Number(0.01), list[0].Value)
	require.Equal(t, Number(0.001), list[0].Low)
	require.False(t, list[0].High.Defined())
	want := record(1)
	want.ID = id

	for _, which := range []string{id, id[:len(id)-3], "run 1"} {
		got, files, err := r.Load(which)
		require.NoError(t, err, which)
		require.Equal(t, want, got)
		raw, err := fs.ReadFile(files, "items.jsonl")
		require.NoError(t, err)
		require.Equal(t, "{}\n", string(raw))
	}
	latest, _, err := r.Load("latest")
	require.NoError(t, err)
	require.Equal(t, "run 2", latest.Name)
	_, _, err = r.Load("2026")
	require.ErrorIs(t, err, prediag.ErrInvalid)
	for _, which := range []string{"", "nothing"} {
		_, _, err = r.Load(which)
		require.ErrorIs(t, err, prediag.ErrNotFound)
	}
}

func TestRegistryRefusesBadNames(t *testing.T) {
	r := newRegistry(t)
	for _, name := range []string{"../x", "a/b", "", ".."} {
		_, err := r.Save(record(1), map[string][]byte{name: nil})
		require.ErrorIs(t, err, prediag.ErrInvalid, name)
	}
	bad := record(1)
	bad.Kind = "../up"
	_, err := r.Save(bad, nil)
	require.ErrorIs(t, err, prediag.ErrInvalid)
	list, err := r.List()
	require.NoError(t, err)
	require.Empty(t, list, "a failed save leaves nothing")
}

func TestRegistryMendsItsIndex(t *testing.T) {
	r := newRegistry(t)
	var all []string
	for n := range 5 {
		id, err := r.Save(record(n), nil)
		require.NoError(t, err)
		all = append(all, id)
	}
	index := filepath.Join(r.dir, indexFile)
	whole, err := os.ReadFile(index)
	require.NoError(t, err)
	count := func() int {
		list, err := r.List()
		require.NoError(t, err)
		return len(list)
	}
	for name, content := range map[string][]byte{"torn": whole[:len(whole)-20], "garbage": []byte("{\x00\n\n"), "empty": nil, "doubled": append(whole, whole...)} {
		require.NoError(t, os.WriteFile(index, content, 0o644), name)
		require.Equal(t, 5, count(), name)
		require.Equal(t, 5, count(), name)
	}
	require.NoError(t, os.Remove(index))
	require.Equal(t, 5, count())
	require.NoError(t, os.RemoveAll(filepath.Join(r.dir, all[2])))
	require.Equal(t, 4, count(), "removed by hand")
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, all[3], recordFile), []byte("{"), 0o644))
	require.NoError(t, os.Remove(index))
	require.Equal(t, 3, count(), "a damaged record is left out")
}

func TestRegistrySavesFromManyGoroutines(t *testing.T) {
	r := newRegistry(t)
	var group sync.WaitGroup
	for n := range 30 {
		group.Go(func() {
			_, err := r.Save(record(n), nil)
			require.NoError(t, err)
		})
	}
	group.Wait()
	list, err := r.List()
	require.NoError(t, err)
	require.Len(t, list, 30)
}

func TestItemsRoundTrip(t *testing.T) {
	var items []ClassifyItem
	classifySmall(t, ClassifyOptions{Item: func(it ClassifyItem) { items = append(items, it) }})
	raw, err := WriteItems(items)
	require.NoError(t, err)
	back, err := ReadItems[ClassifyItem](raw)
	require.NoError(t, err)
	for i := range items {
		items[i].Ranked, items[i].model = nil, ""
	}
	require.Equal(t, items, back)
	_, err = ReadItems[ClassifyItem]([]byte("{}\n{\n"))
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.ErrorContains(t, err, "items, line 2")
}

func FuzzReadItems(f *testing.F) {
	f.Add([]byte(`{"id":"1","truth":"a","rank":1,"slices":{"length":"x"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		items, err := ReadItems[ClassifyItem](raw)
		if err != nil {
			return
		}
		again, err := WriteItems(items)
		require.NoError(t, err)
		back, err := ReadItems[ClassifyItem](again)
		require.NoError(t, err)
		require.Len(t, back, len(items))
	})
}

func TestIndexLineRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		want := RunSummary{
			ID: "r" + text.Draw(t, "id"), Kind: text.Draw(t, "kind"), Name: text.Draw(t, "name"), Commit: text.Draw(t, "commit"), Model: text.Draw(t, "model"),
			Created: time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC(), Dirty: rapid.Bool().Draw(t, "dirty"),
			Headline: text.Draw(t, "headline"), Value: Number(rapid.Float64().Draw(t, "value")), Low: 1, High: 2,
		}
		line := want.line()
		got, ok := parseLine(strings.TrimSuffix(line, "\n"))
		require.True(t, ok)
		require.Equal(t, want, got)
		_, ok = parseLine(line[:rapid.IntRange(0, len(line)-2).Draw(t, "torn at")])
		require.False(t, ok)
	})
}

func FuzzParseLine(f *testing.F) {
	f.Add(record(1).summary().line())
	f.Fuzz(func(t *testing.T, line string) {
		if s, ok := parseLine(line); ok {
			again, ok := parseLine(strings.TrimSuffix(s.line(), "\n"))
			require.True(t, ok)
			require.Equal(t, s.ID, again.ID)
		}
	})
}

func BenchmarkRegistryList(b *testing.B) {
	r := newRegistry(b)
	runs := make([]RunSummary, 10_000)
	for n := range runs {
		runs[n] = record(n).summary()
		runs[n].ID = fmt.Sprintf("run%05d", n)
		require.NoError(b, os.Mkdir(filepath.Join(r.dir, runs[n].ID), 0o755))
	}
	require.NoError(b, r.writeIndex(runs))
	for b.Loop() {
		list, err := r.List()
		if err != nil || len(list) != 10_000 {
			b.Fatal(err, len(list))
		}
	}
}
