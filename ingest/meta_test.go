package ingest

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func TestLanguage(t *testing.T) {
	const english = "The instance cannot be reached over the network after it was restarted."
	for _, c := range []struct{ declared, path, text, want string }{
		{"zh-cn", "en/a.md", english, "zh"}, {"zh-TW", "a.md", "", "zh-Hant"}, {"zh_HK", "a.md", "", "zh-Hant"}, {"zh-Hans-CN", "a.md", "", "zh"},
		{"pt-br", "a.md", "", "pt"}, {"EN-us", "a.md", "", "en"}, {"not a tag", "ja/a.md", "", "ja"},
		{"", "docs/zh/a.md", english, "zh"}, {"", "docs/cn.zh-CN/a.md", "", "zh"}, {"", "intl.en-US/x/a.md", "", "en"}, {"", "x/faq.ja.md", "", "ja"},
		{"", "x/readme.zh-cn.md", "", "zh"}, {"", "zh-tw/a.md", "", "zh-Hant"}, {"", "en/old/zh/a.md", "", "zh"},
		{"", "id/a.md", english, "en"}, {"", "docs/a.md", english, "en"}, {"", "api/v1.2/a.md", english, "en"}, {"", "docs/a.md", "云服务器无法远程登录，请检查安全组规则。", "zh"},
		{"", "a.md", "0 1 2", "und"},
	} {
		require.Equal(t, c.want, language(c.declared, c.path, "", c.text), "%+v", c)
	}
}

func TestGuessKind(t *testing.T) {
	for _, c := range []struct{ path, title, want string }{
		{"a/error_codes.md", "x", "errorcode"}, {"a/b.md", "OSS 错误码", "errorcode"}, {"a/alm-12033_slow.rst", "ALM-12033 Slow", "alarm"}, {"umn/faqs/x.rst", "How?", "faq"},
		{"a/Troubleshooting/x.md", "y", "troubleshooting"}, {"a/故障排查/x.md", "y", "troubleshooting"}, {"api-ref/source/x.rst", "Create", "api"}, {"docs/api/x.md", "Create", "api"},
		{"best_practices/x.md", "y", "best-practice"}, {"docs/x.md", "Glossary", "glossary"}, {"docs/x.md", "Create a disk", "guide"},
	} {
		require.Equal(t, c.want, guessKind(c.path, c.title), "%+v", c)
	}
}

func TestTitleFallsBackToTheFileName(t *testing.T) {
	a, reason := parseFile("s", "x/cannot_log-in.en.md", []byte("Text without a heading."))
	require.Empty(t, reason)
	require.Equal(t, "cannot log in", a.Title)
	a, _ = parseFile("s", "a.md", []byte("Text first.\n\n## Then this\n\nb\n"))
	require.Equal(t, "Then this", a.Title)
	require.Equal(t, "Text first.\n\nThen this\n\nb", a.Body)
}

