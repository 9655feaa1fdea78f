package server

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

const hostile = "../../shared/data/hostile/"

// lines reads a file of JSON lines; the test is skipped where the data is absent.
func lines[T any](t *testing.T, name string) []T {
	t.Helper()
	f, err := os.Open(hostile + name)
	if os.IsNotExist(err) {
		t.Skip("no data:", name)
	}
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	var out []T
	s := bufio.NewScanner(f)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		var v T
		require.NoError(t, json.Unmarshal(s.Bytes(), &v))
		out = append(out, v)
	}
	require.NoError(t, s.Err())
	require.NotEmpty(t, out)
	return out
}

// survives puts a text into each string of a ticket and into a query, over both protocols: it comes back unchanged, or
// is refused as the caller's fault.
func survives(t *testing.T, r *running, text string) {
	t.Helper()
	ticket := &pb.Ticket{
		Id: cut(text), Title: cut(text), Body: text, Language: cut(text), Product: cut(text), Codes: []string{cut(text)},
		Fields: map[string]string{"key": cut(text)}, // as a key it must not be empty
	}
	got, err := r.triage.Triage(limit(t), &pb.TriageRequest{Ticket: ticket})
	requireCallersFault(t, err)
	raw, marshalErr := json.Marshal(map[string]any{"ticket": map[string]any{"id": cut(text), "title": cut(text), "body": text}})
	require.NoError(t, marshalErr)
	web := r.call(t, "POST", "/v1/triage", strings.NewReader(string(raw)))
	if err == nil {
		require.Equal(t, text, got.GetDiagnosis().GetTicket().GetBody())
		require.Equal(t, ticket.GetFields(), got.GetDiagnosis().GetTicket().GetFields())
		var reply struct {
			Diagnosis struct {
				Ticket struct{ ID, Title, Body string }
			}
		}
		require.Equal(t, 200, web.code, "%.300s", web.body)
		require.NoError(t, json.Unmarshal(web.body, &reply))
		require.Equal(t, text, reply.Diagnosis.Ticket.Body)
	} else {
		require.Equal(t, 400, web.code, "%.300s", web.body)
		web.failure(t)
	}
	_, err = r.knowledge.Search(limit(t), &pb.SearchRequest{Query: text, Kinds: []string{cut(text)}})
	requireCallersFault(t, err)
	if query := "/v1/search?query=" + url.QueryEscape(text); len(query) < maxHeader {
		require.Contains(t, []int{200, 400}, r.call(t, "GET", query, nil).code)
	}
	require.Contains(t, []int{200, 404, 400}, r.call(t, "GET", "/v1/articles/x"+url.PathEscape(cut(text)), nil).code)
}

// cut is the part of a text that fits into a short field.
func cut(s string) string {
	if len(s) <= prediag.MaxFieldBytes {
		return s
	}
	s = s[:prediag.MaxFieldBytes]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}

func requireCallersFault(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		require.Equal(t, codes.InvalidArgument, status.Code(err), err)
		require.NotEmpty(t, reasonOf(status.Convert(err)))
	}
}

func TestHostileTexts(t *testing.T) {
	t.Parallel()
	r := start(t, Options{})
	type text struct{ Text string }
	for _, name := range []string{"strings-blns/blns.jsonl", "xss/payloads.jsonl"} {
		t.Run(name, func(t *testing.T) {
			for _, l := range lines[text](t, name) {
				survives(t, r, l.Text)
			}
		})
	}
	type pathological struct {
		Parts []struct {
			S string
			N int
		}
	}
	t.Run("pathological", func(t *testing.T) {
		for _, l := range lines[pathological](t, "pathological/inputs.jsonl") {
			var b strings.Builder
			for _, p := range l.Parts {
				b.WriteString(strings.Repeat(p.S, p.N))
			}
			survives(t, r, b.String())
		}
	})
	require.Zero(t, metric(t, r, "prediag_panics_total"))
	require.Empty(t, r.logs.String(), "nothing was the service's fault")
}

