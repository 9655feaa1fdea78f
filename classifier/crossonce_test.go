package classifier

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Of many examples one training keeps a sample back that calibrates it, and of rare labels none; the model does not depend
// on the workers.
func TestManyExamplesAreLearnedOnce(t *testing.T) {
	t.Parallel()
	train := func(workers int) (*fitted, *trainer) {
		u := &trainer{opt: Options{Workers: workers, Epochs: 1}, recipe: recipeFor(muchToLearn)}
		u.opt.setDefaults(400)
		list := drawn(400, 4, 8, 1)
		for i := range list[:3] {
			list[i].Labels = map[string]string{"category": "rare"}
		}
		u.choose(list, []string{"category"})
		require.NoError(t, u.features(t.Context()))
		u.label("category")
		u.family, u.translations = u.kin()
		f, err := u.fitOnce(t.Context())
		require.NoError(t, err)
		return f, u
	}
	one, u := train(1)
	two, _ := train(2)
	require.Equal(t, one, two)
	plan := u.heads[0]
	require.InDelta(t, 40, len(plan.votes.truth), 5, "a fold of ten")
	for _, r := range plan.rows {
		require.NotEqual(t, "rare", u.examples[r].Labels["category"])
	}
	require.NotEmpty(t, plan.first)
}
