package kb

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func TestTableRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := map[string]row{}
		for _, id := range rapid.SliceOfDistinct(rapid.String(), rapid.ID[string]).Draw(t, "ids") {
			r := row{id: id, source: rapid.String().Draw(t, "source"), language: rapid.StringMatching(`[a-z]{0,3}`).Draw(t, "language"),
				fingerprint: rapid.StringOf(rapid.RuneFrom([]rune("a\\\t\n\r "))).Draw(t, "fingerprint"), titleKey: noTitle}
			copy(r.sketch[:], rapid.SliceOfN(rapid.Byte(), sketchBytes, sketchBytes).Draw(t, "sketch"))
			for i := range r.lengths {
				r.lengths[i] = rapid.Int64Range(0, 1<<40).Draw(t, "length")
			}
			rows[id] = r
		}
		got := map[string]row{}
		require.NoError(t, scanTable(string(encodeTable(rows)), func(r row) error {
			got[r.id] = r
			return nil
		}))
		require.Equal(t, rows, got)
	})
}

func TestTableRefusesDamage(t *testing.T) {
	for name, line := range map[string]string{
		"columns":  "a\tb\tc\n",
		"number":   "a\ts\ten\tf\tk\t" + (&sketch{}).String() + "\tx\t1\n",
		"negative": "a\ts\ten\tf\tk\t" + (&sketch{}).String() + "\t-1\t1\n",
		"sketch":   "a\ts\ten\tf\tk\tAAA\t1\t1\n",
	} {
		err := scanTable(line, func(row) error { return nil })
		require.ErrorIs(t, err, prediag.ErrDamaged, name)
	}
}

func FuzzTable(f *testing.F) {
	f.Add("a\ts\ten\tf\tk\t" + (&sketch{}).String() + "\t1\t2\n")
	f.Add("\\t\t\\\\\t\\n\tf\t-\t" + (&sketch{1}).String() + "\t0\t0\n")
	f.Fuzz(func(t *testing.T, s string) {
		rows := map[string]row{}
		if scanTable(s, func(r row) error { rows[r.id] = r; return nil }) != nil {
			return
		}
		again := map[string]row{}
		require.NoError(t, scanTable(string(encodeTable(rows)), func(r row) error { again[r.id] = r; return nil }))
		require.Equal(t, rows, again)
	})
}

func sampleManifest() *manifest {
	return &manifest{Format: format, Schema: schema, Number: 7, Created: time.Unix(1700000000, 5).UTC(), Articles: 3,
		Sources: map[string]int{"s": 3}, Languages: map[string]int{"en": 2, "zh": 1}, Tokens: map[string]int64{fieldText: 99, fieldTitle: 9},
		Generic: []string{noTitle}, Files: []fileSum{{Name: "index/store/1.zap", Size: 4, SHA256: strings.Repeat("a", 64)}}}
}

func TestManifestRoundTripAndDamage(t *testing.T) {
	m := sampleManifest()
	data, err := m.encode()
	require.NoError(t, err)
	got, err := decodeManifest(data)
	require.NoError(t, err)
	require.Equal(t, m, got)
	for i := range data {
		for _, bit := range []byte{1, 32} {
			broken := bytes.Clone(data)
			broken[i] ^= bit
			_, err := decodeManifest(broken)
			require.ErrorIs(t, err, prediag.ErrDamaged, "byte %d", i)
		}
		_, err := decodeManifest(data[:i])
		require.ErrorIs(t, err, prediag.ErrDamaged, "cut at %d", i)
	}
}

func TestManifestRefusesPathsOutside(t *testing.T) {
	for _, name := range []string{"../x", "/etc/passwd", "a/../../b", "", "a//b"} {
		m := sampleManifest()
		m.Files[0].Name = name
		data, err := m.encode()
		require.NoError(t, err)
		_, err = decodeManifest(data)
		require.ErrorIs(t, err, prediag.ErrDamaged, name)
	}
}

func FuzzManifest(f *testing.F) {
	data, err := sampleManifest().encode()
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeManifest(data)
		if err != nil {
			return
		}
		again, err := m.encode()
		require.NoError(t, err)
		require.Equal(t, data, again)
	})
}

func FuzzPointer(f *testing.F) {
	f.Add("gen-00000007 " + strings.Repeat("ab", 32) + "\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		number, hash, err := parsePointer(s)
		if err != nil {
			require.ErrorIs(t, err, prediag.ErrDamaged)
			return
		}
		require.Equal(t, strings.TrimSuffix(s, "\n"), genName(number)+" "+hash)
	})
}

func TestChangesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		changed := map[string]*row{}
		for _, id := range rapid.SliceOfDistinct(rapid.StringN(1, 20, -1), rapid.ID[string]).Draw(t, "ids") {
			changed[id] = nil
			if rapid.Bool().Draw(t, "put") {
				changed[id] = &row{id: id, source: rapid.String().Draw(t, "source"), titleKey: noTitle}
			}
		}
		dir, err := os.MkdirTemp("", "changes")
		require.NoError(t, err)
		defer os.RemoveAll(dir)
		require.NoError(t, os.WriteFile(filepath.Join(dir, changesName), encodeChanges(changed), 0o600))
		got, err := readChanges(dir)
		require.NoError(t, err)
		require.Equal(t, changed, got)
	})
}

// A small refresh shares the table and writes what changed beside it; a large one, or many small ones, write it anew.
func TestTableIsShared(t *testing.T) {
	k := open(t, t.TempDir(), Options{Keep: 100})
	var all []prediag.Article
	for i := range 80 {
		all = append(all, article(fmt.Sprintf("a%02d", i), "title", "body"))
	}
	apply(t, k, put(all...))
	table := func() (inode os.FileInfo, changes bool) {
		info, err := os.Stat(filepath.Join(k.current.dir, tableName))
		require.NoError(t, err)
		_, err = os.Stat(filepath.Join(k.current.dir, changesName))
		return info, err == nil
	}
	first, other := table()
	require.False(t, other)

	apply(t, k, put(article("a00", "title", "another body"), article("b", "title", "body")))
	apply(t, k, changes(prediag.Change{Delete: "a01"}))
	second, other := table()
	require.True(t, other)
	require.True(t, os.SameFile(first, second))
	known, err := k.Known(context.Background(), "test")
	require.NoError(t, err)
	require.Len(t, known, 80)
	require.Contains(t, known, "b")
	require.NotContains(t, known, "a01")

	for i := range 12 {
		apply(t, k, put(article(fmt.Sprintf("c%d", i), "title", "body")))
	}
	third, _ := table()
	require.False(t, os.SameFile(first, third))
	known, err = k.Known(context.Background(), "test")
	require.NoError(t, err)
	require.Len(t, known, 92)
}
