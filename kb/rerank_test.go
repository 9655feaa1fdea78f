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

// TestHoldingAllCountsWhereArticlesAreLong compares a page that holds every word of the query once with one that holds two of the three
// often: the latter is first among short articles, the former among long ones.
func TestHoldingAllCountsWhereArticlesAreLong(t *testing.T) {
	first := func(words int) string {
		spread := func(name string, among ...string) string {
			var b strings.Builder
			for i := range words {
				if i*len(among)%words < len(among) {
					b.WriteString(among[i*len(among)/words] + " ")
				}
				fmt.Fprintf(&b, "%s%d ", name, i)
			}
			return b.String()
		}
		k := open(t, t.TempDir(), Options{})
		apply(t, k, put(
			article("often", "Manual", spread("a", "encryption", "volume", "encryption", "volume")),
			article("whole", "Handbook", spread("b", "rotate", "encryption", "volume")),
			article("other", "Guide", spread("c", "rotate")), article("last", "Book", spread("d", "rotate"))))
		return find(t, k, prediag.Query{Text: "rotate encryption volume"}).Hits[0].ArticleID
	}
	require.Equal(t, "often", first(100))
	require.Equal(t, "whole", first(1600))
}

// TestOneSentenceGoesFirst compares long pages that hold the query's words once each and at the same places of their beginnings: in one
// sentence, and in one passage only.
func TestOneSentenceGoesFirst(t *testing.T) {
	filler := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "word%d ", i)
		}
		return b.String()
	}
	k := open(t, t.TempDir(), Options{})
	apply(t, k, put(
		article("z-sentence", "Manual", filler(300)+"rotate a b c d e f g h i key "+filler(700)),
		article("a-passage", "Handbook", filler(300)+"rotate a b c d e f g h i j k l m n o p q key "+filler(692)),
		article("other", "Guide", filler(1000))))
	require.Equal(t, "z-sentence", find(t, k, prediag.Query{Text: "rotate key"}).Hits[0].ArticleID)
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
		require.NoError(t, r.see(nil))
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
		require.InDelta(t, 3+2, x.within(6), 1e-9, "disk and full are five tokens apart")
		require.InDelta(t, 3, x.within(5), 1e-9)
		passage := (3 + 2 + 1) * tf(passageK1, passageB, 10./windowTokens)
		require.InDelta(t, passage, x.passage(10), 1e-9)
		x.long, x.whole, x.tight, x.language = 1, 2, tightGain, ""
		score, early := x.words(&f, 7, 5, 0.5)
		require.InDelta(t, (5*0.25+passageWeight*passage+nearWeight*x.near(10))*(1+tightGain)*(1+earlyGain*early), score, 1e-9,
			"a quarter of the first stage for half of the query, and all of it in one sentence")
		return nil
	}))
}

// TestRankingBehindTheSecondStage goes on without a greater score.
func TestRankingBehindTheSecondStage(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	apply(t, k, put(numbered(shortDepth+50)...))
	q := prediag.Query{Text: "disk attach restore", Limit: 100}
	first := find(t, k, q).Hits
	q.Offset = 100
	second := find(t, k, q).Hits
	require.Len(t, first, shortDepth)
	require.NotEmpty(t, second)
	for _, h := range second {
		require.LessOrEqual(t, h.Score, first[shortDepth-1].Score)
	}
}

// TestDepth looks at more articles where they are short.
func TestDepth(t *testing.T) {
	for _, c := range []struct{ words, want int }{{shortArticle, shortDepth}, {shortArticle + 1, rerankDepth}} {
		k := open(t, t.TempDir(), Options{})
		apply(t, k, put(article("x", "", strings.Repeat("disk ", c.words))))
		require.NoError(t, k.read(func(r *reader) error {
			require.Equal(t, c.want, r.depthOf(&query{}), "%d words", c.words)
			require.Equal(t, learnedDepth, r.depthOf(&query{ranker: &features{}}))
			return nil
		}))
	}
}
