package kb

import (
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

// TestBigramsAreCountedOnceForAGeneration: those of readers who may read everything are kept, others count their own.
func TestBigramsAreCountedOnceForAGeneration(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	hidden := article("c", "云端", "云端 云端")
	hidden.Audience = []string{"staff"}
	apply(t, k, put(article("a", "云服", "云服务器"), article("b", "云服", "云盘"), hidden))
	bigrams := func(audience ...string) (out []string) {
		require.NoError(t, k.read(func(r *reader) error {
			require.NoError(t, r.see(audience))
			var err error
			out, err = r.bigrams(t.Context(), "云")
			return err
		}))
		return out
	}
	require.Equal(t, []string{"云服", "云盘"}, bigrams(), "not what only staff may read")
	require.Zero(t, k.current.begunCount.Load())
	for range 2 {
		require.Equal(t, []string{"云服", "云盘", "云端"}, bigrams("staff"))
	}
	require.EqualValues(t, 1, k.current.begunCount.Load())
	require.Equal(t, []string{"云服", "云盘"}, bigrams())
	apply(t, k, changes(prediag.Change{Delete: "b"}))
	require.Equal(t, []string{"云服", "云端"}, bigrams("staff"), "of the next generation")
}

func TestFactorOfOneTerm(t *testing.T) {
	var s scores
	s.setWeights([]weighted{{weight: 5}, {weight: 3}, {weight: 0.5}})
	for mask := range uint32(8) {
		require.Equal(t, coverageFactor(s.held(mask), s.mass), s.factor(mask), mask)
	}
}
