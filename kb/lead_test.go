package kb

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

// TestLeadByHand: a twin of the same title is left out, and no more than nine are compared with.
func TestLeadByHand(t *testing.T) {
	a, b := [titleKeySize]byte{1}, [titleKeySize]byte{2}
	list := []candidate{{words: 10, title: a, codes: 1000}, {words: 9, title: a}, {words: 4, title: b}, {words: 2}, {words: 0}}
	require.InDelta(t, (10-2.0)/4, lead(list, 0, 16), 1e-12, "mean of 4, 2 and 0; the root of 16")
	require.InDelta(t, (4-1.0)/4, lead(list, 2, 16), 1e-12, "articles without a title are no twins")
	require.Zero(t, lead(list, 4, 16))
	require.InDelta(t, 2.5, lead(list[:1], 0, 16), 1e-12, "nothing follows")
	require.Zero(t, lead(list, 0, 0))
	require.Zero(t, lead([]candidate{{words: 1}, {words: 2}}, 0, 1), "never negative")
	many := slices.Repeat([]candidate{{words: 1}}, 10)
	many[0].words = 11
	require.InDelta(t, 10, lead(append(many, slices.Repeat([]candidate{{words: -1e6}}, 5)...), 0, 1), 1e-12, "nine and no more")
}

// TestLeadDoesNotDependOnThePage: a page of one hit says the same of it as a page of ten.
func TestLeadDoesNotDependOnThePage(t *testing.T) {
	k, err := Open(t.TempDir(), Options{})
	require.NoError(t, err)
	defer k.Close()
	_, err = k.Apply(context.Background(), put(
		prediag.Article{ID: "a", Title: "Reset a password", Body: "To reset the password of an account open settings."},
		prediag.Article{ID: "b", Title: "Network", Body: "The account of a network is in the console."},
		prediag.Article{ID: "c", Title: "Disks", Body: "A disk is attached by the console."}))
	require.NoError(t, err)
	q := prediag.Query{Text: "how do I reset the password of my account in the console", Limit: 10}
	all, err := k.Search(context.Background(), q)
	require.NoError(t, err)
	require.Equal(t, "a", all.Hits[0].ArticleID)
	require.Greater(t, all.Hits[0].Lead, 0.0)
	q.Limit = 1
	one, err := k.Search(context.Background(), q)
	require.NoError(t, err)
	require.Equal(t, all.Hits[0].Lead, one.Hits[0].Lead)
	for _, h := range all.Hits {
		require.False(t, math.IsNaN(h.Lead) || math.IsInf(h.Lead, 0))
	}
}

// TestEarlyOfAHit: an article that begins with the query names all of it early; one that ends with it, less.
func TestEarlyOfAHit(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	filler := strings.Repeat("filler ", 200)
	apply(t, k, put(article("a", "Rotate keys", filler), article("b", "Other", filler+"rotate keys"), article("c", "Third", "nothing")))
	hits := find(t, k, prediag.Query{Text: "rotate keys"}).Hits
	require.Equal(t, []string{"a", "b"}, []string{hits[0].ArticleID, hits[1].ArticleID})
	require.InDelta(t, (1+1/(1+math.Log1p(1.0/earlyTokens)))/2, hits[0].Early, 1e-3, "places 0 and 1")
	require.Less(t, hits[1].Early, 0.5)
	require.Greater(t, hits[1].Early, 0.0)
}
