package kb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

// vault is a random library in which some articles are for an audience only. Words, titles, codes, products and groups are
// shared by open and restricted articles, and some are the restricted ones' own.
func vault(r *rand.Rand) []prediag.Article {
	word := func(n int) string { return fmt.Sprintf("word%c%c", 'a'+r.IntN(n)%26, 'a'+r.IntN(6)) }
	text := func(n int) string {
		out := make([]string, n)
		for i := range out {
			out[i] = word(8)
		}
		return strings.Join(out, " ")
	}
	audiences := [][]string{nil, nil, {"staff"}, {"partner"}, {"staff", "partner"}}
	languages := []string{"en", "de", "zh"}
	all := make([]prediag.Article, 45)
	for i := range all {
		a := article(fmt.Sprintf("a%02d", i), text(1+r.IntN(3)), text(5+r.IntN(40)))
		a.Audience = audiences[r.IntN(len(audiences))]
		a.Language = languages[r.IntN(len(languages))]
		a.Product, a.Kind = fmt.Sprint("product", r.IntN(6)), fmt.Sprint("kind", r.IntN(4))
		a.Category = fmt.Sprintf("c%d/d%d", r.IntN(3), r.IntN(3))
		a.Group = fmt.Sprint("group", r.IntN(20))
		a.Updated = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, r.IntN(300))
		if r.IntN(3) == 0 {
			a.Codes = []prediag.FaultCode{{Code: fmt.Sprintf("ACS.%04d", r.IntN(9)), Meaning: a.ID}}
		}
		if i > 0 && r.IntN(5) == 0 { // a copy, perhaps for others
			a.Title, a.Body, a.Language = all[i-1].Title, all[i-1].Body, all[i-1].Language
		}
		if len(a.Audience) > 0 && r.IntN(2) == 0 {
			a.Body += " hidden" + string(rune('a'+r.IntN(3)))
		}
		a.Sections = []prediag.Section{{Path: []string{a.Title}, Span: prediag.Span{End: len(a.Body)}}}
		all[i] = a
	}
	return all
}

// TestNothingLeaks: whatever a reader asks, the answer is that of a knowledge base that holds nothing else than what the reader may read: hits,
// order, scores, totals, facets, marks, mended words, completions, explanations, articles alike and their errors.
func TestNothingLeaks(t *testing.T) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 7))
		all := vault(r)
		whole := open(t, t.TempDir(), Options{})
		apply(t, whole, put(all...))
		for _, audience := range [][]string{nil, {"staff"}, {"partner", "other"}} {
			var own []prediag.Article
			for _, a := range all {
				if len(a.Audience) == 0 || slices.ContainsFunc(a.Audience, func(s string) bool { return slices.Contains(audience, s) }) {
					own = append(own, a)
				}
			}
			part := open(t, t.TempDir(), Options{})
			apply(t, part, put(own...))
			for range 50 {
				askBoth(t, r, audience, whole, part)
			}
		}
	}
}

// askBoth puts a random question to both.
func askBoth(t *testing.T, r *rand.Rand, audience []string, whole, part *KB) {
	ctx := context.Background()
	words := []string{"wordaa", "wordba", "wordcb", "wordbx", "worda", "hiddena", "hiddenb", "wordhf", "ACS.0003", `"wordaa wordba"`, "-wordcc", `-"wordab wordac"`, "hiddemb"}
	var q prediag.Query
	for range 1 + r.IntN(4) {
		q.Text += words[r.IntN(len(words))] + " "
	}
	q.Audience, q.Facets, q.Highlight, q.Typed, q.Newest = audience, r.IntN(2) == 0, true, r.IntN(2) == 0, r.IntN(4) == 0
	q.Limit = 1 + r.IntN(30)
	switch r.IntN(6) {
	case 0:
		q.Products = []string{"product1", "product2"}
	case 1:
		q.Languages = []string{"en"}
	case 2:
		q.Categories = []string{"c1"}
	case 3:
		q.Since = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	case 4:
		q.Like = fmt.Sprintf("a%02d", r.IntN(45))
	}
	want, wantErr := part.Search(ctx, q)
	got, err := whole.Search(ctx, q)
	require.Equal(t, fmt.Sprint(wantErr), fmt.Sprint(err), "%+v", q)
	require.Equal(t, want, got, "%+v", q)

	prefix := []string{"wor", "worda", "hid", "hiddenb", "ACS.", "acs.00"}[r.IntN(6)]
	wantList, err := part.SuggestFor(ctx, prefix, nil, 20, audience)
	require.NoError(t, err)
	gotList, err := whole.SuggestFor(ctx, prefix, nil, 20, audience)
	require.NoError(t, err)
	require.Equal(t, wantList, gotList, prefix)

	code := fmt.Sprintf("ACS.%04d", r.IntN(10))
	wantCodes, err := part.ExplainFor(ctx, code, audience)
	require.NoError(t, err)
	gotCodes, err := whole.ExplainFor(ctx, code, audience)
	require.NoError(t, err)
	require.Equal(t, wantCodes, gotCodes, code)

	id := fmt.Sprintf("a%02d", r.IntN(50))
	wantArticle, wantErr := part.Article(ctx, id, audience)
	gotArticle, err := whole.Article(ctx, id, audience)
	require.Equal(t, fmt.Sprint(wantErr), fmt.Sprint(err))
	require.Equal(t, wantArticle, gotArticle)
}
