package ingest

import (
	"context"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

// unfinished is an index that has work left.
type unfinished struct {
	*memory
	applied int
}

func (u *unfinished) Generation() prediag.Generation {
	g := u.memory.Generation()
	g.Unfinished = u.applied < 2
	return g
}

func (u *unfinished) Apply(ctx context.Context, changes iter.Seq2[prediag.Change, error]) (prediag.Generation, error) {
	u.applied++
	return u.memory.Apply(ctx, changes)
}

// An index that says it is not finished is asked to go on although nothing changed, and left alone once it is.
func TestRefreshLetsTheIndexGoOn(t *testing.T) {
	index := &unfinished{memory: newMemory()}
	in := New(index, Options{})
	src := FS("s", files(map[string]string{"a.md": "# A\n\nText."}))
	for range 4 {
		_, err := in.Refresh(context.Background(), []Source{src})
		require.NoError(t, err)
	}
	require.Equal(t, 2, index.applied)
}
