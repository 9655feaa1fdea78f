package classifier

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

// boaster is sure of itself beyond what it knows: it says "a" with the probability given, whatever the ticket.
type boaster float64

func (b boaster) Classify(_ context.Context, _ prediag.Ticket) (prediag.Verdict, error) {
	return prediag.Verdict{Model: "boaster", InScope: 1, Fields: []prediag.FieldVerdict{{
		Field: prediag.FieldCategory, Label: "a", Probability: float64(b),
		Alternatives: []prediag.Label{{Value: "b", Probability: 1 - float64(b)}},
	}}}, nil
}

// tossed are n tickets, a share of which is labelled "a", the others "b".
func tossed(n int, share float64) []prediag.Example {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]prediag.Example, n)
	for i := range out {
		label := "b"
		if r.Float64() < share {
			label = "a"
		}
		out[i] = prediag.Example{Ticket: prediag.Ticket{Body: fmt.Sprint("ticket ", i)}, Labels: map[string]string{prediag.FieldCategory: label}}
	}
	return out
}

func TestCalibrateSetsProbabilitiesRight(t *testing.T) {
	for _, says := range []float64{0.99, 0.7, 0.55} {
		c, err := Calibrate(context.Background(), tossed(2000, 0.7), 5, func(context.Context, []prediag.Example) (prediag.Classifier, error) {
			return boaster(says), nil
		})
		require.NoError(t, err)
		v := classify(t, c, "x")
		require.InDelta(t, 0.7, v.Fields[0].Probability, 0.03, "it said %v", says)
		require.InDelta(t, 0.3, v.Fields[0].Alternatives[0].Probability, 0.03)
		require.Contains(t, v.Model, "boaster+")
	}
}

func TestCalibrateLeavesFewTicketsAlone(t *testing.T) {
	c, err := Calibrate(context.Background(), tossed(leastJudged-1, 0.5), 2, func(context.Context, []prediag.Example) (prediag.Classifier, error) {
		return boaster(0.99), nil
	})
	require.NoError(t, err)
	require.InDelta(t, 0.99, classify(t, c, "x").Fields[0].Probability, 1e-9)
}

// TestCalibrateJudgesEachOnceUnseen: no example is wasted, and none is judged by who has seen it.
func TestCalibrateJudgesEachOnceUnseen(t *testing.T) {
	examples := tossed(300, 0.5)
	judged, learned := map[string]int{}, []int{}
	_, err := Calibrate(context.Background(), examples, 4, func(_ context.Context, seen []prediag.Example) (prediag.Classifier, error) {
		known := map[string]bool{}
		for _, e := range seen {
			known[e.Ticket.Body] = true
		}
		learned = append(learned, len(seen))
		return prediag.ClassifierFunc(func(ctx context.Context, ticket prediag.Ticket) (prediag.Verdict, error) {
			require.False(t, known[ticket.Body], ticket.Body)
			judged[ticket.Body]++
			return boaster(0.9).Classify(ctx, ticket)
		}), nil
	})
	require.NoError(t, err)
	require.Len(t, judged, 300)
	for body, n := range judged {
		require.Equal(t, 1, n, body)
	}
	require.Len(t, learned, 5)
	require.Equal(t, 300, learned[4], "the classifier that serves learned from all")
}

func TestCalibrateFails(t *testing.T) {
	boom := errors.New("boom")
	_, err := Calibrate(context.Background(), tossed(30, 0.5), 2, func(context.Context, []prediag.Example) (prediag.Classifier, error) { return nil, boom })
	require.ErrorIs(t, err, boom)
	_, err = Calibrate(context.Background(), nil, 1, nil)
	require.ErrorIs(t, err, prediag.ErrInvalid)
}
