package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestUnwritableFolders(t *testing.T) {
	require.True(t, isUnwritable(fmt.Errorf("open: %w", &os.PathError{Op: "open", Err: syscall.EROFS})))
	require.True(t, isUnwritable(fmt.Errorf("open: %w", os.ErrPermission)))
	require.False(t, isUnwritable(fmt.Errorf("open: %w", syscall.ENOSPC)))
	require.False(t, isUnwritable(nil))
}

// TestServeSearchesOnly serves a folder that cannot be written: searches are answered, everything else is refused with the reason.
func TestServeSearchesOnly(t *testing.T) {
	docs, dir := filepath.Join(t.TempDir(), "docs"), dataDir(t.TempDir())
	write(t, filepath.Join(docs, "a.md"), "# Disk full\n\nDelete old zebra files.\n")
	must(t, "ingest", "--data-dir", string(dir), docs)
	why := errors.New("the folder is read-only")
	s, err := (&app{}).openSearchOnly(dir, serveFlags{}, nil, why)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.kb.Close()) })
	require.EqualValues(t, 1, s.status().Generation.Number)
	require.Contains(t, s.status().Degraded, "cannot write its data folder")
	found, err := sureness{s.kb, s.policy.SolvedModel}.Search(t.Context(), prediag.Query{Text: "zebra"})
	require.NoError(t, err)
	require.Len(t, found.Hits, 1)
	_, err = refusal{s.refuse()}.Triage(t.Context(), prediag.RequestKey{}, prediag.Ticket{})
	require.ErrorIs(t, err, prediag.ErrNotReady)
	require.NotContains(t, err.Error(), string(dir), "callers learn no paths")
	diagnoses, errs := refusal{why}.Batch(t.Context(), nil, make([]prediag.Ticket, 2))
	require.Len(t, diagnoses, 2)
	require.Equal(t, []error{why, why}, errs)

	_, err = (&app{}).openSearchOnly(dataDir(t.TempDir()), serveFlags{}, nil, why)
	require.ErrorIs(t, err, why, "there is nothing to serve")
	_, err = (&app{}).openSearchOnly(dir, serveFlags{replica: replicaFlags{store: "x"}}, nil, why)
	require.ErrorIs(t, err, why)
}
