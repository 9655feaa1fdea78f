package draft

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// article builds an article of sections: heading, text, heading, text ...
func article(id string, parts ...string) prediag.Article {
	a := prediag.Article{ID: id, Revision: "r-" + id, Language: "en", Title: "About " + id, URL: "https://help.example/" + id}
	for i := 0; i+1 < len(parts); i += 2 {
		start := len(a.Body)
		a.Body += parts[i+1] + "\n\n"
		a.Sections = append(a.Sections, prediag.Section{Path: []string{a.Title, parts[i]}, Span: prediag.Span{Start: start, End: len(a.Body)}})
	}
	return a
}

func library(articles ...prediag.Article) Reader {
	return ReaderFunc(func(_ context.Context, id string) (prediag.Article, error) {
		for _, a := range articles {
			if a.ID == id {
				return a, nil
			}
		}
		return prediag.Article{}, fmt.Errorf("article %q: %w", id, prediag.ErrNotFound)
	})
}

func hit(a prediag.Article, coverage float64) prediag.Hit {
	return prediag.Hit{ArticleID: a.ID, Revision: a.Revision, Title: a.Title, Language: a.Language, Coverage: coverage}
}

var ssh = article("ssh",
	"Symptom", "SSH does not connect. The client prints a timeout.",
	"Possible Causes", "The security group blocks port 22.",
	"Solution", "1. Open the console.\n2. Add a rule for port 22:\n\n   ark sg allow --port 22\n\n3. Try again.",
	"Related", "Nothing to see here.",
)

func texts(d prediag.Draft, kind prediag.StatementKind) []string {
	var out []string
	for _, s := range d.Statements {
		if s.Kind == kind {
			out = append(out, s.Text)
		}
	}
	return out
}

func TestDraftQuotesTheSolvingSection(t *testing.T) {
	d, err := NewExtractive(library(ssh)).Draft(t.Context(), prediag.Ticket{Body: "cannot reach i-0abc1234 by ssh"}, prediag.Verdict{Language: "en"}, []prediag.Hit{hit(ssh, 0.8)})
	require.NoError(t, err)
	require.Equal(t, []string{"SSH does not connect."}, texts(d, prediag.StatementSummary))
	require.Equal(t, []string{"The security group blocks port 22."}, texts(d, prediag.StatementCause))
	require.Equal(t, []string{"Open the console.", "Add a rule for port 22:\n\n   ark sg allow --port 22", "Try again."}, texts(d, prediag.StatementStep))
	require.InDelta(t, 1, d.Grounded, 0)
	require.Equal(t, "extractive", d.Origin)
	for _, s := range d.Statements {
		if s.Kind.Asserts() {
			require.Len(t, s.Citations, 1)
			c := s.Citations[0]
			quoted, ok := c.Span.Of(ssh.Body)
			require.True(t, ok)
			require.Equal(t, quoted, c.Quote)
			require.Equal(t, []string{ssh.ID, ssh.Revision, ssh.Title, ssh.URL}, []string{c.ArticleID, c.Revision, c.Title, c.URL})
		}
	}
}

func TestDraftInChinese(t *testing.T) {
	a := article("zh", "问题现象", "无法登录服务器。客户端提示超时。", "解决方案", "1、登录控制台。\n2、放行 22 端口。")
	a.Language = "zh"
	d, err := NewExtractive(library(a)).Draft(t.Context(), prediag.Ticket{Body: "登录不了"}, prediag.Verdict{Language: "zh"}, []prediag.Hit{hit(a, 0.8)})
	require.NoError(t, err)
	require.Equal(t, []string{"无法登录服务器。"}, texts(d, prediag.StatementSummary))
	require.Equal(t, []string{"登录控制台。", "放行 22 端口。"}, texts(d, prediag.StatementStep))
	require.Equal(t, "zh", d.Language)
	require.Contains(t, d.Missing, "请提供受影响资源的 ID 和所在区域。")
}

func TestDraftSaysThatNothingWasFound(t *testing.T) {
	for name, hits := range map[string][]prediag.Hit{
		"no hits":                  nil,
		"an article that has gone": {{ArticleID: "gone", Revision: "r", Coverage: 1}},
		"an article that changed":  {{ArticleID: "ssh", Revision: "older", Coverage: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := NewExtractive(library(ssh)).Draft(t.Context(), prediag.Ticket{Body: "x"}, prediag.Verdict{Language: "ko"}, hits)
			require.NoError(t, err)
			require.Equal(t, []string{"지식 베이스에 이 티켓에 답하는 문서가 없습니다."}, texts(d, prediag.StatementNote))
			require.Zero(t, d.Grounded)
			for _, s := range d.Statements {
				require.False(t, s.Kind.Asserts())
			}
		})
	}
}

func TestDraftExplainsTheCodesOfTheTicketOnly(t *testing.T) {
	a := article("codes", "Table", "ADB.1040 | too many connections\nADB.2003 | refused")
	cite := func(code string) prediag.FaultCode {
		start := strings.Index(a.Body, code)
		end := start + strings.IndexByte(a.Body[start:], '\n')
		span := prediag.Span{Start: start, End: end}
		return prediag.FaultCode{Code: code, Citation: prediag.Citation{ArticleID: a.ID, Revision: a.Revision, Span: span, Quote: a.Body[start:end]}}
	}
	h := hit(a, 0.5)
	h.Codes = []prediag.FaultCode{cite("ADB.1040"), cite("ADB.2003")}
	d, err := NewExtractive(library(a)).Draft(t.Context(), prediag.Ticket{Body: "error ADB.2003 on connect"}, prediag.Verdict{Language: "en"}, []prediag.Hit{h})
	require.NoError(t, err)
	require.Equal(t, []string{"ADB.2003 | refused"}, texts(d, prediag.StatementCode))
	require.InDelta(t, 1, d.Grounded, 0)
}

