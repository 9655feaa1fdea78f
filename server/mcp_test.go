package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTools(t *testing.T) {
	r := start(t, Options{})
	post := func(body string) answer { return r.call(t, "POST", "/mcp", strings.NewReader(body)) }
	for name, c := range map[string]struct{ body, want string }{
		"initialize":       {`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}`, `"protocolVersion":"2025-06-18"`},
		"ping":             {`{"jsonrpc":"2.0","id":"p","method":"ping"}`, `{"jsonrpc":"2.0","id":"p","result":{}}`},
		"list":             {`{"jsonrpc":"2.0","id":2,"method":"tools/list"}`, `"name":"similar_articles"`},
		"unknown method":   {`{"jsonrpc":"2.0","id":3,"method":"resources/list"}`, `"code":-32601`},
		"no json":          {`{"jsonrpc`, `"code":-32700`},
		"a list":           {`[]`, `"code":-32600`},
		"no version":       {`{"id":1,"method":"ping"}`, `"code":-32600`},
		"unknown tool":     {`{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"delete"}}`, `"code":-32602`},
		"wrong params":     {`{"jsonrpc":"2.0","id":4,"method":"tools/call","params":[]}`, `"code":-32602`},
		"unknown argument": {`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"get_article","arguments":{"audience":["staff"]}}}`, `"isError":true`},
		"refused":          {`{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"search_articles","arguments":{"query":" "}}}`, `the query is empty`},
		"no such article":  {`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get_article","arguments":{"id":"x"}}}`, `"isError":true`},
		"an article":       {`{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"get_article","arguments":{"id":"demo/a-01"}}}`, `"structuredContent":{"article"`},
	} {
		got := post(c.body)
		require.Equal(t, 200, got.code, name)
		require.Contains(t, string(got.body), c.want, name)
	}
	got := post(`{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"search_articles","arguments":{"query":"disk \"full\" -x","limit":50,"newest":true,"products":["storage"]}}}`)
	var reply struct {
		Result struct {
			Content           []struct{ Type, Text string }
			StructuredContent struct{ Hits []any }
		}
	}
	require.NoError(t, json.Unmarshal(got.body, &reply))
	require.Len(t, reply.Result.StructuredContent.Hits, maxToolHits)
	require.Equal(t, "text", reply.Result.Content[0].Type)
	q := r.queries[len(r.queries)-1]
	require.False(t, q.Typed, "what a model writes is text")
	require.True(t, q.Newest)
	require.Empty(t, q.Audience)
}

func TestToolsTransport(t *testing.T) {
	r := start(t, Options{})
	require.Equal(t, 202, r.call(t, "POST", "/mcp", strings.NewReader(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)).code)
	require.Equal(t, 405, r.call(t, "GET", "/mcp", nil).code)
	require.Equal(t, 413, r.call(t, "POST", "/mcp", strings.NewReader(strings.Repeat(" ", maxToolCall+1))).code)
	for origin, code := range map[string]int{"https://elsewhere.example": 403, r.base: 200} {
		req, err := http.NewRequestWithContext(limit(t), "POST", r.base+"/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
		require.NoError(t, err)
		req.Header.Set("Origin", origin)
		require.Equal(t, code, r.do(t, req).code)
	}
}

// FuzzTools: every message gets a reply that is JSON, or is a notification.
func FuzzTools(f *testing.F) {
	for _, s := range []string{`{"jsonrpc":"2.0","id":1,"method":"ping"}`, `{"jsonrpc":"2.0","method":"x"}`, `[]`, `{`, `{"jsonrpc":"2.0","id":{},"method":"initialize"}`} {
		f.Add([]byte(s))
	}
	s := &toolServer{}
	f.Fuzz(func(t *testing.T, body []byte) {
		if strings.Contains(string(body), "call") { // needs a service
			t.Skip()
		}
		reply, answered := s.answer(t.Context(), body)
		if answered {
			_, err := json.Marshal(reply)
			require.NoError(t, err)
		}
	})
}
