package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGlossaryCommand(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	nt := filepath.Join(dir, "terms.nt")
	write(t, nt, "<http://e.org/obs> <http://www.w3.org/2004/02/skos/core#prefLabel> \"bucket store\"@en .\n"+
		"<http://e.org/obs> <http://www.w3.org/2004/02/skos/core#altLabel> \"disk\"@en .\n")
	r := decode[glossaryChecked](t, must(t, "kb", "glossary", "import", nt, "--data-dir", data, "--json"))
	require.Equal(t, 2, r.Labels)
	require.Equal(t, []string{"disk", "obs"}, r.Ambiguous[0].Concepts)
	yaml := filepath.Join(dir, "more.yaml")
	write(t, yaml, "concepts:\n  disk: {}\n")
	require.Contains(t, must(t, "kb", "glossary", "import", yaml, "--data-dir", data), "in place of built-in ones: disk")
	list := decode[[]glossaryEntry](t, must(t, "kb", "glossary", "list", "--own", "--data-dir", data, "--json"))
	require.Len(t, list, 2)
	exported := must(t, "kb", "glossary", "export", "--own", "--format", "skos", "--data-dir", data)
	write(t, nt, exported)
	must(t, "kb", "glossary", "import", nt, "--replace", "--data-dir", data)
	require.Equal(t, exported, must(t, "kb", "glossary", "export", "--own", "--format", "skos", "--data-dir", data))
	before, err := os.ReadFile(filepath.Join(data, "glossary.yaml"))
	require.NoError(t, err)
	write(t, nt, "no triple\n")
	failed := call(t, "", "kb", "glossary", "import", nt, "--data-dir", data)
	require.NotZero(t, failed.code)
	require.Contains(t, failed.err, "line 1")
	after, err := os.ReadFile(filepath.Join(data, "glossary.yaml"))
	require.NoError(t, err)
	require.Equal(t, before, after, "a faulty file changes nothing")
}

// TestDemoGlossary says when the glossary of the embedded demo counts: with the demo alone, as long as the folder has none of its own.
func TestDemoGlossary(t *testing.T) {
	data := dataDir(t.TempDir())
	read := func() string {
		raw, err := data.readGlossary()
		require.NoError(t, err)
		return string(raw)
	}
	require.Empty(t, read())
	require.NoError(t, data.startOnDemo())
	require.Contains(t, read(), "云服务器")
	require.Contains(t, must(t, "kb", "glossary", "list", "--own", "--data-dir", string(data)), "remote-login")

	own := sourceList{Sources: []sourceEntry{{Name: "docs", Path: "/docs"}}}
	require.NoError(t, writeJSON(data.sources(), own))
	require.Empty(t, read(), "another knowledge base calls things otherwise")
	require.NoError(t, data.startOnDemo(), "a folder with sources is not new")
	require.Empty(t, read())

	require.NoError(t, writeJSON(data.sources(), sourceList{}.with(sourceEntry{Name: demoSource})))
	write(t, data.glossary(), "concepts: {}\n")
	require.Equal(t, "concepts: {}\n", read())
}

func TestDaysAgo(t *testing.T) {
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for s, want := range map[string]string{"30d": "2026-10-24", "2w": "2026-11-09", "1y": "2025-11-23"} {
		got, err := daysAgo(now, s)
		require.NoError(t, err)
		require.Equal(t, want, got.Format(time.DateOnly), s)
	}
	for _, s := range []string{"", "d", "-3d", "3", "3m", "0d", "99999d", "1dd", "999y"} {
		_, err := daysAgo(now, s)
		require.Error(t, err, s)
	}
}