func TestDraftNamesACodeThatAWholeSectionExplains(t *testing.T) {
	a := article("long", "Symptom", "The console shows ABS.1204 after a while.", "Solution", strings.Repeat("Do this and that. ", 40))
	span := a.Sections[1].Span
	quoted, _ := span.Of(a.Body)
	h := hit(a, 0.5)
	h.Codes = []prediag.FaultCode{{Code: "ABS.1204", Citation: prediag.Citation{ArticleID: a.ID, Revision: a.Revision, Span: span, Quote: quoted}}}
	d, err := NewExtractive(library(a)).Draft(t.Context(), prediag.Ticket{Codes: []string{"abs.1204"}, Body: "x"}, prediag.Verdict{Language: "en"}, []prediag.Hit{h})
	require.NoError(t, err)
	require.Equal(t, []string{"The console shows ABS.1204 after a while."}, texts(d, prediag.StatementCode))
	require.Empty(t, texts(d, prediag.StatementSummary), "it would say the same again")
	require.InDelta(t, 1, d.Grounded, 0)
}

func TestDraftIsInOneLanguageAndSaysWhich(t *testing.T) {
	de := article("ssh-de", "Symptom", "SSH verbindet nicht.", "Lösung", "1. Öffnen Sie die Konsole.\n\nA | B\nACS.0105 | kein Zugang")
	de.Language = "de"
	row := prediag.Span{Start: strings.Index(ssh.Body, "SSH"), End: 10}
	en := hit(ssh, 0.5)
	en.Codes = []prediag.FaultCode{{Code: "ACS.0105", Citation: prediag.Citation{ArticleID: ssh.ID, Revision: ssh.Revision, Span: row, Quote: ssh.Body[row.Start:row.End]}}}
	d, err := NewExtractive(library(ssh, de)).Draft(t.Context(), prediag.Ticket{Body: "ACS.0105"}, prediag.Verdict{Language: "fr"}, []prediag.Hit{hit(de, 0.8), en})
	require.NoError(t, err)
	require.Equal(t, "de", d.Language)
	require.Empty(t, texts(d, prediag.StatementCode), "the English explanation has no place in a German draft")
	require.Equal(t, "Quelle ressource est concernée (identifiant et région) ?", d.Missing[0], "questions are in the customer's language")
}

func TestDraftPassesAFailureOn(t *testing.T) {
	broken := errors.New("disk")
	r := ReaderFunc(func(context.Context, string) (prediag.Article, error) { return prediag.Article{}, broken })
	_, err := NewExtractive(r).Draft(t.Context(), prediag.Ticket{Body: "x"}, prediag.Verdict{}, []prediag.Hit{hit(ssh, 1)})
	require.ErrorIs(t, err, broken)
}

func TestGroundedCountsWhatHolds(t *testing.T) {
	good := prediag.Citation{ArticleID: "ssh", Revision: "r-ssh", Span: prediag.Span{Start: 0, End: 3}, Quote: "SSH"}
	for _, c := range []struct {
		name   string
		text   string
		change func(*prediag.Citation)
		want   float64
	}{
		{"holds", "SSH", func(*prediag.Citation) {}, 1},
		{"says more than the quote", "SSH is broken", func(*prediag.Citation) {}, 0},
		{"another revision", "SSH", func(c *prediag.Citation) { c.Revision = "older" }, 0},
		{"another article", "SSH", func(c *prediag.Citation) { c.ArticleID = "gone" }, 0},
		{"span moved", "SSH", func(c *prediag.Citation) { c.Span.End = 4 }, 0},
		{"span outside", "SSH", func(c *prediag.Citation) { c.Span.End = 1 << 20 }, 0},
		{"no text", "", func(*prediag.Citation) {}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			cite := good
			c.change(&cite)
			d := prediag.Draft{Statements: []prediag.Statement{
				{Kind: prediag.StatementStep, Text: c.text, Citations: []prediag.Citation{cite}},
				{Kind: prediag.StatementQuestion, Text: "When?"},
			}}
			require.InDelta(t, c.want, Grounded(t.Context(), d, library(ssh)), 0)
		})
	}
	uncited := prediag.Draft{Statements: []prediag.Statement{{Kind: prediag.StatementStep, Text: "SSH"}}}
	require.Zero(t, Grounded(t.Context(), uncited, library(ssh)))
}

// Whatever the article looks like, an extractive draft is grounded entirely and its statements are not over the limit.
func TestDraftIsAlwaysGrounded(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		line := rapid.OneOf(rapid.String(), rapid.StringMatching(`(\d{1,3}[.)] |- |步骤)?[a-z 。.!？\n]{0,300}`), rapid.Just(strings.Repeat("长", 900)))
		heading := rapid.SampledFrom([]string{"Symptom", "原因", "Solution", "Other", ""})
		var parts []string
		for range rapid.IntRange(0, 6).Draw(rt, "sections") {
			parts = append(parts, heading.Draw(rt, "heading"), line.Draw(rt, "text"))
		}
		a := article("a", parts...)
		d, err := NewExtractive(library(a)).Draft(t.Context(), prediag.Ticket{Body: "x"}, prediag.Verdict{}, []prediag.Hit{hit(a, 1)})
		if err != nil {
			rt.Fatal(err)
		}
		asserted := asserts(d.Statements)
		if asserted && d.Grounded != 1 {
			rt.Fatalf("grounded %v: %+v", d.Grounded, d.Statements)
		}
		for _, s := range d.Statements {
			if len(s.Text) > maxStatementBytes {
				rt.Fatalf("statement of %d bytes", len(s.Text))
			}
		}
	})
}
