package kb

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

// TestTwinsShareTheirScore has two articles of one title, of which only one holds the words of the query's second half.
func TestTwinsShareTheirScore(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	apply(t, k, put(
		article("a", "Reset the password", "Open the console and choose reset."),
		article("b", "Reset the password", "A locked account is unlocked by the administrator."),
		article("c", "Rules for passwords", "Whether an account is locked after wrong tries, and how long a reset takes."),
		article("d", "Something else", "Nothing here.")))
	r := find(t, k, prediag.Query{Text: "reset password of a locked account"})
	require.Equal(t, []string{"b", "a", "c"}, ids(r), "the twin comes along")
	require.Greater(t, r.Hits[1].Score, twinShare*r.Hits[0].Score)
}

// TestPassageCountsWhereArticlesAreLong compares a page that holds the words together with one that holds them scattered.
func TestPassageCountsWhereArticlesAreLong(t *testing.T) {
	filler := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "word%d ", i)
		}
		return b.String()
	}
	together := article("z-together", "Manual", filler(500)+"rotate the encryption key of a volume. "+filler(400))
	scattered := article("a-scattered", "Handbook", "rotate "+filler(300)+"encryption "+filler(300)+"key "+filler(300)+"volume")
	k := open(t, t.TempDir(), Options{})
	apply(t, k, put(together, scattered, article("other", "Guide", filler(1000))))
	require.Equal(t, "z-together", find(t, k, prediag.Query{Text: "rotate encryption key volume"}).Hits[0].ArticleID)
}

func TestQueryLanguageGoesFirst(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	en := article("a-en", "kubectl exec", "kubectl exec fails with code 137")
	de := article("b-de", "kubectl exec", "kubectl exec schlägt fehl mit 137")
	en.Language, de.Language = "en", "de"
	apply(t, k, put(en, de))
	require.Equal(t, "b-de", find(t, k, prediag.Query{Text: "Warum bricht kubectl exec bei uns ständig ab, immer wieder 137?"}).Hits[0].ArticleID)
}

// TestRerankerFeatures are worked by hand on a text of eight tokens and a query of three words.
func TestRerankerFeatures(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	apply(t, k, put(article("x", "", "")))
	require.NoError(t, k.read(func(r *reader) error {
		terms := []weighted{{term: "disk", weight: 3}, {term: "full", weight: 2}, {term: "node", weight: 1}}
		q := &query{order: []queryTerm{{term: "disk", share: 1}, {term: "the", share: stopWeight}, {term: "full", share: 1}, {term: "node", share: 1}}}
		x := &r.reranker
		x.begin(r, q, terms)
		require.Equal(t, []float64{2, 1}, x.weights, "disk-full and full-node, as much as the lesser word")
		f := recordOf(t, article("y", "", "disk a b c d full e node"))
		require.Equal(t, 10, x.find(&f, 7), "eight tokens, and one gap behind title and body")
		require.InDelta(t, (3/(1+math.Log1p(1./earlyTokens))+2/(1+math.Log1p(6./earlyTokens))+1/(1+math.Log1p(8./earlyTokens)))/6, x.early(), 1e-9)
		tf := func(k1, b, length float64) float64 { return (k1 + 1) / (1 + k1*(1-b+b*length)) }
		require.InDelta(t, (2+1)*tf(nearK1, nearB, 10/r.average(fieldText)), x.near(10), 1e-9)
		require.InDelta(t, (3+2+1)*tf(passageK1, passageB, 10./windowTokens), x.passage(10), 1e-9)
		return nil
	}))
}

// TestRankingBehindTheSecondStage goes on without a greater score.
func TestRankingBehindTheSecondStage(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	apply(t, k, put(numbered(150)...))
	hits := find(t, k, prediag.Query{Text: "disk attach restore", Limit: 100}).Hits
	require.Len(t, hits, 100)
	for i := rerankDepth; i < len(hits); i++ {
		require.LessOrEqual(t, hits[i].Score, hits[rerankDepth-1].Score)
	}
}
