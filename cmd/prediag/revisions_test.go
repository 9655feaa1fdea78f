package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag/ingest"
)

// unpackRevision replaces the folder docs by a state of a real documentation tree; the test is skipped where there is none.
func unpackRevision(t *testing.T, docs string, revision int) {
	t.Helper()
	f, err := os.Open(filepath.Join("../../../shared/data/kb/raw", fmt.Sprintf("ecs-revision-%d.tar.gz", revision)))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no test data")
	}
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(docs))
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		if h.Typeflag == tar.TypeReg && filepath.IsLocal(h.Name) {
			raw, err := io.ReadAll(in)
			require.NoError(t, err)
			write(t, filepath.Join(docs, h.Name), string(raw))
		}
	}
}

// TestRealRevisionsEqualScratch refreshes one index through four states of a real documentation tree. At each it must be, in
// everything that searches see, the index that a build from scratch gives, and the work must follow the change.
func TestRealRevisionsEqualScratch(t *testing.T) {
	states := 4
	if raceEnabled {
		states = 2
	}
	docs, data := filepath.Join(t.TempDir(), "docs"), filepath.Join(t.TempDir(), "data")
	probes := []string{"instance cannot be started", "reset the password of a Windows ECS", "EVS disk attach", "how is an ECS billed"}
	for revision := range states {
		unpackRevision(t, docs, revision)
		report := decode[ingest.Report](t, must(t, "ingest", "--data-dir", data, "--force", "--json", docs))
		scratch := filepath.Join(t.TempDir(), "scratch")
		full := decode[ingest.Report](t, must(t, "ingest", "--data-dir", scratch, "--json", docs))
		digest, want := decode[[]digestLine](t, must(t, "kb", "digest", "--data-dir", data, "--json"))[0], decode[[]digestLine](t, must(t, "kb", "digest", "--data-dir", scratch, "--json"))[0]
		require.Empty(t, want.Differences(digest.Digest), "revision %d", revision)
		for _, q := range probes {
			one, other := must(t, "search", "--data-dir", data, q), must(t, "search", "--data-dir", scratch, q)
			require.Equal(t, withoutGeneration(one), withoutGeneration(other), q)
		}
		got := report.Total()
		generation := decode[[]kbGeneration](t, must(t, "kb", "list", "--data-dir", data, "--json"))[0]
		t.Logf("revision %d: %d added, %d changed, %d moved, %d deleted, %d unchanged; %d of %d files parsed; %.2f of %.2f MB written",
			revision, got.Added, got.Changed, got.Moved, got.Deleted, got.Unchanged, got.Parsed, got.Files, float64(generation.Own)/1e6, float64(generation.Bytes)/1e6)
		touched := got.Added + got.Changed + got.Moved
		require.LessOrEqual(t, got.Parsed-touched, full.Total().Parsed-full.Total().Articles, "beside what changed only what gives no article is parsed again")
		if revision > 0 {
			d := decode[struct{ Added, Changed, Moved, Deleted []any }](t, must(t, "kb", "diff", "--data-dir", data, "--json", fmt.Sprint(generation.Base), fmt.Sprint(generation.Number)))
			require.Equal(t, got.Deleted+got.Moved, len(d.Deleted)+len(d.Moved), "the diff names what the report counts")
			named := len(d.Added) + len(d.Changed) + len(d.Moved)
			require.LessOrEqual(t, named, touched)
			require.Greater(t, named, touched*9/10, "but for files that changed and say the same")
		}
	}
}

// withoutGeneration drops the line that names the generation, which differs.
func withoutGeneration(out string) string {
	var kept []string
	for line := range strings.Lines(out) {
		if !strings.Contains(line, "generation") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}
