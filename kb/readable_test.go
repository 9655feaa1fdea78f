package kb

import (
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestReadable(t *testing.T) {
	for _, c := range []struct {
		text      string
		why, want []string
	}{
		{"云服务器 ssh 连接超时", []string{"ssh", "务器", "超时", "云服", "服务", "云服 → 实例", "服务 → 实例", "务器 → 主机"},
			[]string{"ssh", "云服务器", "超时", "云服务 → 实例", "务器 → 主机"}},
		{"云服务器", []string{"云服", "务器"}, []string{"云服", "务器"}}, // what lies between is not in the article
		{"服务 云服务器", []string{"云服", "服务", "务器"}, []string{"云服务器"}},
		{"サーバーに接続", []string{"接続", "translation kb:en/a.md", "dense 0.83"}, []string{"接続", "translation kb:en/a.md", "dense 0.83"}},
		{"서버 버전", []string{"서버", "버전"}, []string{"서버", "버전"}}, // words, not pairs
		{"ab bc", []string{"ab", "bc"}, []string{"ab", "bc"}},
		{"disk", nil, []string{}},
	} {
		k := open(t, t.TempDir(), Options{})
		apply(t, k, put(article("a", "x", "y")))
		require.NoError(t, k.read(func(r *reader) error {
			require.Equal(t, c.want, k.newQuery(prediag.Query{Text: c.text}, r.analyzer).readable(c.why), c.text)
			return nil
		}))
	}
}

// TestReadableLeavesWholeWords: a whole word that begins with the end of a pair does not go on from it.
func TestReadableLeavesWholeWords(t *testing.T) {
	q := &query{order: []queryTerm{{word: "云服"}, {word: "服务器"}}}
	require.Equal(t, []string{"云服", "服务器"}, q.readable([]string{"云服", "服务器"}))
}
