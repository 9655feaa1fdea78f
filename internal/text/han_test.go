package text

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestFoldHan(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"這個資料庫連不上":     "这个资料库连不上",
		"这个数据库连不上":     "这个数据库连不上",
		"網路硬碟讀寫錯誤":     "网路硬碟读写错误",
		"後臺與头髮":        "后台与头发",
		"図書館で録音する":     "図书馆で录音する", // what Chinese writes like Japanese is folded, Japanese forms are not
		"server 啟動 ok": "server 启动 ok",
		"서버 不通":        "서버 不通",
		"\xff錯\xfe":    "\xff错\xfe",
		"":             "",
	} {
		require.Equal(t, want, FoldHanString(in))
	}
	require.Equal(t, 'a', FoldHan('a'))
	require.Equal(t, utf8.RuneError, FoldHan(utf8.RuneError))
	require.Equal(t, rune(-1), FoldHan(-1))
	require.True(t, SimplifiedHan('这'))
	require.False(t, SimplifiedHan('這'))
	require.False(t, SimplifiedHan('a'))
}

// TestFoldHanIsIdempotent: no simplified form has a simplified form.
func TestFoldHanIsIdempotent(t *testing.T) {
	t.Parallel()
	pairs := 0
	for r := rune(0); r <= utf8.MaxRune; r++ {
		f := FoldHan(r)
		if f != r {
			pairs++
		}
		if FoldHan(f) != f || f != r && !SimplifiedHan(f) {
			t.Fatalf("%c", r)
		}
	}
	require.Greater(t, pairs, 2900)
}

func TestFoldHanStringKeepsCharacters(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune("這这後后a é\U0001f600圖図"))).Draw(t, "s")
		if f := FoldHanString(s); utf8.RuneCountInString(f) != utf8.RuneCountInString(s) || FoldHanString(f) != f {
			t.Fatal(f)
		}
	})
}

// TestScriptsHold keeps the foldings that search and classification in Chinese, Japanese and Korean need.
func TestScriptsHold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ a, b string }{
		"half-width katakana":        {"ﾛｸﾞｲﾝﾃﾞｷﾏｾﾝ ﾊﾟｽﾜｰﾄﾞ", "ログインデキマセン パスワード"},
		"full-width Latin, digits":   {"ＥＣＳ．００１３ Ｅｒｒｏｒ", "ecs.0013 error"},
		"jamo":                       {"서버에 접속", "서버에 접속"},
		"compatibility ideographs":   {"\uf914 羽", "樂 羽"},
		"ideographic space":          {"登录　失败", "登录 失败"},
		"voiced mark as a character": {"カ\u3099", "ガ"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, Fold(c.b), Fold(c.a))
			a, b := Tokens(c.a), Tokens(c.b)
			require.Len(t, a, len(b))
			for i := range a {
				require.Equal(t, b[i].Text, a[i].Text)
				require.Equal(t, b[i].Kind, a[i].Kind)
			}
		})
	}
}

func BenchmarkFoldHan(b *testing.B) {
	for _, c := range []struct{ name, in string }{
		{"traditional", "這個資料庫連不上，請幫忙處理，網路硬碟讀寫錯誤"},
		{"simplified", "这个数据库连不上，请帮忙处理，网络硬盘读写错误"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				FoldHanString(c.in)
			}
		})
	}
}
