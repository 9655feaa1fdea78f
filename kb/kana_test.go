package kb

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestKatakanaRun(t *testing.T) {
	for _, c := range []struct {
		text, word string
		terms      int
	}{
		{"サーバーに", "サーバー", 3}, {"サーバ", "サーバ", 2}, {"メモリ不足", "メモリ", 2}, {"不足", "", 0}, {"ーに", "", 0}, {"disk", "", 0},
	} {
		a := newAnalyzer()
		terms := a.terms(c.text)
		end, word := katakanaRun(func(i int) string { return terms[i] }, 0, len(terms))
		require.Equal(t, c.word, word, c.text)
		require.Equal(t, c.terms, end, c.text)
	}
}

// TestKatakanaRunsAreTheWords: a katakana word between other characters comes back whole.
func TestKatakanaRunsAreTheWords(t *testing.T) {
	a := newAnalyzer()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[アイウエオカキクサシスタチツバパン][アイウエオカキクサシスタチツバパンー]{1,8}`), 1, 4).Draw(t, "words")
		text := ""
		for _, w := range words {
			text += w + "の"
		}
		terms := slices.Clone(a.terms(text))
		var found []string
		for i := 0; i < len(terms); {
			end, word := katakanaRun(func(i int) string { return terms[i] }, i, len(terms))
			if end > i {
				found = append(found, word)
			}
			i = max(end, i+1)
		}
		require.Equal(t, words, found)
	})
}

func TestKanaGrammar(t *testing.T) {
	for term, want := range map[string]bool{"ーに": true, "でき": true, "を登": true, "サー": false, "接続": false, "使い": false, "ssh": false, "": false, "に": false} {
		require.Equal(t, want, kanaGrammar(term), term)
	}
}

func TestWordGains(t *testing.T) {
	gains := func(text string) []float64 { a := newAnalyzer(); return wordGains(a.terms(text)) }
	require.Equal(t, []float64{1, 1, 1, 1, 2, 1, 1, 1}, append(gains("云服务器的 ssh"), gains("ssh times out")...), "four pairs, a word; and no pairs")
	require.Equal(t, []float64{2. / 3, 2. / 3, 2. / 3}, gains("サーバー"))
	require.Equal(t, []float64{1, 1}, gains("メモリ"))
}

// TestPartsOfAKatakanaRun: what translate cuts out of a run is the word of the pairs in between.
func TestPartsOfAKatakanaRun(t *testing.T) {
	a := newAnalyzer()
	terms := slices.Clone(a.terms("サーバーインスタンス"))
	term := func(i int) string { return terms[i] }
	end, run := katakanaRun(term, 0, len(terms))
	require.Equal(t, len(terms), end)
	require.Len(t, run, 3*(end+1))
	for at := range end {
		for to := at + 1; to <= end; to++ {
			_, word := katakanaRun(term, at, to)
			require.Equal(t, word, run[3*at:3*(to+1)])
		}
	}
}
