package kb

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func digestOf(t require.TestingT, k *KB) Digest {
	d, err := ComputeDigest(context.Background(), k.dir, k.Generation().Number)
	require.NoError(t, err)
	return d
}

func TestDigestSeesEverything(t *testing.T) {
	base := article("a", "Disk full", "Delete old files. 删除旧文件。")
	base.Codes = []prediag.FaultCode{{Code: "DSK.0001", Meaning: "no space"}}
	of := func(batch int, list ...prediag.Article) Digest {
		k := open(t, t.TempDir(), Options{Batch: batch})
		for _, a := range list {
			apply(t, k, put(a))
		}
		return digestOf(t, k)
	}
	other := article("b", "Network", "Gateway.")
	want := of(500, base, other)
	require.Equal(t, 2, want.Articles)
	require.Equal(t, want, of(1, other, base), "not the order, nor the segments")
	for name, change := range map[string]func(*prediag.Article){
		"word":     func(a *prediag.Article) { a.Body = strings.Replace(a.Body, "old", "all", 1) },
		"order":    func(a *prediag.Article) { a.Body = strings.Replace(a.Body, "old files", "files old", 1) },
		"again":    func(a *prediag.Article) { a.Body += " files" },
		"title":    func(a *prediag.Article) { a.Title = "Disk fuller" },
		"code":     func(a *prediag.Article) { a.Codes[0].Code = "DSK.0002" },
		"language": func(a *prediag.Article) { a.Language = "zh" },
		"audience": func(a *prediag.Article) { a.Audience = []string{"staff"} },
		"product":  func(a *prediag.Article) { a.Product = "storage" },
		"revision": func(a *prediag.Article) { a.Revision = "2" },
	} {
		changed := base
		changed.Codes = slices.Clone(base.Codes)
		change(&changed)
		require.NotEmpty(t, want.Differences(of(500, changed, other)), name)
	}
	require.Equal(t, []string{"articles", "stored", "postings", "statistics"}, want.Differences(of(500, base)))
}

// step is one change of a random history.
type step struct {
	kind string
	a, b int
}

// TestAnyHistoryEqualsScratch applies random histories of additions, changes, moves and deletions, generation by generation,
// and compares everything that a search sees with a build of the last state from scratch.
func TestAnyHistoryEqualsScratch(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	before := checks.Value.String()
	require.NoError(t, checks.Value.Set("12")) // each builds several indexes
	defer func() { require.NoError(t, checks.Value.Set(before)) }()
	pool := historyTexts()
	rapid.Check(t, func(rt *rapid.T) {
		k, err := Open(t.TempDir(), Options{Batch: rapid.IntRange(1, 40).Draw(rt, "batch")})
		require.NoError(rt, err)
		defer func() { require.NoError(rt, k.Close()) }()
		state := map[string]prediag.Article{}
		first := changesOf(state, pool, []step{{"fill", 30, 0}})
		_, err = k.Apply(context.Background(), changes(first...))
		require.NoError(rt, err)
		for range rapid.IntRange(1, 4).Draw(rt, "refreshes") {
			steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
				return step{rapid.SampledFrom([]string{"add", "change", "move", "delete", "delete"}).Draw(t, "kind"), rapid.IntRange(0, 39).Draw(t, "a"), rapid.IntRange(0, 199).Draw(t, "b")}
			}), 0, 12).Draw(rt, "steps")
			_, err := k.Apply(context.Background(), changes(changesOf(state, pool, steps)...))
			require.NoError(rt, err)
		}
		scratch, err := Open(t.TempDir(), Options{})
		require.NoError(rt, err)
		defer func() { require.NoError(rt, scratch.Close()) }()
		_, err = scratch.Apply(context.Background(), put(slices.Collect(maps.Values(state))...))
		require.NoError(rt, err)
		require.Equal(rt, digestOf(rt, scratch), digestOf(rt, k))
		sameAnswers(rt, scratch, k)
	})
}

// historyTexts are texts that share words, some of them twice.
func historyTexts() []string {
	words := strings.Fields("disk attach detach snapshot restore image network gateway record certificate login 磁盘空间不足 无法登录云服务器 网络 证书过期 磁带")
	r := rand.New(rand.NewPCG(3, 4))
	texts := make([]string, 200)
	for i := range texts {
		var b []string
		for range 4 + r.IntN(60) {
			b = append(b, words[r.IntN(len(words))])
		}
		texts[i] = strings.Join(b, " ")
		if i%5 == 0 && i > 0 {
			texts[i] = texts[i-1]
		}
	}
	return texts
}

// changesOf applies steps to the state and returns them as changes.
func changesOf(state map[string]prediag.Article, pool []string, steps []step) []prediag.Change {
	var out []prediag.Change
	set := func(id, text string) {
		a := article(id, "Title "+text[:min(len(text), 12)], text)
		a.Title = strings.ToValidUTF8(a.Title, "")
		state[id] = a
		out = append(out, prediag.Change{Put: &a})
	}
	drop := func(id string) {
		delete(state, id)
		out = append(out, prediag.Change{Delete: id})
	}
	for _, s := range steps {
		id := fmt.Sprintf("a%02d", s.a)
		old, known := state[id]
		switch {
		case s.kind == "fill":
			for i := range s.a {
				set(fmt.Sprintf("a%02d", i), pool[i])
			}
		case s.kind == "delete" && known:
			drop(id)
		case s.kind == "move" && known:
			drop(id)
			set(fmt.Sprintf("m%02d", s.b), old.Body)
		case s.kind != "delete":
			set(id, pool[s.b])
		}
	}
	return out
}

// sameAnswers compares the answers to probe queries.
func sameAnswers(t require.TestingT, want, got *KB) {
	for _, text := range []string{"disk", "attach disk", "certificate login", "磁盘", "无法登录", "磁", "restore the snapshot of an image please"} {
		q := prediag.Query{Text: text, Limit: 100, Facets: true}
		w, err := want.Search(context.Background(), q)
		require.NoError(t, err)
		g, err := got.Search(context.Background(), q)
		require.NoError(t, err)
		w.Generation, g.Generation = 0, 0
		require.Empty(t, cmp.Diff(w, g), text)
	}
	for _, prefix := range []string{"ti", "disk", "磁"} {
		w, err := want.Suggest(context.Background(), prefix, nil, 10)
		require.NoError(t, err)
		g, err := got.Suggest(context.Background(), prefix, nil, 10)
		require.NoError(t, err)
		require.Equal(t, w, g, prefix)
	}
}
