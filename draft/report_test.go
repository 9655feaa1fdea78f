package draft

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

func likeNothing() prediag.Searcher {
	return prediag.SearcherFunc(func(context.Context, prediag.Query) (prediag.Results, error) { return prediag.Results{}, nil })
}

func causeTexts(list []prediag.Statement) []string {
	var out []string
	for _, s := range list {
		out = append(out, s.Text)
	}
	return out
}

func TestKnownCausesAreQuoted(t *testing.T) {
	listed := article("listed", "Ursachen", "- Port 22 is closed.\n- The key is wrong:\n\n  chmod 600 key\n\n- It is down.\n- A fourth one.", "Lösung", "Open it.")
	table := article("table", "ACS.0105 > 可能原因", "安全组拦截了 22 端口。请检查。还有一句。", "ACS.0106 原因", "磁盘已满。", "Cause and solution", "Nothing of this.")
	table.Codes = []prediag.FaultCode{{Code: "ACS.0105"}, {Code: "ACS.0106"}}
	twin := article("twin", "Cause", "The same in another language.")
	ssh := ssh
	twin.Group = "g"
	ssh.Group = "g"
	code := prediag.FaultCode{Code: "ACS.0105", Citation: prediag.Citation{ArticleID: table.ID, Revision: table.Revision}}
	score := func(a prediag.Article, s float64) prediag.Hit { h := hit(a, 1); h.Score = s; return h }
	r := NewReporter(library(ssh, listed, table, twin), likeNothing())

	got, err := r.Causes(t.Context(), []prediag.FaultCode{code}, []prediag.Hit{score(ssh, 10), score(twin, 9), score(listed, 8)})
	require.NoError(t, err)
	require.Equal(t, []string{"安全组拦截了 22 端口。请检查。", "The security group blocks port 22.", "Port 22 is closed.",
		"The key is wrong:\n\n  chmod 600 key", "It is down."}, causeTexts(got))
	for _, s := range got {
		require.Equal(t, prediag.StatementCause, s.Kind)
		require.True(t, holds(t.Context(), s, library(ssh, listed, table, twin)))
	}
	got, err = r.Causes(t.Context(), nil, []prediag.Hit{score(ssh, 10), score(listed, 4.9)})
	require.NoError(t, err)
	require.Len(t, got, 1, "the second hit is too far behind")
	stale := score(ssh, 1)
	stale.Revision = "older"
	got, err = r.Causes(t.Context(), nil, []prediag.Hit{stale, score(article("gone", "Cause", "x"), 1)})
	require.NoError(t, err)
	require.Empty(t, got)
	_, err = NewReporter(ReaderFunc(func(context.Context, string) (prediag.Article, error) { return prediag.Article{}, errors.New("disk") }), likeNothing()).
		Causes(t.Context(), nil, []prediag.Hit{score(ssh, 1)})
	require.ErrorContains(t, err, "disk")
}

func TestRelatedArticles(t *testing.T) {
	first := article("first", "Solution", "x")
	first.Group, first.Links = "g", []string{"https://x.example/", "linked", "gone", "second", "translated"}
	linked, translated, coded := article("linked", "", "x"), article("translated", "", "x"), article("coded", "", "x")
	translated.Group = "g"
	var asked prediag.Query
	like := prediag.SearcherFunc(func(_ context.Context, q prediag.Query) (prediag.Results, error) {
		asked = q
		return prediag.Results{Hits: []prediag.Hit{
			{ArticleID: "linked"}, {ArticleID: "alike", Why: []string{"port"}, Passages: []prediag.Passage{{Text: "x"}}}, {ArticleID: "near-twin"}, {ArticleID: "b"}, {ArticleID: "c"}, {ArticleID: "d"}}}, nil
	})
	hits := []prediag.Hit{hit(first, 1), {ArticleID: "second", Also: []string{"near-twin"}}}
	hits[0].Group = "g"
	r := NewReporter(library(first, linked, translated, coded), like)
	got, err := r.Related(t.Context(), []prediag.FaultCode{{Code: "ACS.1", Citation: prediag.Citation{ArticleID: "coded"}}}, hits)
	require.NoError(t, err)
	var ids []string
	for _, h := range got {
		ids = append(ids, h.ArticleID)
		require.Empty(t, h.Passages)
	}
	require.Equal(t, []string{"coded", "linked", "alike", "b", "c"}, ids)
	require.Equal(t, []string{"ACS.1"}, got[0].Why)
	require.Equal(t, []string{"port"}, got[2].Why)
	require.Equal(t, "first", asked.Like)
	require.Equal(t, []string{"en"}, asked.Languages)
	got, err = r.Related(t.Context(), nil, nil)
	require.NoError(t, err)
	require.Empty(t, got)
}
