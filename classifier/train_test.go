package classifier

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestTrainRefuses(t *testing.T) {
	blank := []prediag.Example{{Ticket: prediag.Ticket{Body: " "}, Labels: map[string]string{"type": "incident"}}}
	for _, c := range []struct {
		name     string
		examples []prediag.Example
		fields   []string
		says     string
	}{
		{"no examples", nil, nil, "no example to train on"},
		{"no labels", []prediag.Example{{Ticket: prediag.Ticket{Body: "x"}}}, nil, "1 without a label"},
		{"blank texts only", blank, nil, "1 blank"},
		{"unknown field", smallExamples(), []string{"colour"}, `"colour": the examples label "category", "tier"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := Train(context.Background(), c.examples, Options{Fields: c.fields})
			require.ErrorIs(t, err, prediag.ErrInvalid)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestTrainStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	_, _, err := Train(ctx, smallExamples(), Options{Progress: func(done, _ int) {
		if done == 3 {
			cancel()
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
}

func TestTrainGivesEqualBytesOnAnyNumberOfWorkers(t *testing.T) {
	var want map[string][]byte
	for _, workers := range []int{1, 2, 3, 7} {
		m, _, err := Train(context.Background(), manyExamples(240), Options{Workers: workers, Epochs: 3, Rounds: 2})
		require.NoError(t, err)
		if want == nil {
			want = m.files
		}
		require.Equal(t, want, m.files, "%d workers", workers)
	}
	m, _, err := Train(context.Background(), manyExamples(240), Options{Epochs: 3, Rounds: 2, Seed: 1})
	require.NoError(t, err)
	require.NotEqual(t, want[embedName], m.files[embedName], "the seed does nothing")
}

// manyExamples are tickets about ten products, with words of their own.
func manyExamples(n int) []prediag.Example {
	var out []prediag.Example
	for i := range n {
		c := i % 10
		out = append(out, prediag.Example{
			Ticket: prediag.Ticket{Title: fmt.Sprintf("problem %d with widget%c", i%7, 'a'+c), Body: fmt.Sprintf("it shows status%d since day %d", c, i%13)},
			Labels: map[string]string{prediag.FieldCategory: fmt.Sprintf("widget/%d", c)},
		})
	}
	return out
}

func TestTrainReports(t *testing.T) {
	examples := manyExamples(240)
	examples[0].Ticket = prediag.Ticket{Title: " "}
	examples[1].Labels = nil
	for i := 2; i < 5; i++ {
		examples[i].Labels["type"] = "incident"
	}
	last, total := 0, 0
	_, r, err := Train(context.Background(), examples, Options{Progress: func(done, all int) {
		require.Equal(t, last+1, done)
		last, total = done, all
	}})
	require.NoError(t, err)
	require.LessOrEqual(t, last, total)
	require.Equal(t, 238, r.Examples)
	require.Equal(t, 1, r.Blank)
	require.Equal(t, 1, r.Unlabelled)
	require.Len(t, r.Fields, 2)
	category, kind := r.Fields[0], r.Fields[1]
	require.Equal(t, 238, category.Examples)
	require.Equal(t, 238, category.Measured)
	require.Greater(t, category.Accuracy, 0.95)
	require.InDelta(t, 24.0/238, category.Baseline, 1e-9)
	require.Equal(t, []string{"incident"}, kind.Labels)
	require.ErrorContains(t, fmt.Errorf("%s", kind.Notes[0]), "only one label")
}

func TestFoldsKeepEqualTextsTogether(t *testing.T) {
	examples := append(manyExamples(130), manyExamples(130)...)
	tr := &trainer{recipe: defaultRecipe()}
	tr.opt.setDefaults(len(examples))
	tr.choose(examples, []string{prediag.FieldCategory})
	tr.label(prediag.FieldCategory)
	require.NoError(t, tr.features(context.Background()))
	tr.family, _ = tr.kin()
	fold := tr.assign()
	seen, sizes := map[string]int{}, make([]int, tr.opt.Folds)
	for i, e := range tr.examples {
		sizes[fold[i]]++
		if old, ok := seen[e.Ticket.Text()]; ok {
			require.Equal(t, old, fold[i])
		}
		seen[e.Ticket.Text()] = fold[i]
	}
	for _, n := range sizes {
		require.InDelta(t, 26, n, 10)
	}
}

func TestConflictingLabelsAreAllowed(t *testing.T) {
	var examples []prediag.Example
	for i := range 40 {
		examples = append(examples, prediag.Example{Ticket: prediag.Ticket{Body: "same text"}, Labels: map[string]string{"type": []string{"a", "b", "b", "b"}[i%4]}})
	}
	m, _, err := Train(context.Background(), examples, Options{})
	require.NoError(t, err)
	require.Equal(t, "b", classify(t, m, "same text").Fields[0].Label)
}
