package kb

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// pairKB has pairs of articles: of each, one is titled as the queries are put, the other says more about the same.
func pairKB(t *testing.T, dir string, opt Options) *KB {
	k := open(t, dir, opt)
	var all []prediag.Article
	for i := range 12 {
		all = append(all,
			article(fmt.Sprintf("short-%02d", i), fmt.Sprintf("topic%d", i), fmt.Sprintf("a word on topic%d and reset", i)),
			article(fmt.Sprintf("long-%02d", i), fmt.Sprintf("reset topic%d", i), fmt.Sprintf("reset topic%d reset topic%d in the console", i, i)))
	}
	apply(t, k, put(all...))
	return k
}

// TestLearnedOrder: where the judged article is always the one that the built-in order has second, it is first afterwards.
func TestLearnedOrder(t *testing.T) {
	dir := t.TempDir()
	k := pairKB(t, dir, Options{})
	var found []Found
	var grades []map[string]int
	for i := range 12 {
		f, err := k.Observe(context.Background(), prediag.Query{Text: fmt.Sprintf("reset topic%d", i)})
		require.NoError(t, err)
		require.Equal(t, []string{fmt.Sprintf("short-%02d", i), fmt.Sprintf("long-%02d", i)}, f.IDs[:2])
		found, grades = append(found, f), append(grades, map[string]int{f.IDs[1]: 1})
	}
	r, err := LearnRanker(context.Background(), found, grades)
	require.NoError(t, err)
	raw, err := r.Encode()
	require.NoError(t, err)
	require.NoError(t, k.Close())

	learned := open(t, dir, Options{Ranker: raw})
	require.NotEqual(t, Settings(), learned.Settings())
	require.Equal(t, r.Serves(), learned.Settings())
	for i, f := range found {
		got := find(t, learned, prediag.Query{Text: fmt.Sprintf("reset topic%d", i)})
		require.Equal(t, f.IDs[1], got.Hits[0].ArticleID)
		require.Equal(t, f.Order(r)[:len(got.Hits)], ids(got), "Order is what a search shows")
		for _, h := range got.Hits {
			require.Greater(t, h.Score, 0.0)
		}
	}
}

