package server

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The JSON of a reply is a contract: no key may change its name, and no empty field may vanish.
func TestGoldenTriageReply(t *testing.T) {
	r := start(t, Options{})
	body := `{"ticket": {"id": "T-1", "title": "cannot start", "body": "ACS.0013 无法启动 <script>", "fields": {"channel": "phone"}}}`
	got := r.call(t, "POST", "/v1/triage", strings.NewReader(body))
	require.Equal(t, 200, got.code, "%s", got.body)
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, append(got.body, '\n'), "", "  "))
	const golden = "testdata/triage_reply.json"
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, pretty.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), pretty.String())
}

func TestHTTPRequestsThatAreWrong(t *testing.T) {
	r := start(t, Options{})
	for name, c := range map[string]struct {
		method, path, body string
		code               int
		reason, field      string
	}{
		"no json":             {"POST", "/v1/triage", "hello", 400, "INVALID_JSON", ""},
		"cut json":            {"POST", "/v1/triage", `{"ticket":{"title":"x"`, 400, "INVALID_JSON", ""},
		"json and more":       {"POST", "/v1/triage", `{"ticket":{"title":"x"}} garbage`, 400, "INVALID_JSON", ""},
		"two values":          {"POST", "/v1/triage", `{"ticket":{"title":"x"}}{}`, 400, "INVALID_JSON", ""},
		"a list":              {"POST", "/v1/triage", `[]`, 400, "INVALID_JSON", ""},
		"null":                {"POST", "/v1/triage", `null`, 400, "INVALID_JSON", ""},
		"wrong type":          {"POST", "/v1/triage", `{"ticket":{"title":3}}`, 400, "INVALID_JSON", ""},
		"ticket is text":      {"POST", "/v1/triage", `{"ticket":"help"}`, 400, "INVALID_JSON", ""},
		"a key twice":         {"POST", "/v1/triage", `{"ticket":{"title":"a","title":"b"}}`, 400, "INVALID_JSON", ""},
		"wrong time":          {"POST", "/v1/triage", `{"ticket":{"title":"a","createTime":"yesterday"}}`, 400, "INVALID_JSON", ""},
		"half a surrogate":    {"POST", "/v1/triage", `{"ticket":{"title":"\ud800"}}`, 400, "INVALID_JSON", ""},
		"not utf-8":           {"POST", "/v1/triage", "{\"ticket\":{\"title\":\"a\xff\"}}", 400, "INVALID_JSON", ""},
		"null in a list":      {"POST", "/v1/triage:batch", `{"tickets":[null]}`, 400, "INVALID_JSON", ""},
		"deep json":           {"POST", "/v1/triage", strings.Repeat(`{"x":`, 100_000), 400, "INVALID_JSON", ""},
		"deep unknown field":  {"POST", "/v1/triage", `{"x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, 400, "INVALID_JSON", ""},
		"empty body":          {"POST", "/v1/triage", "", 400, "TICKET_EMPTY", "ticket"},
		"misspelt field":      {"POST", "/v1/triage", `{"tiket":{"title":"x"}}`, 400, "TICKET_EMPTY", "ticket"},
		"wrong method":        {"GET", "/v1/triage", "", 405, "METHOD_NOT_ALLOWED", ""},
		"put":                 {"PUT", "/v1/search", "{}", 405, "METHOD_NOT_ALLOWED", ""},
		"odd method":          {"BREW", "/v1/status", "", 405, "METHOD_NOT_ALLOWED", ""},
		"unknown path":        {"GET", "/v1/nothing", "", 404, "NO_SUCH_PATH", ""},
		"unknown verb":        {"POST", "/v1/cases/c-1:eat", "{}", 405, "METHOD_NOT_ALLOWED", ""},
		"outside the api":     {"GET", "/admin", "", 404, "NO_SUCH_PATH", ""},
		"no query":            {"GET", "/v1/search", "", 400, "QUERY_EMPTY", "query"},
		"negative page":       {"GET", "/v1/search?query=x&page_size=-5", "", 400, "PAGE_SIZE_INVALID", "page_size"},
		"page of words":       {"GET", "/v1/search?query=x&page_size=ten", "", 400, "INVALID_PARAMETER", "page_size"},
		"huge page":           {"GET", "/v1/search?query=x&pageSize=99999999999999", "", 400, "INVALID_PARAMETER", "page_size"},
		"parameter twice":     {"GET", "/v1/search?query=x&query=y", "", 400, "INVALID_PARAMETER", ""},
		"bad escape":          {"GET", "/v1/search?query=%zz", "", 400, "INVALID_PARAMETER", ""},
		"semicolon":           {"GET", "/v1/search?query=a;b", "", 400, "INVALID_PARAMETER", ""},
		"bytes in the query":  {"GET", "/v1/search?query=%ff%fe", "", 400, "NOT_UTF8", ""},
		"bytes in a name":     {"GET", "/v1/search?query=x&%ff=1", "", 400, "NOT_UTF8", ""},
		"bytes in the path":   {"GET", "/v1/articles/%ff", "", 400, "NOT_UTF8", ""},
		"query of 9,000":      {"GET", "/v1/search?query=" + strings.Repeat("a", 9000), "", 400, "QUERY_TOO_LONG", "query"},
		"unknown article":     {"GET", "/v1/articles/nope", "", 404, "ARTICLE_NOT_FOUND", ""},
		"unknown operation":   {"GET", "/v1/operations/nope", "", 404, "OPERATION_NOT_FOUND", ""},
		"unknown diagnosis":   {"GET", "/v1/diagnoses/nope", "", 404, "DIAGNOSIS_NOT_FOUND", ""},
		"unknown case":        {"POST", "/v1/cases/nope:claim", `{"reviewer":"ann"}`, 404, "CASE_NOT_FOUND", ""},
		"form in place of it": {"POST", "/v1/status", "query=x", 405, "METHOD_NOT_ALLOWED", ""},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(limit(t), c.method, r.base, strings.NewReader(c.body))
			require.NoError(t, err)
			path, query, _ := strings.Cut(c.path, "?")
			req.URL.RawQuery = query
			req.URL.Path, err = url.PathUnescape(path)
			require.NoError(t, err)
			req.URL.RawPath = path
			if name == "form in place of it" {
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			got := r.do(t, req)
			require.Equal(t, c.code, got.code, "%.300s", got.body)
			_, reason, field := got.failure(t)
			require.Equal(t, c.reason, reason, "%.300s", got.body)
			require.Equal(t, c.field, field, "%.300s", got.body)
			require.Less(t, len(got.body), 4000, "an error does not repeat its input at length")
		})
	}
}

func TestTheLongestQueryPassesAsURL(t *testing.T) {
	r := start(t, Options{})
	got := r.call(t, "GET", "/v1/search?query="+url.QueryEscape(strings.Repeat("𠮷", prediag.MaxQueryRunes)), nil)
	require.Equal(t, 200, got.code, "%.200s", got.body)
	require.Equal(t, strings.Repeat("𠮷", prediag.MaxQueryRunes), r.queries[0].Text)
}

func TestHTTPBodiesOverTheLimit(t *testing.T) {
	t.Parallel()
	r := start(t, Options{})
	body := func() io.Reader {
		return io.MultiReader(strings.NewReader(`{"ticket":{"body":"`), bytes.NewReader(bytes.Repeat([]byte("a"), 20<<20)), strings.NewReader(`"}}`))
	}
	raw, err := io.ReadAll(body())
	require.NoError(t, err)
	for name, send := range map[string]io.Reader{"length declared": bytes.NewReader(raw), "chunked": body()} {
		t.Run(name, func(t *testing.T) {
			got := r.call(t, "POST", "/v1/triage", send)
			require.Equal(t, http.StatusRequestEntityTooLarge, got.code, "%.200s", got.body)
			_, reason, _ := got.failure(t)
			require.Equal(t, "REQUEST_TOO_LARGE", reason)
		})
	}
	got := r.call(t, "POST", "/v1/triage", strings.NewReader(`{"ticket":{"body":"`+strings.Repeat("a", 10<<20)+`"}}`))
	require.Equal(t, 400, got.code)
	e, reason, field := got.failure(t)
	require.Equal(t, []string{"TICKET_TOO_LARGE", "ticket.body"}, []string{reason, field})
	require.Contains(t, e.Message, "262144")
	require.Equal(t, 200, r.call(t, "GET", "/v1/status", nil).code, "the service lives")
}

// Headers that gRPC cannot carry must not turn a good call into an error, and none reaches a handler.
func TestOddHeaders(t *testing.T) {
	r := start(t, Options{})
	req, err := http.NewRequestWithContext(limit(t), "GET", r.base+"/v1/status", nil)
	require.NoError(t, err)
	for name, value := range map[string]string{
		"User-Agent": "brüser\xff", "Grpc-Metadata-X": "ü", "Cookie": "a=\x80", "X-Forwarded-For": "ü", "Authorization": "Bearer ü",
		"Grpc-Metadata-Y-Bin": "!!", "X-HTTP-Method-Override": "DELETE", "Content-Type": "\x80/;;;", "Accept": "text/html",
	} {
		req.Header[name] = []string{value}
	}
	got := r.do(t, req)
	require.Equal(t, 200, got.code, "%s", got.body)
	for name := range got.header {
		require.False(t, strings.HasPrefix(name, "Grpc-"), name)
	}
	req.Header = http.Header{"Grpc-Timeout": {"soon"}}
	got = r.do(t, req)
	require.Equal(t, 400, got.code)
	_, reason, _ := got.failure(t)
	require.Equal(t, "INVALID_PARAMETER", reason)
}

func TestHTTPDeadline(t *testing.T) {
	r := start(t, Options{})
	r.set(func(f *fake) {
		f.hold = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	})
	req, err := http.NewRequestWithContext(limit(t), "GET", r.base+"/v1/search?query=x", nil)
	require.NoError(t, err)
	req.Header.Set("Grpc-Timeout", "200m")
	began := time.Now()
	got := r.do(t, req)
	require.Equal(t, http.StatusGatewayTimeout, got.code)
	_, reason, _ := got.failure(t)
	require.Equal(t, "DEADLINE_EXCEEDED", reason)
	require.Less(t, time.Since(began), 5*time.Second)
}

func TestIndexAndProbes(t *testing.T) {
	r := start(t, Options{})
	got := r.call(t, "GET", "/", nil)
	require.Equal(t, 200, got.code)
	for _, c := range rpcs() { // the page names every path of the API
		stem := strings.NewReplacer("d-0", "{id}", "demo/a-07", "{id}", "op-1", "{id}", "c-1", "{id}").Replace(strings.Split(c.path, "?")[0])
		if _, verb, ok := strings.Cut(stem, "{id}"); ok && verb != "" {
			stem = verb
		}
		require.Contains(t, string(got.body), stem)
	}
	require.Equal(t, "ok\n", string(r.call(t, "GET", "/healthz", nil).body))
	require.Equal(t, "ready\n", string(r.call(t, "GET", "/readyz", nil).body))
}
