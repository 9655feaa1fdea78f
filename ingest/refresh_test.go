package ingest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

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
	require.Equal(t, SourceReport{Name: "s", Files: 5, Articles: 4, Added: 4,
		Skipped:     map[string]int{SkipHidden: 1, "unsupported extension .png": 1, SkipJSON: 1},
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
