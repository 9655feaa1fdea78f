//go:build unix

package ingest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestDirAccountsForEverything(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	write(t, outside, "secret.md", "# Secret\n\nx")
	write(t, dir, "a.md", "# A\n\ntext")
	write(t, dir, "sub/b.rst", "B\n=\n\ntext")
	write(t, dir, "sub/c.MARKDOWN", "# C\n\ntext")
	write(t, dir, "n.txt", "Notes\n\ntext")
	write(t, dir, "r.jsonl", `{"id":"r1","body":"b"}`+"\n"+`{"id":"r1","body":"c"}`+"\n{bad\n"+`{"id":"r2","body":"`+strings.Repeat("x", 3000)+`"}`)
	write(t, dir, "z.jsonl.gz", zipped(t, `{"id":"z1","body":"b"}`))
	write(t, dir, "cut.jsonl.gz", zipped(t, strings.Repeat(`{"id":"z2","body":"b"}`+"\n", 1000))[:40])
	write(t, dir, "bomb.jsonl.gz", zipped(t, strings.Repeat(" ", 8<<20)))
	write(t, dir, "big.md", strings.Repeat("x", 3000))
	write(t, dir, "bin.md", "a\x00b")
	write(t, dir, "gbk.md", "\xb0\xb2\xc8\xab")
	write(t, dir, "empty.md", "")
	write(t, dir, "blank.md", " \n\n")
	write(t, dir, "front.md", "---\na: [\n---\nx")
	write(t, dir, "x.png", "x")
	write(t, dir, "LICENSE", "x")
	write(t, dir, ".hidden/y.md", "x")
	write(t, dir, ".dot.md", "x")
	write(t, dir, "new\nline.md", "x")
	write(t, dir, "bad\xff.md", "x")
	require.NoError(t, os.Symlink(filepath.Join(outside, "secret.md"), filepath.Join(dir, "out.md")))
	require.NoError(t, os.Symlink("a.md", filepath.Join(dir, "in.md")))
	require.NoError(t, os.Symlink("loop.md", filepath.Join(dir, "loop.md")))
	require.NoError(t, os.Symlink("gone.md", filepath.Join(dir, "broken.md")))
	require.NoError(t, os.Symlink("sub", filepath.Join(dir, "folder.md")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe.md"), 0o644))

	src, err := Dir("s", dir)
	require.NoError(t, err)
	index := newMemory()
	rep, err := New(index, Options{MaxItemBytes: 2000}).Refresh(t.Context(), []Source{src})
	require.NoError(t, err)
	got := rep.Sources[0]
	require.Equal(t, map[string]int{
		SkipDuplicate: 1, SkipJSON: 1, SkipTooLarge: 2, SkipDamaged: 1, SkipCompression: 1, SkipBinary: 1, SkipInvalidUTF8: 1, SkipEmpty: 2, SkipFrontMatter: 1,
		"unsupported extension .png": 1, skipNoExtension: 1, SkipHidden: 1, SkipHiddenFolder: 1, SkipName: 2, SkipLinkOutside: 1, SkipLinkBroken: 2, SkipLinkFolder: 1, SkipIrregular: 1,
	}, got.Skipped)
	ids := []string{}
	for id := range index.articles {
		ids = append(ids, id)
	}
	require.ElementsMatch(t, []string{"s/a.md", "s/in.md", "s/sub/b.rst", "s/sub/c.MARKDOWN", "s/n.txt", "r1", "z1"}, ids)
	require.Equal(t, 7, got.Articles)
	require.Equal(t, 26, got.Files)
	for _, a := range index.articles {
		require.NotContains(t, a.Body, "Secret")
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "my docs/a.md", "# A\n\nx")
	for _, c := range []struct{ path, name, fault string }{
		{"my docs", "my-docs-", ""}, {"faq.jsonl", "faq", ""}, {"faq.jsonl.gz", "faq", ""}, {"x.md", "x", ""}, {"x.rst", "x", ""},
		{"nothing", "", "does not exist"}, {"kb.tar.gz", "", "unpack it first"}, {"kb.zip", "", "unpack it first"}, {"kb.docx", "kb", ""}, {"kb.odt", "", "no known format"},
	} {
		t.Run(c.path, func(t *testing.T) {
			file := filepath.Join(dir, c.path)
			if c.fault != "does not exist" && c.path != "my docs" {
				write(t, dir, c.path, "# A\n\nx")
			}
			src, err := Open(file)
			if c.fault != "" {
				require.ErrorIs(t, err, prediag.ErrInvalid)
				require.ErrorContains(t, err, c.fault)
				require.ErrorContains(t, err, c.path)
				return
			}
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(src.Name(), c.name), src.Name())
			met := 0
			require.NoError(t, src.Walk(t.Context(), func(Item) error { met++; return nil }))
			require.Equal(t, 1, met)
		})
	}
	_, err := Dir("s", filepath.Join(dir, "x.md"))
	require.ErrorIs(t, err, prediag.ErrInvalid)
	_, err = Dir("s", filepath.Join(dir, "nothing"))
	require.ErrorIs(t, err, prediag.ErrInvalid)
}

func TestFileThatBecameAPipeIsNotRead(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "a.md", "x")
	src, err := Dir("s", dir)
	require.NoError(t, err)
	require.NoError(t, src.Walk(t.Context(), func(it Item) error {
		require.NoError(t, os.Remove(file))
		require.NoError(t, syscall.Mkfifo(file, 0o644))
		_, err := it.Open()
		require.Error(t, err)
		return nil
	}))
}

func TestWalkEndsWithItsContextAndItsReader(t *testing.T) {
	src := FS("s", files(map[string]string{"a.md": "x", "b.md": "y"}))
	ctx, cancel := context.WithCancel(t.Context())
	err := src.Walk(ctx, func(Item) error { cancel(); return nil })
	require.ErrorIs(t, err, context.Canceled)
	stop := errors.New("stop")
	require.ErrorIs(t, src.Walk(t.Context(), func(Item) error { return stop }), stop)
}

func TestFoldersWithADotAreNotAllHidden(t *testing.T) {
	for name, want := range map[string]bool{".git": true, "._notes.md": true, ".": false, ".NET": false, ". NET": false, "a.b": false, ".draft.md": true} {
		require.Equal(t, want, hidden(name), name)
	}
}
