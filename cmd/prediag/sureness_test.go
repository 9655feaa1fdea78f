package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
	"prediag/kb"
	"prediag/triage"
)

// TestSurenessDoesNotDependOnThePage: the probability is the same for a page of one and of ten, and later pages have none.
func TestSurenessDoesNotDependOnThePage(t *testing.T) {
	k, err := kb.Open(t.TempDir(), kb.Options{})
	require.NoError(t, err)
	defer k.Close()
	_, err = k.Apply(t.Context(), func(yield func(prediag.Change, error) bool) {
		for _, a := range []prediag.Article{
			{ID: "a", Title: "Reset a password", Body: "Open the settings and reset the password of the account."},
			{ID: "b", Title: "Reset a router", Body: "Press the button to reset the router."},
			{ID: "c", Title: "Lock an account", Body: "Open the settings and lock the account."},
		} {
			if !yield(prediag.Change{Put: &a}, nil) {
				return
			}
		}
	})
	require.NoError(t, err)
	s := sureness{k, triage.SolvedModel{Bias: -2, Coverage: 2, Margin: 2, Lead: 1}}
	q := prediag.Query{Text: "how to reset my password", Limit: 1}
	one, err := s.Search(t.Context(), q)
	require.NoError(t, err)
	require.Len(t, one.Hits, 1)
	require.Equal(t, "a", one.Hits[0].ArticleID)
	q.Limit = 0
	all, err := s.Search(t.Context(), q)
	require.NoError(t, err)
	require.Len(t, all.Hits, 2)
	require.Equal(t, one.Solved, all.Solved)
	require.Greater(t, one.Solved, 0.2)
	require.Less(t, one.Solved, 0.99)
	q.Text = "how to reset"
	vague, err := s.Search(t.Context(), q)
	require.NoError(t, err)
	require.Less(t, vague.Solved, one.Solved)
	q.Offset = 1
	later, err := s.Search(t.Context(), q)
	require.NoError(t, err)
	require.Zero(t, later.Solved)
	none, err := s.Search(t.Context(), prediag.Query{Text: "zeppelin"})
	require.NoError(t, err)
	require.Zero(t, none.Solved)
}
