package server

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEmbeddingsAreMetrics(t *testing.T) {
	st := Status{}
	m := newMetrics(func() Status { return st }, time.Now)
	gathered := func() map[string]int {
		families, err := m.registry.Gather()
		require.NoError(t, err)
		n := map[string]int{}
		for _, f := range families {
			n[f.GetName()] = len(f.GetMetric())
		}
		return n
	}
	require.NotContains(t, gathered(), "prediag_embeddings_pieces")
	st.Embeddings = &Embeddings{Stored: 3, Failed: 1}
	require.Equal(t, 3, gathered()["prediag_embeddings_pieces"])
	require.Equal(t, 1, gathered()["prediag_embeddings_unavailable_total"])
}
