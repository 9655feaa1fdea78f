package text

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func split(s string) []string {
	var out []string
	for _, span := range Sentences(s) {
		out = append(out, s[span.Start:span.End])
	}
	return out
}

func TestSentences(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"empty", " \n ", nil},
		{"english", "It failed. Why? Help!", []string{"It failed.", "Why?", "Help!"}},
		{"quoted", `He said "never." Then left.`, []string{`He said "never."`, "Then left."}},
		{"codes, versions, addresses", "ACS.0013 on v1.2.3 at 10.0.0.1 fails. Ok.", []string{"ACS.0013 on v1.2.3 at 10.0.0.1 fails.", "Ok."}},
		{"url", "See https://a.example/b?c=d. Next.", []string{"See https://a.example/b?c=d.", "Next."}},
		{"abbreviation", "Use e.g. The console. Done.", []string{"Use e.g. The console.", "Done."}},
		{"small letter", "approx. five. Two", []string{"approx. five.", "Two"}},
		{"list", "1. Open it\n2. Close it\n- a", []string{"1. Open it", "2. Close it", "- a"}},
		{"chinese", "失败了。请处理！为什么？好", []string{"失败了。", "请处理！", "为什么？", "好"}},
		{"chinese in brackets", "（失败了。）请", []string{"（失败了。）", "请"}},
		{"arabic", "هل يعمل؟ لا.", []string{"هل يعمل؟", "لا."}},
		{"hindi", "यह है। वह", []string{"यह है।", "वह"}},
		{"windows line ends", "a\r\nb", []string{"a", "b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, split(c.in))
		})
	}
}

func TestSentencesCoverAllButWhiteSpace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOf(rapid.SampledFrom(append([]string{". ", "! ", "。", "\""}, alphabet...))).Draw(t, "parts"), "")
		last := 0
		for _, span := range Sentences(s) {
			require.LessOrEqual(t, last, span.Start)
			require.Less(t, span.Start, span.End)
			require.Empty(t, strings.TrimSpace(s[last:span.Start]))
			last = span.End
		}
		require.Empty(t, strings.TrimSpace(s[last:]))
	})
}
