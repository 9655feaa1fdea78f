package kb

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
	"prediag/internal/pack"
)

// longArticles have enough text to teach a dictionary.
func longArticles(n int) []prediag.Article {
	r := rand.New(rand.NewPCG(8, 9))
	out := make([]prediag.Article, n)
	for i := range out {
		var b strings.Builder
		for b.Len() < leastTaught/n+100 {
			fmt.Fprintf(&b, "sentence %d of the manual. ", r.IntN(300))
		}
		out[i] = article(fmt.Sprintf("long%04d", i), fmt.Sprintf("Title %d", i), b.String())
	}
	return out
}

func TestTextsArePackedAgainstASharedDictionary(t *testing.T) {
	dir := t.TempDir()
	k := open(t, dir, Options{})
	all := longArticles(200)
	apply(t, k, put(all...))
	first, err := os.Stat(filepath.Join(k.current.dir, dictName))
	require.NoError(t, err)
	require.Less(t, k.Generation().Bytes, int64(leastTaught*3/4), "the text alone has more")

	all[3].Body = "another text " + all[3].Body
	apply(t, k, put(all[3]))
	second, err := os.Stat(filepath.Join(k.current.dir, dictName))
	require.NoError(t, err)
	require.True(t, os.SameFile(first, second), "what was packed needs the dictionary that it was packed with")

	require.NoError(t, k.Close())
	k = open(t, dir, Options{})
	for _, want := range all {
		got, err := k.Article(t.Context(), want.ID, nil)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestSmallKnowledgeBaseHasNoDictionary(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	apply(t, k, put(article("a", "Title", "Body")))
	require.NoFileExists(t, filepath.Join(k.current.dir, dictName))
	require.Nil(t, k.current.texts)
	apply(t, k, put(longArticles(200)...)) // it has grown
	require.FileExists(t, filepath.Join(k.current.dir, dictName))
	for _, id := range []string{"a", "long0007"} {
		_, err := k.Article(t.Context(), id, nil)
		require.NoError(t, err)
	}
}

func TestStoredTextRoundTrip(t *testing.T) {
	var sample [][]byte
	for _, a := range longArticles(50) {
		sample = append(sample, []byte(a.Body))
	}
	d := pack.Train(sample)
	rapid.Check(t, func(t *rapid.T) {
		meta, body := rapid.SliceOf(rapid.Byte()).Draw(t, "meta"), rapid.String().Draw(t, "body")
		var p *pack.Packer
		if rapid.Bool().Draw(t, "packed") {
			p = d.NewPacker()
		}
		m, b, err := unpackText(d, packText(p, joinText(meta, body)))
		require.NoError(t, err)
		require.Equal(t, string(meta), string(m))
		require.Equal(t, body, string(b))
	})
}

func FuzzUnpackText(f *testing.F) {
	var sample [][]byte
	for _, a := range longArticles(50) {
		sample = append(sample, []byte(a.Body))
	}
	d := pack.Train(sample)
	f.Add(packText(nil, joinText([]byte("{}"), "body")))
	f.Add(packText(d.NewPacker(), joinText([]byte("{}"), "sentence 12 of the manual")))
	f.Add([]byte{plainText, 9, 1})
	f.Fuzz(func(t *testing.T, stored []byte) {
		if _, _, err := unpackText(d, stored); err != nil {
			require.ErrorIs(t, err, prediag.ErrDamaged)
		}
	})
}
