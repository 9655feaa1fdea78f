package signal

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// small compiles one table of one kind.
func small(t testing.TB, phrases ...string) *Finder {
	t.Helper()
	f, err := compile([]Table{{
		Language: "en", Negated: []string{"not", "~ nicht", "~不要"}, Supposed: []string{"if"},
		Urgent: Phrases{Phrases: phrases, Weak: []string{"soon", "!!!"}, Except: []string{"urgent care"}},
		Major:  Phrases{Phrases: []string{"all down"}},
	}})
	require.NoError(t, err)
	return f
}

func TestPhrases(t *testing.T) {
	for _, c := range []struct{ name, phrase, text, want string }{
		{"word", "urgent", "This is URGENT!", "URGENT"},
		{"no part of a word", "urgent", "insurgent urgently", ""},
		{"beginning", "urgen*", "urgently needed", "urgently"},
		{"two words", "at once", "help at once", "at once"},
		{"a line break is a space", "at once", "help at\nonce", "at\nonce"},
		{"an empty line is not", "at once", "help at\n\nonce", ""},
		{"a comma is not", "at once", "look at, once", ""},
		{"hyphen", "time critical", "it is time-critical", "time-critical"},
		{"part of a name", "urgent", "is_urgent non-urgent a.urgent=1 urgent_queue", ""},
		{"full stop", "urgent", "urgent.", "urgent"},
		{"part of an address", "urgent", "see https://example.org/urgent/x", ""},
		{"alternatives", "(as|so) soon as (possible|you can)", "so soon as you can", "so soon as you can"},
		{"optional", "this (is)? (very)? urgent", "this urgent", "this urgent"},
		{"number", "<n> users", "all 400 users", "400 users"},
		{"number too small", "<n> users", "all 40 users", ""},
		{"gap", "need ..2 now", "need this fixed now", "need this fixed now"},
		{"gap too long", "need ..2 now", "need this to be fixed now", ""},
		{"gap over a comma", "need ..2 now", "need help, now", "need help, now"},
		{"gap over a full stop", "need ..2 now", "need help. Now", ""},
		{"gap at the end", "need ..2 (now)?", "we need", "need"},
		{"apostrophe", "can't wait", "we can’t wait", "can’t wait"},
		{"full width", "urgent", "ＵＲＧＥＮＴ", "ＵＲＧＥＮＴ"},
		{"ideographs", "(马上|立即)处理", "请立即处理一下", "立即处理"},
		{"ideographs with a gap", "尽快..2处理", "请尽快帮忙处理", "尽快帮忙处理"},
		{"Hangul in one word", "긴급", "긴급합니다", "긴급"},
		{"Hangul over two words", "긴급", "긴 급여", ""},
		{"Hangul with a space", "긴 급", "긴급", "긴급"},
		{"beginning of a written word", "_급한", "긴급한", ""},
		{"beginning of a written word, right", "_급한", "매우 급한 일", "급한"},
		{"end of a written word", "급_", "긴급한", ""},
		{"Thai", "ด่วน", "ต้องการด่วนมาก", "ด่วน"},
		{"bytes that are no text", "urgent", "\xff\xfeurgent\xff", "urgent"},
		{"negated", "urgent", "this is not very urgent", ""},
		{"negated in another clause", "urgent", "it works not, urgent", "urgent"},
		{"negated behind", "urgent", "urgent ist es nicht", ""},
		{"negated behind, ideographs", "加急", "加急不要", ""},
		{"excepted", "urgent", "the urgent care unit", ""},
		{"mentioned", "urgent", `the title says "urgent" in red`, ""},
		{"mentioned in Chinese", "urgent", "标题里写着“urgent”三个字母", ""},
		{"said in marks", "urgent", `"urgent"`, "urgent"},
		{"a weak phrase alone", "x", "come soon", ""},
		{"the same weak phrase twice", "x", "come soon soon", ""},
		{"two weak phrases", "x", "come soon!!!", "soon"},
	} {
		t.Run(c.name, func(t *testing.T) {
			hits := small(t, c.phrase).Find(c.text)
			if c.want == "" {
				require.Empty(t, hits)
				return
			}
			require.NotEmpty(t, hits)
			require.Equal(t, c.want, hits[0].Quote)
			quote, ok := hits[0].Span.Of(c.text)
			require.True(t, ok)
			require.Equal(t, c.want, quote)
			require.Equal(t, Urgent, hits[0].Kind)
			require.Equal(t, "en", hits[0].Language)
		})
	}
}

func TestSupposedTakesBackIncidentsOnly(t *testing.T) {
	f := small(t, "urgent")
	require.Empty(t, f.Find("what if all down"))
	require.Len(t, f.Find("all down"), 1)
	require.Len(t, f.Find("if it is urgent"), 1)
}

