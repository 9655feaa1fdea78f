package eval

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func TestAnswerabilityByHand(t *testing.T) {
	r := Answerability([]AnswerableItem{
		{ID: "1", Collection: "b", Answerable: true, Solved: true, Probability: 0.9},
		{ID: "2", Collection: "b", Answerable: true, Probability: 0.3},
		{ID: "3", Collection: "b", Probability: 0.4},
		{ID: "4", Collection: "b", Probability: 0.1, Error: "no index"},
		{ID: "5", Collection: "b", Foreign: true, Probability: 0.3},
		{ID: "1", Collection: "a", Answerable: true, Solved: true, Probability: 0.5},
	})
	require.Len(t, r.Collections, 2)
	require.Equal(t, "a", r.Collections[0].Name)
	require.False(t, r.Collections[0].AUROC.Defined(), "nothing is unanswerable")
	b := r.Collections[1]
	require.Equal(t, [4]int{4, 2, 1, 1}, [4]int{b.Queries, b.Unanswerable, b.Foreign, b.Failed})
	require.InDelta(t, 0.75, float64(b.AUROC), 1e-12, "0.9 wins twice, 0.3 once")
	require.InDelta(t, 1, float64(b.SolvedAUROC), 1e-12)
	require.InDelta(t, 0.75, float64(b.ForeignAUROC), 1e-12, "0.9 wins, 0.3 ties")
	require.InDelta(t, 0.25, float64(b.Solved), 1e-12)
	require.InDelta(t, (0.01+0.09+0.16+0.01)/4, float64(b.Brier), 1e-12)
	require.InDelta(t, 1.7/4, float64(b.Stated), 1e-12)
	require.Equal(t, 5, r.Pooled.Queries)
	require.False(t, Answerability(nil).Pooled.ECE.Defined())
}

func TestHoldOutTakesCopiesAndTranslationsAlong(t *testing.T) {
	long := strings.Repeat("restart the gateway then wait for its lamp to turn green before you go on ", 3)
	articles := []prediag.Article{
		{ID: "en", Group: "g", Body: long}, {ID: "zh", Group: "g", Body: "重新启动网关"},
		{ID: "copy", Body: "Note. " + long}, {ID: "other", Body: "a disk is attached in the console by its owner and nobody else"},
	}
	qrels := Qrels{"q": {"en": 1, "other": 0}}
	for seed := range uint64(20) {
		h := HoldOut(articles, qrels, seed)
		if len(h.Articles) == 0 {
			require.True(t, h.Answerable(qrels["q"]))
			continue
		}
		require.Equal(t, HeldOut{Articles: map[string]bool{"en": true, "zh": true, "copy": true}, Judged: 2, Twins: 1}, h)
		require.False(t, h.Answerable(qrels["q"]))
		return
	}
	t.Fatal("no seed takes the only component")
}

// TestHoldOutIsAllOrNothing: no query loses a part of its relevant articles, whatever joins what.
func TestHoldOutIsAllOrNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[a-h]`)
		qrels := Qrels(rapid.MapOf(rapid.StringMatching(`q[0-9]`), rapid.MapOf(id, rapid.IntRange(0, 2))).Draw(t, "qrels"))
		var articles []prediag.Article
		for _, name := range rapid.SliceOfDistinct(id, rapid.ID).Draw(t, "articles") {
			articles = append(articles, prediag.Article{ID: name})
		}
		seed := rapid.Uint64().Draw(t, "seed")
		h := HoldOut(articles, qrels, seed)
		for _, a := range articles {
			for _, grades := range qrels {
				if grades[a.ID] == 0 {
					continue
				}
				for _, b := range articles {
					if grades[b.ID] > 0 && h.Articles[a.ID] != h.Articles[b.ID] {
						t.Fatalf("%s and %s are parted", a.ID, b.ID)
					}
				}
			}
		}
		require.Equal(t, h, HoldOut(articles, qrels, seed))
	})
}
