package eval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

// memory is a classifier that knows the labels it has seen, by text.
func memory(_ context.Context, examples []prediag.Example) (prediag.Classifier, error) {
	known := map[string]string{}
	for _, e := range examples {
		known[e.Ticket.Body] = e.Labels["category"]
	}
	return prediag.ClassifierFunc(func(_ context.Context, t prediag.Ticket) (prediag.Verdict, error) {
		label := known[t.Body]
		return prediag.Verdict{InScope: 1, Fields: []prediag.FieldVerdict{{Field: "category", Label: label, Probability: 0.9}}}, nil
	}), nil
}

func TestLearningCurve(t *testing.T) {
	var examples []prediag.Example
	for i := range 40 {
		examples = append(examples, texts(fmt.Sprint("t", i, "-"), fmt.Sprint("label", i/10), fmt.Sprint("text ", i))...)
	}
	points, err := LearningCurve(t.Context(), memory, examples, examples, []int{100, 10, 20, 40}, ClassifyOptions{Resamples: 10})
	require.NoError(t, err)
	require.Len(t, points, 3, "100 and 40 are the same")
	for i, n := range []int{10, 20, 40} {
		require.Equal(t, n, points[i].Examples)
		require.InDelta(t, float64(n)/40, float64(points[i].Accuracy), 1e-12, "it knows what it has seen")
	}
	slices.Reverse(examples)
	again, err := LearningCurve(t.Context(), memory, examples, examples, []int{10, 20, 40}, ClassifyOptions{Resamples: 10})
	require.NoError(t, err)
	require.Equal(t, string(asJSON(t, points)), string(asJSON(t, again)), "the order of the file does not matter")

	_, err = LearningCurve(t.Context(), memory, examples, examples, nil, ClassifyOptions{})
	require.ErrorIs(t, err, prediag.ErrInvalid)
	broken := errors.New("broken")
	_, err = LearningCurve(t.Context(), func(context.Context, []prediag.Example) (prediag.Classifier, error) { return nil, broken }, examples, examples, []int{5}, ClassifyOptions{})
	require.ErrorIs(t, err, broken)
}