func TestHostileBytes(t *testing.T) {
	t.Parallel()
	r := start(t, Options{})
	type line struct {
		ID       string
		BytesHex string `json:"bytes_hex"`
	}
	for _, name := range []string{"utf8-own/cases.jsonl", "utf8-own/wrong_encoding.jsonl"} {
		for _, l := range lines[line](t, name) {
			raw, err := hex.DecodeString(l.BytesHex)
			require.NoError(t, err)
			if utf8.Valid(raw) {
				survives(t, r, string(raw))
				continue
			}
			requireStatus(t, r.raw(t, pb.TriageService_Triage_FullMethodName, field(1, field(3, raw))), codes.InvalidArgument, "NOT_UTF8", "ticket.body")
			requireStatus(t, r.raw(t, pb.KnowledgeService_Search_FullMethodName, field(1, raw)), codes.InvalidArgument, "NOT_UTF8", "query")
			got := r.call(t, "POST", "/v1/triage", strings.NewReader(`{"ticket":{"body":"`+string(raw)+`"}}`))
			require.Equal(t, 400, got.code, "%s %s", l.ID, got.body)
			_, reason, _ := got.failure(t)
			require.Equal(t, "INVALID_JSON", reason)
			got = r.call(t, "GET", "/v1/search?query="+url.QueryEscape(string(raw)), nil)
			_, reason, _ = got.failure(t)
			require.Equal(t, "NOT_UTF8", reason)
		}
	}
	require.Empty(t, r.logs.String())
}

func TestHostileJSON(t *testing.T) {
	t.Parallel()
	r := start(t, Options{})
	type line struct {
		ID, Expect string
		Data       string `json:"data_b64"`
		Repeat     *struct {
			S string
			N int
		}
	}
	for _, l := range lines[line](t, "json-nst/cases.jsonl") {
		raw, err := base64.StdEncoding.DecodeString(l.Data)
		require.NoError(t, err)
		if l.Repeat != nil {
			raw = []byte(strings.Repeat(l.Repeat.S, l.Repeat.N))
		}
		got := r.call(t, "POST", "/v1/triage", strings.NewReader(string(raw)))
		require.Equal(t, 400, got.code, "%s: %.300s", l.ID, got.body) // none of them is a ticket
		got.failure(t)
		within := r.call(t, "POST", "/v1/triage", strings.NewReader(`{"ticket":{"title":"x"},"unknown":`+string(raw)+`}`))
		switch l.Expect {
		case "accept":
			require.Equal(t, 200, within.code, "%s: %.300s", l.ID, within.body)
		case "reject":
			if !strings.Contains("n_structure_no_data.json", l.ID) {
				require.Equal(t, 400, within.code, "%s: %.300s", l.ID, within.body)
			}
		default:
			require.Contains(t, []int{200, 400}, within.code, "%s: %.300s", l.ID, within.body)
		}
	}
	require.Empty(t, r.logs.String())
}

func FuzzTriageJSON(f *testing.F) {
	for _, s := range []string{
		`{"ticket":{"title":"x"}}`, `{"ticket":{"body":"a","fields":{"k":"v"},"codes":["ACS.0013"]},"request_id":"r"}`, `{`, `[]`, `null`, ``,
		`{"ticket":{"title":"\ud800"}}`, `{"ticket":{"createTime":"2026-01-01T00:00:00Z"}}`, "{\"ticket\":{\"title\":\"\xff\"}}", `{"a":1e999}`,
	} {
		f.Add([]byte(s))
	}
	r := start(f, Options{})
	f.Fuzz(func(t *testing.T, body []byte) {
		got := r.call(t, "POST", "/v1/triage", strings.NewReader(string(body)))
		if got.code == 200 {
			require.True(t, json.Valid(got.body))
			return
		}
		require.Equal(t, 400, got.code, "%.300s", got.body)
		got.failure(t)
	})
}
