package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
	"prediag/classifier"
	"prediag/server"
)

func TestNearestArticlesAndTheirTranslations(t *testing.T) {
	hits := []prediag.Hit{{ArticleID: "a-en", Group: "a", Score: 10}, {ArticleID: "b", Score: 7}, {ArticleID: "a-zh", Group: "a", Score: 2}, {ArticleID: "c", Score: 5}}
	require.Equal(t, []string{"a-en", "b", "a-zh"}, nearest(hits))
	require.Empty(t, nearest(nil))
}

// TestDecidedTicketsOfOtherLanguages finds what the same page solved in another language, and goes on by words when the search fails.
func TestDecidedTicketsOfOtherLanguages(t *testing.T) {
	m := classifier.NewMemory(nil, classifier.MemoryOptions{})
	for id, body := range map[string]string{"c-ja": "サーバーに ssh できない", "c-en": "ssh times out since noon"} {
		require.NoError(t, m.Learn(classifier.Lesson{ID: id, Example: prediag.Example{Ticket: prediag.Ticket{Body: body}, Article: "page-" + id[2:]}}))
	}
	d := decided{memory: m, searcher: prediag.SearcherFunc(func(context.Context, prediag.Query) (prediag.Results, error) {
		return prediag.Results{Hits: []prediag.Hit{{ArticleID: "page-zh", Group: "g", Score: 9}, {ArticleID: "page-ja", Group: "g", Score: 1}}}, nil
	})}
	found, err := d.Alike(t.Context(), prediag.Ticket{Body: "远程登录超时"}, 5)
	require.NoError(t, err)
	require.Equal(t, []server.Alike{{CaseID: "c-ja", Article: "page-ja", SameArticle: true}}, found)
	d.searcher = prediag.SearcherFunc(func(context.Context, prediag.Query) (prediag.Results, error) {
		return prediag.Results{}, errors.New("no index")
	})
	found, err = d.Alike(t.Context(), prediag.Ticket{Body: "ssh times out"}, 5)
	require.NoError(t, err)
	require.Equal(t, "c-en", found[0].CaseID)
	_, err = d.Alike(t.Context(), prediag.Ticket{}, 5)
	require.ErrorIs(t, err, prediag.ErrInvalid)
	found, err = decided{}.Alike(t.Context(), prediag.Ticket{Body: "x"}, 5)
	require.NoError(t, err)
	require.Empty(t, found)
}

// TestReviewSimilar works without a service, on the record alone.
func TestReviewSimilar(t *testing.T) {
	data := dataDir(t.TempDir())
	require.NoError(t, decidedRecord(t, data.state(), 1, 4).Close())
	got := must(t, "review", "similar", ticketNumber(2), "--data-dir", string(data))
	require.Contains(t, got, "c-2  ")
	require.Contains(t, got, "100 % alike")
	require.Contains(t, got, "category dns")
	require.Contains(t, got, "solved by a-d-2")
	require.Contains(t, got, "corrected by mei")
	require.Contains(t, must(t, "review", "similar", "--case", "c-2", "--json", "--data-dir", string(data)), `"cases": []`)
	require.Contains(t, must(t, "review", "similar", "unlike", fmt.Sprint(1), "--data-dir", string(data)), "No decided ticket is like it.")
	require.NotZero(t, call(t, "", "review", "similar", "--data-dir", string(data)).code)
}