// TestRankerOfOtherSettingsIsLeftOut: an update of the program must not keep the service from starting.
func TestRankerOfOtherSettingsIsLeftOut(t *testing.T) {
	raw, err := Ranker{Settings: "kb-other", Weights: map[string]float64{"score": 1}}.Encode()
	require.NoError(t, err)
	var log bytes.Buffer
	k := open(t, t.TempDir(), Options{Ranker: raw, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.Equal(t, Settings(), k.Settings())
	require.Contains(t, log.String(), "prediag train ranker")
}

func TestParseRankerNamesTheFault(t *testing.T) {
	for raw, fault := range map[string]string{
		``: "JSON object", `[]`: "JSON object", `{"weights":{}}`: "no weights", `{"weights":{"score":1}}{}`: "follows",
		`{"weights":{"pagerank":1}}`: "pagerank", `{"weights":{"score":1e300}}`: "over", `{"unknown":1}`: "JSON object",
	} {
		_, err := ParseRanker([]byte(raw))
		require.ErrorIs(t, err, prediag.ErrInvalid, raw)
		require.ErrorContains(t, err, fault)
	}
	_, err := Open(t.TempDir(), Options{Ranker: []byte("no")})
	require.ErrorIs(t, err, prediag.ErrInvalid)
}

func FuzzParseRanker(f *testing.F) {
	f.Add([]byte(`{"settings":"kb-1","weights":{"score":1.5,"faq":-2e-3},"evidence":{"queries":50,"ndcg_before":0.5,"ndcg_after":0.6,"p":0.01}}`))
	f.Add([]byte(`{"weights":{"title":NaN}}`))
	f.Add([]byte(`{"weights":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := ParseRanker(raw)
		if err != nil {
			require.ErrorIs(t, err, prediag.ErrInvalid)
			return
		}
		encoded, err := r.Encode()
		require.NoError(t, err)
		again, err := ParseRanker(encoded)
		require.NoError(t, err)
		require.Equal(t, r, again)
	})
}

func TestRankerRoundTrip(t *testing.T) {
	names := featureNames()
	rapid.Check(t, func(t *rapid.T) {
		want := Ranker{Settings: Settings(), Weights: rapid.MapOfN(rapid.SampledFrom(names[:]), rapid.Float64Range(-1e6, 1e6), 1, featureCount).Draw(t, "weights"),
			Evidence: Evidence{Queries: rapid.Int().Draw(t, "queries"), Before: rapid.Float64Range(0, 1).Draw(t, "before")}}
		raw, err := want.Encode()
		require.NoError(t, err)
		got, err := ParseRanker(raw)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, want.Version(), got.Version())
	})
}

// TestFeaturesByHand: a query of three words, each in a third of the articles, so that all weigh the same.
func TestFeaturesByHand(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	a := article("a", "disk full", "the node is full and the disk too")
	a.Kind, a.Product = "troubleshooting", "block-storage"
	b := article("b", "Release notes of storage", "disk node full")
	b.Kind, b.Product = "faq", "compute"
	apply(t, k, put(a, b, article("c", "other", "nothing")))
	f, err := k.Observe(context.Background(), prediag.Query{Text: "disk full node storage"})
	require.NoError(t, err)
	require.Equal(t, []string{"b", "a"}, f.IDs)
	y, x := f.features[0], f.features[1]
	require.InDelta(t, 1, x[featureAbout], 1e-9, "the query holds the whole title")
	require.Equal(t, 1.0, x[featureFix])
	require.Equal(t, 1.0, x[featureProduct])
	require.Zero(t, x[featureHistory])
	require.Zero(t, x[featureFAQ])
	require.Less(t, x[featureCoverage], 1.0, "storage is not in it")
	require.InDelta(t, 1, y[featureCoverage], 1e-6)
	require.InDelta(t, 1, y[featureTight], 1e-9)
	require.InDelta(t, 1.0/4, y[featureAbout], 1e-9)
	require.Equal(t, 1.0, y[featureHistory])
	require.Equal(t, 1.0, y[featureFAQ])
	require.Zero(t, y[featureProduct])
	require.InDelta(t, 1.0/3, x[featureAdjacent], 1e-6, "disk full; of three pairs")
}

// TestChangeListsStandBack: unless the query asks for them.
func TestChangeListsStandBack(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	zh := article("zh", "产品更新日志", "负载均衡 支持 证书 轮换")
	zh.Language = "zh"
	apply(t, k, put(
		article("a-history", "What's new in billing", "invoices now list vouchers"),
		article("b-page", "Paper and ink", "invoices now list vouchers"),
		zh, article("other", "Something", "else")))
	require.Equal(t, "b-page", find(t, k, prediag.Query{Text: "invoices list vouchers"}).Hits[0].ArticleID)
	require.Equal(t, "a-history", find(t, k, prediag.Query{Text: "what's new: invoices list vouchers"}).Hits[0].ArticleID)
	require.NoError(t, k.read(func(r *reader) error {
		for doc := range r.docs {
			if err := r.forward(doc, func(f *forward) error {
				id, err := r.id(doc)
				require.Equal(t, id == "zh" || id == "a-history", isHistory(f, k.history), id)
				return err
			}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// TestNamedProductGoesFirst: two pages of the same words, of which the query names one's product.
func TestNamedProductGoesFirst(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	a, b := article("a", "Limits", "the most of them in a region"), article("b", "Limits", "the most of them in a region")
	a.Product, b.Product = "object-storage-guide", "message-queue-guide"
	other := article("c", "Other", "queue")
	other.Product = "queue-guide"
	apply(t, k, put(a, b, other))
	require.Equal(t, "b", find(t, k, prediag.Query{Text: "limits in a region of the message service"}).Hits[0].ArticleID)
	require.Equal(t, "a", find(t, k, prediag.Query{Text: "limits in a region of the storage service"}).Hits[0].ArticleID)
	require.Equal(t, "a", find(t, k, prediag.Query{Text: "limits in a region of the guide"}).Hits[0].ArticleID, "a word that all keys have names none")
}
