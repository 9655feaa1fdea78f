package text

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// show writes tokens as "text/kind" with w, n, c, b, 1 for the kinds.
func show(tokens []Token) string {
	var parts []string
	for _, t := range tokens {
		parts = append(parts, t.Text+"/"+string("wncb1"[t.Kind]))
	}
	return strings.Join(parts, " ")
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"empty", " \n。", ""},
		{"english", "The disk is Full!", "the/w disk/w is/w full/w"},
		{"hyphenated words are words", "load-balancer", "load/w balancer/w"},
		{"dotted code", "ACS.0013:", "acs.0013/c acs/w 0013/n"},
		{"dashed code", "ALM-21004.", "alm-21004/c alm/w 21004/n"},
		{"camel case", "ErrImagePull", "errimagepull/c err/w image/w pull/w"},
		{"camel case with initials", "HTTPServerError", "httpservererror/c http/w server/w error/w"},
		{"plural of initials is a word", "VMs", "vms/w"},
		{"full-width camel case", "ＥｒｒＰｕｌｌ", "errpull/c err/w pull/w"},
		{"hex", "0x80070005", "0x80070005/c"},
		{"resource id", "i-0abc123.cn-north-4", "i-0abc123.cn-north-4/c i/w 0abc123/w cn/w north/w 4/n"},
		{"letters then digits", "mysql8", "mysql8/c mysql/w 8/n"},
		{"version", "v1.25.3", "v1.25.3/c v/w 1/n 25/n 3/n"},
		{"address", "10.0.0.1:8080", "10.0.0.1/c 10/n 0/n 0/n 1/n 8080/n"},
		{"decimal", "99.9 %", "99.9/n"},
		{"snake case", "__server_id", "server_id/c server/w id/w"},
		{"han bigrams", "云服务器", "云服/b 服务/b 务器/b"},
		{"one han character", "云 a", "云/1 a/w"},
		{"mixed", "实例i-01启动", "实例/b i-01/c i/w 01/n 启动/b"},
		{"kana and han are one run", "起動エラー", "起動/b 動エ/b エラ/b ラー/b"},
		{"half-width kana", "ｻｰﾊﾞ", "サー/b ーバ/b"},
		{"hangul, decomposed", "\u1109\u1165\u1107\u1165에", "서버/b 버에/b"},
		{"thai clusters", "ไม่ได้", "ไม่/b ม่ไ/b ได้/b"},
		{"arabic", "لا يمكن", "لا/w يمكن/w"},
		{"devanagari keeps its marks", "हिन्दी", "हिन्दी/w"},
		{"russian", "Сервер недоступен", "сервер/w недоступен/w"},
		{"accents", "Übergröße", "übergrösse/w"},
		{"soft hyphen and zero width", "ser\u00adver\u200bs", "servers/w"},
		{"elision", "l’état", "l/w état/w"},
		{"invalid bytes separate", "a\xffb", "a/w b/w"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, show(Tokens(c.in)))
		})
	}
}

func TestTokenOffsetsPointIntoTheOriginal(t *testing.T) {
	t.Parallel()
	in := "a\xff 实例ＥＣＳ.００１３ e\u0301 ㍿ İx"
	var got []string
	for _, tok := range Tokens(in) {
		got = append(got, fmt.Sprintf("%s=%s", tok.Text, in[tok.Start:tok.End]))
	}
	require.Equal(t, []string{
		"a=a", "实例=实例", "ecs.0013=ＥＣＳ.００１３", "ecs=ＥＣＳ", "0013=００１３", "é=e\u0301",
		"株式=㍿", "式会=㍿", "会社=㍿", "ix=İx",
	}, got)
}

func TestTokensAreBounded(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		strings.Repeat("a", 100_000), strings.Repeat("é", 100_000), strings.Repeat("a1", 50_000), strings.Repeat("a.", 50_000) + "b",
	} {
		for _, tok := range Tokens(in) {
			require.LessOrEqual(t, len(tok.Text), maxCode)
			require.True(t, utf8.ValidString(tok.Text))
		}
	}
}

func checkTokens(t require.TestingT, s string) {
	last := 0
	for _, tok := range Tokens(s) {
		require.NotEmpty(t, tok.Text)
		require.LessOrEqual(t, last, tok.Start)
		require.Less(t, tok.Start, tok.End)
		require.LessOrEqual(t, tok.End, len(s))
		require.True(t, utf8.RuneStart(s[tok.Start]))
		require.Contains(t, Fold(s[tok.Start:tok.End]), tok.Text)
		last = tok.Start
	}
}

func TestTokenOffsetsAreValidAndIncrease(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { checkTokens(t, anyText().Draw(t, "s")) })
}

func TestTokensOfFoldedTextAreTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anyText().Draw(t, "s")
		s = strings.Map(func(r rune) rune { // letter case adds the parts of CamelCase names
			if r < utf8.RuneSelf || narrow(r) != 0 {
				return unicode.ToLower(r)
			}
			return r
		}, s)
		require.Equal(t, show(Tokens(Fold(s))), show(Tokens(s)))
	})
}

func FuzzTokens(f *testing.F) {
	for _, s := range alphabet {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkTokens(t, s) })
}

func TestAppendTokensAllocatesNothingForFoldedText(t *testing.T) {
	s, dst := "cannot attach the disk acs.0013 to i-0abc", make([]Token, 0, 64)
	require.Zero(t, testing.AllocsPerRun(100, func() { dst = AppendTokens(dst[:0], s) }))
}

var samples = map[string]string{
	"english": strings.Repeat("The instance i-0abc123 failed to start with ACS.0013 after the disk was resized. ", 50),
	"chinese": strings.Repeat("云服务器实例启动失败，错误码ＥＣＳ．００１３，请帮忙处理。", 50),
	"korean":  strings.Repeat("서버에 접속할 수 없습니다. ", 50),
	"russian": strings.Repeat("Сервер недоступен после перезагрузки. ", 50),
}

func BenchmarkAppendTokens(b *testing.B) {
	for name, s := range samples {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			b.ReportAllocs()
			dst := make([]Token, 0, 4096)
			for b.Loop() {
				dst = AppendTokens(dst[:0], s)
			}
		})
	}
}

func BenchmarkFold(b *testing.B) {
	for name, s := range samples {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			b.ReportAllocs()
			for b.Loop() {
				_ = Fold(s)
			}
		})
	}
}
