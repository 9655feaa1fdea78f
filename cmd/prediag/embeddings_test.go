package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
	"prediag/kb"
)

func TestEmbeddingsOfADataFolder(t *testing.T) {
	dir := dataDir(t.TempDir())
	e, err := dir.embedding()
	require.NoError(t, err)
	require.Zero(t, e)
	write := func(s string) { require.NoError(t, os.WriteFile(dir.embeddings(), []byte(s), 0o644)) }
	write("url: http://127.0.0.1:9/v1\nmodel: m\ntimeout: 2s\nweight: 0.5\n")
	e, err = dir.embedding()
	require.NoError(t, err)
	require.Contains(t, e.Name(), "endpoint m/0/")
	require.Contains(t, e.Name(), "weight 0.5")
	k, err := dir.openKB(kb.Options{})
	require.NoError(t, err)
	require.Equal(t, e.Name(), embedder(k))
	require.NoError(t, k.Close())
	write("folder: nowhere\n")
	_, err = dir.openKB(kb.Options{})
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.ErrorContains(t, err, "embeddings.yaml")
}