func TestTableFaults(t *testing.T) {
	for _, c := range []struct{ name, yaml, want string }{
		{"unknown key", "language: en\nurgency: {phrases: [a]}", "urgency"},
		{"unknown key inside", "language: en\nurgent: {phrase: [a]}", "phrase"},
		{"empty", "", "it is empty"},
		{"no language", "urgent: {phrases: [a]}", "names no language"},
		{"reach", "language: en\nreach: 99", "reach is 99"},
		{"bracket open", "language: en\nurgent: {phrases: ['(a|b']}", "lacks a closing bracket"},
		{"bracket too many", "language: en\nurgent: {phrases: ['a)']}", "bracket too many"},
		{"empty alternative", "language: en\nurgent: {weak: ['(a||b)']}", "empty part"},
		{"empty phrase", "language: en\nurgent: {except: ['']}", "empty part"},
		{"sign", "language: en\nlegal: {phrases: ['a & b']}", "'&'"},
		{"gap first", "language: en\nurgent: {phrases: ['..2 a']}", "must begin with a word"},
		{"gap without number", "language: en\nurgent: {phrases: ['a .. b']}", "needs a number"},
		{"gap too wide", "language: en\nurgent: {phrases: ['a ..99 b']}", "needs a number"},
		{"all optional", "language: en\nurgent: {phrases: ['(a)?']}", "must begin with a word"},
		{"too deep", "language: en\nurgent: {phrases: ['((((((a))))))']}", "brackets in each other"},
		{"too long", "language: en\nurgent: {phrases: ['" + strings.Repeat("a ", maxPhraseBytes) + "']}", "has more than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, err := ParseTable([]byte(c.yaml))
			if err == nil {
				_, err = compile([]Table{table})
			}
			require.ErrorIs(t, err, prediag.ErrInvalid)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestNewTakesFurtherTables(t *testing.T) {
	f, err := New(Table{Language: "eo", Urgent: Phrases{Phrases: []string{"urĝe*"}, Except: []string{"urgent by design"}}})
	require.NoError(t, err)
	require.Equal(t, "urĝega", f.Find("tio estas urĝega")[0].Quote)
	require.Len(t, f.Find("this is urgent"), 1)
	require.Empty(t, f.Find("this is urgent by design"))
	_, err = New(Table{})
	require.ErrorIs(t, err, prediag.ErrInvalid)
}

// Whatever the text: the hits are in order, quote what stands there, and the same text gives the same hits.
func TestFindProperties(t *testing.T) {
	f := finder(t)
	parts := []string{
		"urgent", "not ", "加急", "不用", "긴급", " ", "\n", "\n\n", "!!!", "至急", "ではありません", "production", " is down", "。", "\xff", "\u200b", "ＡＳＡＰ",
		"call me", " back", "\"", "「", "」", "https://", "_", "-", ".", "ด่วน", "срочно", "é", "e\u0301", "\ufdfa", "全站宕机", "all users ", "cannot log in",
	}
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 30).Draw(t, "parts"), "")
		checkHits(t, s, f.Find(s), f.Find(s))
	})
}

func checkHits(t require.TestingT, s string, hits, again []Hit) {
	require.Equal(t, hits, again)
	last := 0
	for _, h := range hits {
		quote, ok := h.Span.Of(s)
		require.True(t, ok)
		require.Equal(t, quote, h.Quote)
		require.NotEmpty(t, quote)
		require.GreaterOrEqual(t, h.Span.Start, last)
		last = h.Span.Start
	}
}

func FuzzFind(f *testing.F) {
	finder := finder(f)
	for _, l := range tickets(f)[:40] {
		f.Add(l.Text)
	}
	f.Add("\xff\"urgent「 not")
	f.Fuzz(func(t *testing.T, s string) { checkHits(t, s, finder.Find(s), finder.Find(s)) })
}

func FuzzParseTable(f *testing.F) {
	f.Add([]byte("language: en\nnegated: [not, '~nicht']\nurgent: {phrases: ['(a|b c)? d* ..3 _e_'], weak: ['!!!'], except: [a]}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		table, err := ParseTable(raw)
		if err != nil {
			return
		}
		if finder, err := compile([]Table{table}); err == nil {
			finder.Find("a b c d e urgent 加急 " + string(raw))
		}
	})
}

// A text that is all beginnings of phrases takes linear time: the budget holds.
func TestFindIsBounded(t *testing.T) {
	f := finder(t)
	s := strings.Repeat("all of our users please call me so as soon 所有用户全部都 모든 사용자 ", 4000)
	require.True(t, utf8.ValidString(s))
	require.LessOrEqual(t, len(f.Find(s)), maxHits)
}

func BenchmarkFind(b *testing.B) {
	f := finder(b)
	english := strings.Repeat("After the upgrade of the cluster the pods of our billing service restart every few minutes, and the log shows a timeout when it connects to the database. ", 15)
	chinese := strings.Repeat("升级集群以后，计费服务的容器每隔几分钟就会重启，日志里显示连接数据库超时，我们已经检查过网络配置。", 10)
	for _, c := range []struct{ name, text string }{{"english 400 words", english}, {"chinese 470 characters", chinese}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				f.Find(c.text)
			}
		})
	}
}

// BenchmarkFindTickets is about the tickets of the test in 18 languages, which are short and full of what is looked for.
func BenchmarkFindTickets(b *testing.B) {
	f, list, size := finder(b), tickets(b), 0
	for _, l := range list {
		size += len(l.Text)
	}
	b.SetBytes(int64(size / len(list)))
	i := 0
	for b.Loop() {
		f.Find(list[i%len(list)].Text)
		i++
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := New(Table{Language: "eo"}); err != nil {
			b.Fatal(err)
		}
	}
}
