package kb

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func TestRarityByHand(t *testing.T) {
	var none *ownLeads
	require.InDelta(t, math.Log(2), none.rarity(rarityMiddle*rarityMiddle, ""), 1e-12, "half reach the middle")
	require.InDelta(t, math.Log(10), none.rarity(rarityTenth*rarityTenth, ""), 1e-12, "a tenth")
	many := &ownLeads{Settings: "s", Questions: 1e9, Middle: 1, Tenth: 2}
	require.InDelta(t, math.Log(2), many.rarity(1, "s"), 1e-6)
	require.InDelta(t, math.Log(10), many.rarity(4, "s"), 1e-6)
	require.InDelta(t, math.Log(82), many.rarity(16, "s"), 1e-5, "odds of nine times nine")
	require.Equal(t, none.rarity(4, "other"), many.rarity(4, "other"), "found under other settings")
	few := &ownLeads{Settings: "s", Questions: rarityPrior, Middle: 1, Tenth: rarityTenth / rarityMiddle}
	require.InDelta(t, math.Log(2), few.rarity(rarityMiddle, "s"), 1e-12, "its root is halfway between the middles, by their logarithms")
	require.Zero(t, none.rarity(-1, ""))
}

// TestRarityGrowsWithTheLead, and stays a finite number.
func TestRarityGrowsWithTheLead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &ownLeads{Questions: rapid.IntRange(1, 200).Draw(t, "questions"), Middle: rapid.Float64Range(0, 6).Draw(t, "middle")}
		l.Tenth = l.Middle + rapid.Float64Range(0, 6).Draw(t, "more")
		last := 0.0
		for lead := 0.0; lead < 64; lead += 0.5 {
			x := l.rarity(lead, "")
			require.False(t, math.IsNaN(x) || math.IsInf(x, 0))
			require.GreaterOrEqual(t, x, last)
			last = x
		}
	})
}

func TestQuantileByHand(t *testing.T) {
	require.Equal(t, 2.5, quantile([]float64{1, 2, 3, 4}, 0.5))
	require.Equal(t, 3.7, quantile([]float64{1, 2, 3, 4}, 0.9))
	require.Equal(t, 7.0, quantile([]float64{7}, 0.9))
}

// crowd are articles of which each has another that differs from it in a word; without twins, articles that have nothing in
// common.
func crowd(twins bool) []prediag.Article {
	var out []prediag.Article
	for i := range 40 {
		subject := fmt.Sprintf("alpha%d beta%d gamma%d delta%d epsilon%d", i, i, i, i, i)
		if twins {
			subject = fmt.Sprintf("alpha%d beta%d gamma%d delta%d part%d", i/2, i/2, i/2, i/2, i%2)
		}
		out = append(out, article(fmt.Sprintf("a%02d", i), "About "+subject, "The manual says that "+subject+" is what it is about."))
	}
	return out
}

// TestLeadsAreThoseWithoutAnAnswer: where every article has another on its subject, a lead is common that is rare where none has.
func TestLeadsAreThoseWithoutAnAnswer(t *testing.T) {
	alone, crowded := open(t, t.TempDir(), Options{}), open(t, t.TempDir(), Options{})
	apply(t, alone, put(crowd(false)...))
	apply(t, crowded, put(crowd(true)...))
	leads := func(k *KB) *ownLeads { return k.current.manifest.Leads }
	require.Equal(t, 80, leads(alone).Questions)
	require.Less(t, leads(alone).Tenth, leads(crowded).Middle, "an article itself never answers the question that it made")
	q := prediag.Query{Text: "alpha3 beta3 gamma3"}
	require.Greater(t, find(t, alone, q).Hits[0].Rarity, find(t, crowded, q).Hits[0].Rarity)
}

// TestLeadsDoNotDependOnTheWay: a knowledge base that grew has those of one that was built at once.
func TestLeadsDoNotDependOnTheWay(t *testing.T) {
	once, grown := open(t, t.TempDir(), Options{}), open(t, t.TempDir(), Options{})
	all := crowd(true)
	apply(t, once, put(all...))
	apply(t, grown, put(all[:25]...))
	apply(t, grown, put(all[20:]...))
	require.Equal(t, once.current.manifest.Leads, grown.current.manifest.Leads)
}

// TestLeadsOfRestrictedArticles: what not everybody may read makes no questions.
func TestLeadsOfRestrictedArticles(t *testing.T) {
	k, public := open(t, t.TempDir(), Options{}), open(t, t.TempDir(), Options{})
	all := crowd(true)
	apply(t, public, put(all[:20]...))
	for i := 20; i < len(all); i++ {
		all[i].Audience = []string{"staff"}
	}
	apply(t, k, put(all...))
	require.Equal(t, public.current.manifest.Leads, k.current.manifest.Leads)
	for i := range all {
		all[i].Audience = []string{"staff"}
	}
	apply(t, k, put(all...))
	require.Nil(t, k.current.manifest.Leads)
}

func TestQuestionsOf(t *testing.T) {
	a := article("a", "Disks", "Short one. This sentence is long enough to be asked as a question. And a")
	require.Equal(t, []string{"Disks", "This sentence is long enough to be asked as a question."}, questionsOf(&a))
	a.Body = "Too short."
	require.Equal(t, []string{"Disks"}, questionsOf(&a))
}

func TestUnknownOfAQuery(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	apply(t, k, put(article("a", "Disks", "A disk is attached."), article("b", "Nets", "A network is made.")))
	require.Zero(t, find(t, k, prediag.Query{Text: "disk"}).Unknown)
	require.InDelta(t, 1, find(t, k, prediag.Query{Text: "zebra"}).Unknown, 1e-9)
	found, err := k.Search(context.Background(), prediag.Query{Text: "disk zebra"})
	require.NoError(t, err)
	disk, zebra := idf(2, 1), idf(2, 0)
	require.InDelta(t, zebra/(disk+zebra), found.Unknown, 1e-6)
}