func TestSlugIsInjective(t *testing.T) {
	require.Equal(t, "docs/登录.md", slug("docs/登录.md"))
	require.NotEqual(t, slug("a b.md"), slug("a-b.md"))
	name := rapid.StringMatching(`[a-z /:?*-]{1,12}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := name.Draw(t, "a"), name.Draw(t, "b")
		require.Equal(t, a == b, slug(a) == slug(b))
		require.True(t, validID("s/"+slug(a)))
	})
}

func TestClean(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"line ends", "a\r\nb\rc\u2028d\u0085e", "a\nb\nc\nd\ne"}, {"controls", "a\x00\x07\x1b[31mb\tc", "a[31mb\tc"}, {"zero width", "a\u200bb\u2060c\ufeffd\u00ade", "abcde"},
		{"bidirectional", "a\u202eb\u2066c\u200fd", "abcd"}, {"tags", "a\U000e0041\U000e0042b\U000e0100", "ab"}, {"joiner in latin", "a\u200db\u200cc", "abc"},
		{"non-joiner in persian", "می\u200cخواهم", "می\u200cخواهم"}, {"joiner in sinhala", "ශ\u0dca\u200dර", "ශ\u0dca\u200dර"}, {"invalid bytes", "a\xff\xfeb", "a\ufffdb"},
		{"hangul filler", "a\u3164b", "ab"}, {"plain", "云 service\n", "云 service\n"},
	} {
		require.Equal(t, c.want, clean(c.in), c.name)
		require.Equal(t, c.want, clean(c.want), c.name)
	}
}

func TestReadable(t *testing.T) {
	for in, want := range map[string]string{"\ufefftext": "", "a\xffb": SkipInvalidUTF8, "a\x00b": SkipBinary, " \n\u200b\n": SkipEmpty, "": SkipEmpty} {
		_, reason := readable([]byte(in))
		require.Equal(t, want, reason, "%q", in)
	}
	text, _ := readable([]byte("\ufefftext"))
	require.Equal(t, "text", text)
}

func TestRevisionFollowsTheContent(t *testing.T) {
	parse := func(path, in string) prediag.Article {
		a, reason := parseFile("s", path, []byte(in))
		require.Empty(t, reason)
		return a
	}
	base := parse("a.md", "---\nid: x\nkind: faq\n---\n# T\n\nText.")
	require.Len(t, base.Revision, 32)
	require.Equal(t, base.Revision, parse("a.md", "---\nid: x\nkind: faq\n---\n\n# T\n\nText.\n\n<!-- c -->\n").Revision)
	for name, in := range map[string]string{
		"body": "---\nid: x\nkind: faq\n---\n# T\n\nText!", "title": "---\nid: x\nkind: faq\n---\n# U\n\nText.", "kind": "---\nid: x\nkind: api\n---\n# T\n\nText.",
		"audience": "---\nid: x\nkind: faq\naudience: [a]\n---\n# T\n\nText.", "sections": "---\nid: x\nkind: faq\ntitle: T\n---\n## Text.",
	} {
		a, reason := parseFile("s", "a.md", []byte(in))
		if reason == "" {
			require.NotEqual(t, base.Revision, a.Revision, name)
		}
	}
}

func TestGuessedSectionsOfPlainText(t *testing.T) {
	body := "Intro text here.\n\nPossible Causes\n\nThe disk is old.\n\nHandling Procedure\n\n- Replace it.\n\nGET /v1/disks\n\nNone"
	a, reason := parseRecord("s", "a.jsonl", []byte(`{"id":"a","title":"t","body":"`+strings.ReplaceAll(body, "\n", `\n`)+`"}`))
	require.Empty(t, reason)
	require.Equal(t, body, a.Body)
	var got []string
	for _, s := range a.Sections {
		text, _ := s.Span.Of(a.Body)
		got = append(got, s.Heading()+": "+text)
	}
	require.Equal(t, []string{": Intro text here.", "Possible Causes: The disk is old.", "Handling Procedure: - Replace it.\n\nGET /v1/disks\n\nNone"}, got)
}

func TestRecords(t *testing.T) {
	for _, c := range []struct{ line, reason string }{
		{`{"id":"a","title":"t","body":"b"}`, ""}, {`{"id":"a","body":"first line\nmore"}`, ""}, {`{"title":"t","body":"b"}`, SkipID}, {`{"id":" a","body":"b"}`, SkipID},
		{`{"id":"a\nb","body":"b"}`, SkipID}, {`{"id":"a","title":"t"}`, SkipEmpty}, {`{"id":"a","body":" \u200b"}`, SkipEmpty}, {`{"id":7,"body":"b"}`, SkipJSON},
		{`[]`, SkipJSON}, {`{"id":"a","body":"b"} x`, SkipJSON}, {`{"id":"a","body":"b","audience":"x"}`, SkipJSON}, {"{\"id\":\"a\",\"body\":\"\xff\"}", SkipInvalidUTF8},
		{`{"id":"a","body":"b","codes":[7]}`, SkipJSON}, {`null`, SkipID},
	} {
		_, reason := parseRecord("s", "a.jsonl", []byte(c.line))
		require.Equal(t, c.reason, reason, c.line)
	}
	a, _ := parseRecord("s", "d/a.jsonl", []byte(`{"id":"a","body":"first line\nmore","language":"zh-cn","updated_at":"2026-01-02T03:04:05+08:00","audience":["x"]}`))
	require.Equal(t, []string{"first line", "zh", "d/a.jsonl#a", "s", "2026-01-01T19:04:05Z"}, []string{a.Title, a.Language, a.Path, a.Source, a.Updated.Format("2006-01-02T15:04:05Z07:00")})
	a, _ = parseRecord("s", "a.jsonl", []byte(`{"id":"a","title":"t","format":"markdown","body":"Run **this**.\n\n## S\n\n- x"}`))
	require.Equal(t, "Run this.\n\nS\n\n- x", a.Body)
}

// Fingerprints must not change with the way in which they are computed: everything would be parsed again.
func TestPutKeepsItsBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(rapid.StringN(0, 400, 900)).Draw(t, "list")
		got, want := sha256.New(), sha256.New()
		put(got, list...)
		fmt.Fprintf(want, "%d[", len(list))
		for _, s := range list {
			fmt.Fprintf(want, "%d:%s", len(s), s)
		}
		require.Equal(t, want.Sum(nil), got.Sum(nil))
	})
}
