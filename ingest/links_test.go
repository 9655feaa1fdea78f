package ingest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLinksAreResolved(t *testing.T) {
	targets := []string{"b.md#part", "../top.rst", "/root.html", "../../outside.md", "#here", "mailto:a@b.c", "javascript:alert(1)", "picture.png",
		"https://x.example/a?b=1#c", "b.md", "", "%zz", "//host/x.md", "sub"}
	require.Equal(t, []string{"s/guide/b.md", "s/top.rst", "s/root.html", "https://x.example/a?b=1#c"}, resolveLinks("s", "guide/a.md", "", targets))
	require.Equal(t, []string{"https://y.example/docs/sub"}, resolveLinks("s", "p", "https://y.example/docs/page", []string{"sub", "data:text/html,x"}))
}

func TestLinksAreKeptAndBrokenOnesCounted(t *testing.T) {
	index := newMemory()
	tree := map[string]string{
		"a.md":      "# A\n\nSee [b](b.md), [own](own.md#x), [nothing](gone.md), [again](gone.md) and [out](https://x.example/).",
		"b.md":      "# B\n\n<a hidden href=hidden.md>x</a> [back](a.md)",
		"own.md":    "---\nid: own-id\n---\n# Own\n\nText.",
		"sub/c.rst": "C\n=\n\nSee `the page <../a.md>`_ and :doc:`d`.\n",
	}
	refresh := func() SourceReport {
		rep, err := New(index, Options{}).Refresh(t.Context(), []Source{FS("s", files(tree))})
		require.NoError(t, err)
		return rep.Sources[0]
	}
	require.Equal(t, 2, refresh().Broken, "one in a.md, said once, and one in c.rst")
	require.Equal(t, []string{"s/b.md", "s/own.md", "s/gone.md", "https://x.example/"}, index.articles["s/a.md"].Links)
	require.Equal(t, []string{"s/a.md"}, index.articles["s/b.md"].Links)
	require.Equal(t, []string{"s/a.md", "s/sub/d.rst"}, index.articles["s/sub/c.rst"].Links)
	tree["gone.md"] = "# Here\n\nNow."
	tree["a.md"] += "\n\nMore."
	require.Zero(t, refresh().Broken, "only what was parsed is counted")
}
