package server

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

// secretWords stand in a decided ticket and its resolution, and in no article.
const secretWords = "Quokka GmbH lost the ledger"

// withDecided adds decided cases to a running service.
func withDecided(r *running) {
	r.set(func(f *fake) {
		for i, id := range []string{"c-a", "c-b", "c-c"} {
			d := sampleDiagnosis(prediag.Ticket{ID: "T-" + id, Body: secretWords + "\n\nmore " + strings.Repeat("x", 200)})
			d.ID = "d-" + id
			f.cases = append(f.cases, prediag.Case{ID: id, Diagnosis: d, State: prediag.CaseResolved, Resolution: &prediag.Resolution{
				Reviewer: "mei", Action: prediag.ActionAccepted, Article: []string{"demo/a-01", "staff-only", ""}[i], Note: secretWords, Answer: strings.Repeat("言", maxExcerpt+1), At: noon,
			}})
		}
	})
}

func TestSimilarCases(t *testing.T) {
	r := start(t, Options{})
	withDecided(r)
	first, err := r.review.FindSimilarCases(limit(t), &pb.FindSimilarCasesRequest{Text: "ledger lost", PageSize: 2})
	require.NoError(t, err)
	require.Len(t, first.GetCases(), 2, "the one whose diagnosis is gone is left out")
	a, b := first.GetCases()[0], first.GetCases()[1]
	require.Equal(t, []string{"c-a", "d-c-a", "T-c-a", "compute/start-failure", "demo/a-01", "Disk full 1", "en"},
		[]string{a.GetCaseId(), a.GetDiagnosisId(), a.GetTicketId(), a.GetCategory(), a.GetArticleId(), a.GetArticleTitle(), a.GetLanguage()})
	require.InDelta(t, 0.5, a.GetResemblance(), 0)
	require.False(t, a.GetSameArticle())
	require.True(t, b.GetSameArticle())
	require.Equal(t, "mei", a.GetResolution().GetReviewer())
	require.Equal(t, noon, a.GetResolution().GetTime().AsTime())
	require.Equal(t, maxExcerpt+1, len([]rune(a.GetResolution().GetAnswer())))
	require.True(t, strings.HasPrefix(a.GetTitle(), secretWords), "a ticket without a title is called by its first words")
	require.Len(t, []rune(a.GetTitle()), maxSimilarName+1)
	require.Equal(t, "staff-only", b.GetArticleId())
	require.Empty(t, b.GetArticleTitle(), "not every reader may read it")

	rest, err := r.review.FindSimilarCases(limit(t), &pb.FindSimilarCasesRequest{Text: "ledger lost", PageSize: 2, PageToken: first.GetNextPageToken()})
	require.NoError(t, err)
	require.Len(t, rest.GetCases(), 1)
	require.Empty(t, rest.GetNextPageToken())

	client, err := Dial(r.grpcAddr)
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()
	page, err := client.Similar(limit(t), SimilarQuery{CaseID: "c-a", Limit: 50})
	require.NoError(t, err)
	require.Len(t, page.Cases, 2, "without the case itself")
	require.Contains(t, r.alike[len(r.alike)-1].Body, secretWords)
	require.Equal(t, similarTo(page).GetCases()[0].GetCaseId(), similarFrom(similarTo(page)).Cases[0].CaseID)
}

func TestSimilarCasesThatAreRefused(t *testing.T) {
	r := start(t, Options{})
	withDecided(r)
	first := r.call(t, "GET", "/v1/cases:similar?text=ledger&page_size=1", nil)
	require.Equal(t, 200, first.code, string(first.body))
	var page struct{ NextPageToken string }
	require.NoError(t, json.Unmarshal(first.body, &page))
	require.Equal(t, 200, r.call(t, "GET", "/v1/cases/c-a:similar", nil).code)
	for path, reason := range map[string]string{
		"?":                    "QUERY_EMPTY",
		"?text=+":              "QUERY_EMPTY",
		"?text=a&case_id=c-a":  "QUERY_INVALID",
		"?case_id=none":        "CASE_NOT_FOUND",
		"?text=a&page_size=-1": "PAGE_SIZE_INVALID",
		"?text=a&page_token=x": "PAGE_TOKEN_INVALID",
		"?text=other&page_token=" + page.NextPageToken: "PAGE_TOKEN_INVALID",
		"?case_id=" + strings.Repeat("c", maxID+1):     "FIELD_TOO_LARGE",
	} {
		_, got, _ := r.call(t, "GET", "/v1/cases:similar"+path, nil).failure(t)
		require.Equal(t, reason, got, path)
	}
	require.Equal(t, 200, r.call(t, "GET", "/v1/cases:similar?text=ledger&page_size=1&page_token="+page.NextPageToken, nil).code)
}

// TestNoTicketLeaks asks everything that readers may ask in the words of a decided ticket: none of them shows it.
func TestNoTicketLeaks(t *testing.T) {
	r := start(t, Options{})
	withDecided(r)
	require.Contains(t, string(r.call(t, "GET", "/v1/cases:similar?text=ledger", nil).body), "Quokka", "staff see it")
	staff := r.call(t, "POST", "/staff/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"similar_tickets","arguments":{"text":"ledger","limit":1}}}`))
	require.Contains(t, string(staff.body), `"structuredContent":{"cases":[{"caseId":"c-a"`)
	require.Contains(t, string(r.call(t, "POST", "/staff/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)).body), ticketTool)
	tool := func(name, arguments string) answer {
		return r.call(t, "POST", "/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+name+`","arguments":`+arguments+`}}`))
	}
	answers := []answer{
		tool("search_articles", `{"query":"ledger"}`), tool("similar_articles", `{"id":"demo/a-01"}`), tool("get_article", `{"id":"c-a"}`),
		tool("similar_tickets", `{"text":"ledger"}`), r.call(t, "POST", "/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)),
	}
	for _, path := range []string{"/v1/search?query=ledger", "/v1/search?like=c-a", "/v1/articles/c-a", "/v1/suggest?query=ledger", "/v1/status",
		"/search?q=ledger", "/search?like=c-a", "/article?id=c-a", "/article?id=demo/a-01", "/metrics", "/"} {
		answers = append(answers, r.call(t, "GET", path, nil))
	}
	for i, a := range answers {
		require.NotContains(t, string(a.body), "Quokka", "answer %d", i)
		require.NotContains(t, string(a.body), "c-b", "answer %d", i)
		require.NotContains(t, string(a.body), ticketTool, "answer %d", i)
	}
}
