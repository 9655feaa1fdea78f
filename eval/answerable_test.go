package eval

import (
	"fmt"
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

func TestHoldOutTakesCopiesTranslationsAndEntriesAlong(t *testing.T) {
	long := strings.Repeat("restart the gateway then wait for its lamp to turn green before you go on ", 3)
	chapter := "all about gateways. "
	for i := range 400 {
		chapter += fmt.Sprintf("part %d of %d is held by screw %d. ", i, i*i, i*7)
	}
	contents := "Contents\n- How do I restart it?\n- How is a disk attached?\n\n* How do I RESTART it \n"
	articles := []prediag.Article{
		{ID: "en", Group: "g", Body: long}, {ID: "zh", Group: "g", Body: "重新启动网关"},
		{ID: "copy", Body: "Note. " + long}, {ID: "chapter", Body: chapter + long}, {ID: "other", Body: "a disk is attached in the console by its owner and nobody else"},
		{ID: "faq/de/7", Language: "de", Body: "Neustart"}, {ID: "faq/fr/7", Language: "fr", Body: "Redémarrage"}, {ID: "faq/fr/8", Language: "fr", Body: "Disque"},
		{ID: "contents", Body: contents},
	}
	queries := []Query{{ID: "q", Text: "How do I restart it?"}, {ID: "unjudged", Text: " "}}
	qrels := Qrels{"q": {"en": 1, "faq/de/7": 1, "other": 0}}
	for seed := range uint64(20) {
		h := HoldOut(articles, queries, qrels, seed)
		if len(h.Articles) == 0 {
			require.True(t, h.Answerable(qrels["q"]))
			require.NotContains(t, h.Left(&articles[8]).Body, "restart", "nor is an answer that stays told by the contents")
			continue
		}
		require.Equal(t, map[string]bool{"en": true, "zh": true, "copy": true, "chapter": true, "faq/de/7": true, "faq/fr/7": true}, h.Articles)
		require.Equal(t, [2]int{4, 2}, [2]int{h.Judged, h.Twins})
		require.False(t, h.Answerable(qrels["q"]))
		require.Nil(t, h.Left(&articles[0]))
		require.Equal(t, &articles[4], h.Left(&articles[4]))
		left := h.Left(&articles[8])
		require.Equal(t, "Contents\n                      \n- How is a disk attached?\n\n                      \n", left.Body)
		require.Equal(t, contents, articles[8].Body, "the collection itself stays")
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
		seed, queries := rapid.Uint64().Draw(t, "seed"), []Query{{ID: "q1", Text: "a question"}}
		h := HoldOut(articles, queries, qrels, seed)
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
		require.Equal(t, h, HoldOut(articles, queries, qrels, seed))
	})
}
