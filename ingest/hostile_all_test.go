package ingest

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// stringsIn collects all texts of a JSON value.
func stringsIn(v any, out []string) []string {
	switch v := v.(type) {
	case string:
		return append(out, v)
	case []any:
		for _, e := range v {
			out = stringsIn(e, out)
		}
	case map[string]any:
		for _, e := range v {
			out = stringsIn(e, out)
		}
	}
	return out
}

// TestEveryHostileTextAsAFile writes every text of the hostile test data into a folder of files in turn in every format, and
// refreshes from it: every file is accounted for, no article is malformed, and nothing is written anywhere.
func TestEveryHostileTextAsAFile(t *testing.T) {
	sets, err := filepath.Glob(filepath.Join(sharedData, "hostile", "*", "*.jsonl"))
	require.NoError(t, err)
	if len(sets) == 0 {
		t.Skip("no test data")
	}
	dir := t.TempDir()
	extensions := []string{"md", "html", "rst", "txt", "mdx", "csv", "jsonl"}
	n := 0
	for _, set := range sets {
		raw, err := os.ReadFile(set)
		require.NoError(t, err)
		for line := range strings.Lines(string(raw)) {
			var v any
			require.NoError(t, json.Unmarshal([]byte(line), &v))
			text := strings.Join(stringsIn(v, nil), "\n\n")
			write(t, dir, fmt.Sprintf("docs/%s/%06d.%s", filepath.Base(set), n, extensions[n%len(extensions)]), text)
			n++
		}
	}
	index := newMemory()
	src, err := Dir("hostile", filepath.Join(dir, "docs"))
	require.NoError(t, err)
	start := cpuTime()
	rep, err := New(index, Options{}).Refresh(t.Context(), []Source{src})
	require.NoError(t, err)
	require.Less(t, cpuTime()-start, longest()*10, "%d files", n)
	got := rep.Sources[0]
	require.Equal(t, n, got.Files)
	require.Zero(t, got.Skipped[SkipPanic])
	require.Zero(t, got.Skipped[SkipTimeout])
	for id, a := range index.articles {
		checkArticle(t, id, a, "")
	}
	left := 0
	require.NoError(t, filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left++
		}
		return err
	}))
	require.Equal(t, n, left)
}
