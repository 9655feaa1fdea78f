package embed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

// endpoint is a server of embeddings that misbehaves by a script: a step for each request, the last one for all that follow.
type endpoint struct {
	*httptest.Server
	mu     sync.Mutex
	script []func(w http.ResponseWriter, r *http.Request, texts []string)
	asked  [][]string
	keys   []string
	dims   *int // of the last request
	conns  int  // that were opened
}

// embeddingsRequest is the body as the protocol has it: nothing else may be sent.
type embeddingsRequest struct {
	Model      string   `json:"model"`
	Input      []string `json:"input"`
	Format     string   `json:"encoding_format"`
	Dimensions *int     `json:"dimensions"`
}

func newEndpoint(t *testing.T, script ...func(http.ResponseWriter, *http.Request, []string)) *endpoint {
	e := &endpoint{script: script}
	e.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return // the caller has gone
		}
		var req embeddingsRequest
		body := json.NewDecoder(bytes.NewReader(raw))
		body.DisallowUnknownFields()
		if body.Decode(&req) != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/embeddings" || req.Model != "m" ||
			req.Format != "float" || r.Header.Get("Content-Type") != "application/json" {
			http.Error(w, "bad request", http.StatusTeapot)
			return
		}
		e.mu.Lock()
		n := min(len(e.asked), len(e.script)-1)
		e.asked, e.keys, e.dims = append(e.asked, req.Input), append(e.keys, r.Header.Get("Authorization")), req.Dimensions
		e.mu.Unlock()
		e.script[n](w, r, req.Input)
	}))
	e.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.conns++
		}
	}
	e.Start()
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) requests() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.asked)
}

// direction is what the good server gives for a text.
func direction(text string) []float32 { return []float32{float32(len(text)), 1, 0} }

func good(w http.ResponseWriter, _ *http.Request, texts []string) {
	var items []string
	for i := range texts {
		j := len(texts) - 1 - i // in any order
		items = append(items, fmt.Sprintf(`{"index":%d,"embedding":[%v,1,0]}`, j, len(texts[j])))
	}
	fmt.Fprintf(w, `{"data":[%s]}`, strings.Join(items, ","))
}

func status(code int, header ...string) func(http.ResponseWriter, *http.Request, []string) {
	return func(w http.ResponseWriter, _ *http.Request, _ []string) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		http.Error(w, "the model says no", code)
	}
}

func says(body string) func(http.ResponseWriter, *http.Request, []string) {
	return func(w http.ResponseWriter, _ *http.Request, _ []string) { fmt.Fprint(w, body) }
}

// refuses answers with the code and a body.
func refuses(code int, body string) func(http.ResponseWriter, *http.Request, []string) {
	return func(w http.ResponseWriter, _ *http.Request, _ []string) {
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

func cutOff(w http.ResponseWriter, _ *http.Request, _ []string) {
	w.Header().Set("Content-Length", "1000")
	fmt.Fprint(w, `{"data":[{"index":0,"embed`)
}

func cutRefusal(w http.ResponseWriter, _ *http.Request, _ []string) {
	w.Header().Set("Content-Length", "1000")
	w.WriteHeader(http.StatusForbidden)
	fmt.Fprint(w, `{"error":{"mess`)
}

// hanging answers when the caller has gone.
func hanging(_ http.ResponseWriter, r *http.Request, _ []string) {
	select {
	case <-r.Context().Done():
	case <-time.After(30 * time.Second):
	}
}

// fakeClock remembers the pauses and makes none.
type fakeClock struct {
	mu     sync.Mutex
	now    time.Time
	pauses []time.Duration
}

func (c *fakeClock) clock() Clock {
	return Clock{
		Now: func() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now },
		Sleep: func(ctx context.Context, d time.Duration) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.now, c.pauses = c.now.Add(d), append(c.pauses, d)
			return ctx.Err()
		},
	}
}

func asking(t *testing.T, e *endpoint, more string) (*Endpoint, *fakeClock) {
	c, err := ParseConfig([]byte(fmt.Sprintf("url: %s/v1\nmodel: m\n%s", e.URL, more)))
	require.NoError(t, err)
	clock := &fakeClock{now: time.Unix(1e9, 0)}
	return NewEndpoint(c, "secret", clock.clock()), clock
}

func TestPassagesComeInOrder(t *testing.T) {
	server := newEndpoint(t, good)
	e, _ := asking(t, server, "batch: 2\npassage_prefix: 'p: '\nquery_prefix: 'q: '")
	got, err := e.Passages(context.Background(), []string{"a", "bbb", "ccccc"})
	require.NoError(t, err)
	require.Len(t, got, 3)
	for i, text := range []string{"p: a", "p: bbb", "p: ccccc"} {
		d := direction(text)
		norm := float32(math.Hypot(float64(d[0]), 1))
		require.InDeltaSlice(t, []float32{d[0] / norm, 1 / norm, 0}, got[i], 1e-6)
	}
	_, err = e.Query(context.Background(), "a")
	require.NoError(t, err)
	require.Equal(t, [][]string{{"p: a", "p: bbb"}, {"p: ccccc"}, {"q: a"}}, server.asked)
	require.Equal(t, "Bearer secret", server.keys[0])
	require.Nil(t, server.dims, "a model that has one length only refuses to be asked for one")
	require.Equal(t, 1, server.conns)
	e, _ = asking(t, server, "dimensions: 3")
	_, err = e.Query(context.Background(), "a")
	require.NoError(t, err)
	require.Equal(t, 3, *server.dims)
	c := e.config
	_, err = NewEndpoint(c, "", Clock{}).Query(context.Background(), "a")
	require.NoError(t, err)
	require.Empty(t, server.keys[len(server.keys)-1])
}

// A connection serves the next request although the end of a reply comes later than its vectors: opening one takes a search's time.
func TestConnectionIsKept(t *testing.T) {
	server := newEndpoint(t, func(w http.ResponseWriter, r *http.Request, texts []string) {
		good(w, r, texts)
		_ = http.NewResponseController(w).Flush()
		time.Sleep(time.Millisecond)
		fmt.Fprintln(w)
	})
	e, _ := asking(t, server, "timeout: 10s")
	for range 5 {
		_, err := e.Query(context.Background(), "a")
		require.NoError(t, err)
	}
	require.Equal(t, 1, server.conns)
}

func TestReplyIsLimited(t *testing.T) {
	const limit = 100
	for size, long := range map[int]bool{limit: false, limit + 1: true} {
		body := `{"data":[{"index":0,"embedding":[1,2]}]`
		e, _ := asking(t, newEndpoint(t, says(body+strings.Repeat(" ", size-len(body)-1)+"}")), "")
		e.create = newClient(e.config.URL, "", &guard{client: http.DefaultClient, maxReply: limit}).CreateEmbeddings
		_, err := e.Query(context.Background(), "a")
		if long {
			require.ErrorIs(t, err, prediag.ErrNotReady)
			require.ErrorContains(t, err, "longer than 100 bytes: use a smaller batch")
		} else {
			require.NoError(t, err)
		}
	}
}

// The key belongs to one address: where that sends the request elsewhere, nobody asks there.
func TestKeyGoesNowhereElse(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		other := newEndpoint(t, good)
		e, _ := asking(t, newEndpoint(t, status(code, "Location", other.URL+"/v1/embeddings")), "")
		_, err := e.Query(context.Background(), "a")
		require.ErrorContains(t, err, fmt.Sprintf("%d %s: the model says no", code, http.StatusText(code)))
		require.Zero(t, other.conns)
	}
}

func TestWhatPassesIsTriedAgain(t *testing.T) {
	server := newEndpoint(t, status(http.StatusTooManyRequests, "Retry-After", "7"), status(http.StatusBadGateway), cutOff, good)
	e, clock := asking(t, server, "")
	got, err := e.Passages(context.Background(), []string{"a", "b"})
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, []time.Duration{7 * time.Second, 2 * time.Second, 4 * time.Second}, clock.pauses)
}

func TestWhatStaysWrongIsAnError(t *testing.T) {
	for name, c := range map[string]struct {
		reply func(http.ResponseWriter, *http.Request, []string)
		says  string
		asked int
	}{
		"429":           {status(429), "429", attempts},
		"500":           {status(500), "500 Internal Server Error: the model says no", attempts},
		"401":           {status(401), "401", 1},
		"404":           {status(404), "404", 1},
		"protocol's":    {refuses(401, `{"error":{"message":"no such key","type":"auth","code":"k"}}`), "401 Unauthorized: no such key", 1},
		"text":          {refuses(403, `{"error":"not yours"}`), `403 Forbidden: {"error":"not yours"}`, 1},
		"vLLM's":        {refuses(404, `{"object":"error","message":"no such model","code":404}`), `"no such model"`, 1},
		"no message":    {refuses(404, `{"error":{"message":"","type":"not_found"}}`), "404 Not Found: not_found", 1},
		"long":          {refuses(404, `{"error":{"message":"`+strings.Repeat("x", 1<<20)+`"}}`), "404 Not Found: {\"error\":{\"message\":\"xxx", 1},
		"refusal cut":   {cutRefusal, "403 Forbidden: {\"error\"", 1},
		"no content":    {refuses(204, ""), "204", 1},
		"redirect":      {status(302, "Location", "http://example.org/"), "302", 1},
		"fewer vectors": {says(`{"data":[{"index":0,"embedding":[1,2]}]}`), "1 vectors for 2 texts", attempts},
		"one twice":     {says(`{"data":[{"index":0,"embedding":[1,2]},{"index":0,"embedding":[1,2]}]}`), "no vector, or two", attempts},
		"index outside": {says(`{"data":[{"index":0,"embedding":[1,2]},{"index":2,"embedding":[1,2]}]}`), "no vector, or two", attempts},
		"unequal":       {says(`{"data":[{"index":0,"embedding":[1,2]},{"index":1,"embedding":[1,2,3]}]}`), "3 components where 2 were expected", attempts},
		"nan":           {says(`{"data":[{"index":0,"embedding":[1,NaN]},{"index":1,"embedding":[1,2]}]}`), "not understood", attempts},
		"overflow":      {says(`{"data":[{"index":0,"embedding":[1e99,1]},{"index":1,"embedding":[1,2]}]}`), "not understood", attempts},
		"zeros":         {says(`{"data":[{"index":0,"embedding":[0,0]},{"index":1,"embedding":[1,2]}]}`), "no component other than zero", attempts},
		"empty":         {says(`{"data":[{"index":0,"embedding":[]},{"index":1,"embedding":[]}]}`), "no component other than zero", attempts},
		"null":          {says(`{"data":null}`), "0 vectors for 2 texts", attempts},
		"html":          {says(`<html>`), "not understood", attempts},
		"cut off":       {cutOff, "cut off", attempts},
	} {
		t.Run(name, func(t *testing.T) {
			server := newEndpoint(t, c.reply)
			e, _ := asking(t, server, "")
			_, err := e.Passages(context.Background(), []string{"a", "b"})
			require.ErrorIs(t, err, prediag.ErrNotReady)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, c.asked, server.requests())
		})
	}
	e, _ := asking(t, newEndpoint(t, says(`{"data":[{"index":0,"embedding":[1,2]}]}`)), "dimensions: 3")
	_, err := e.Query(context.Background(), "a")
	require.ErrorContains(t, err, "2 components where 3 were expected")
}

// A text that the endpoint refuses must not take its neighbours with it, and one that all are refused for is no text's fault.
func TestRefusedTextIsFound(t *testing.T) {
	picky := func(w http.ResponseWriter, r *http.Request, texts []string) {
		for _, text := range texts {
			if text == "bad" {
				status(400)(w, r, texts)
				return
			}
		}
		good(w, r, texts)
	}
	e, _ := asking(t, newEndpoint(t, picky), "")
	got, err := e.Passages(context.Background(), []string{"a", "b", "bad", "d", "e"})
	require.NoError(t, err)
	for i, v := range got {
		require.Equal(t, i == 2, v == nil, "%d", i)
	}
	for _, body := range []string{"no", `{"error":"no"}`, `{"error":{"message":"no"}}`} { // whatever its form
		pickier := func(w http.ResponseWriter, r *http.Request, texts []string) {
			if slices.Contains(texts, "bad") {
				refuses(422, body)(w, r, texts)
				return
			}
			good(w, r, texts)
		}
		e, _ = asking(t, newEndpoint(t, pickier), "")
		got, err = e.Passages(context.Background(), []string{"a", "bad"})
		require.NoError(t, err)
		require.NotNil(t, got[0])
		require.Nil(t, got[1])
	}
	e, _ = asking(t, newEndpoint(t, status(400)), "")
	_, err = e.Passages(context.Background(), []string{"a", "b", "c"})
	require.ErrorContains(t, err, "400 Bad Request: the model says no")
}

func TestSlowEndpointIsNotWaitedFor(t *testing.T) {
	e, _ := asking(t, newEndpoint(t, hanging), "request_timeout: 10ms")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := e.Query(ctx, "a")
	require.Error(t, err)
	_, err = e.Passages(context.Background(), []string{"a"}) // each of the attempts ends by itself
	require.ErrorIs(t, err, prediag.ErrNotReady)
	ctx, cancel = context.WithCancel(context.Background())
	cancel()
	_, err = e.Passages(ctx, []string{"a"})
	require.ErrorIs(t, err, context.Canceled)
}

// After three failures in a row queries fail at once, until the endpoint had its rest; then one good answer heals it.
func TestEndpointRests(t *testing.T) {
	server := newEndpoint(t, status(500), status(500), status(500), status(500), good)
	e, clock := asking(t, server, "")
	for range 10 {
		_, err := e.Query(context.Background(), "a")
		require.ErrorIs(t, err, prediag.ErrNotReady)
	}
	require.Equal(t, tripAfter, server.requests())
	clock.now = clock.now.Add(firstRest)
	_, err := e.Query(context.Background(), "a")
	require.ErrorContains(t, err, "500")
	clock.now = clock.now.Add(firstRest)
	_, err = e.Query(context.Background(), "a")
	require.ErrorContains(t, err, "in a row", "the second rest is twice as long")
	clock.now = clock.now.Add(firstRest)
	for range 2 {
		_, err = e.Query(context.Background(), "a")
		require.NoError(t, err)
	}
}

func TestConfigIsStrict(t *testing.T) {
	for in, says := range map[string]string{
		"":                                        "either the url of an endpoint or the folder",
		"url: http://a\nfolder: b":                "either the url of an endpoint or the folder",
		"url: http://a":                           "name the model",
		"url: ftp://a\nmodel: m":                  "is no address",
		"url: http://u:p@a\nmodel: m":             "neither a password",
		"url: http://a\nmodel: m\nbatch: 5000":    "batch is 5000",
		"url: http://a\nmodel: m\nbatch: -1":      "batch is -1",
		"url: http://a\nmodel: m\ntimeout: 1h":    "at most 10s",
		"url: http://a\nmodel: m\ntimeout: soon":  "write it like 300ms",
		"url: http://a\nmodel: m\ndimensions: -3": "dimensions is -3",
		"url: http://a\nmodel: m\nweight: -1":     "weight is -1",
		"url: http://a\nmodel: m\nweight: .nan":   "weight is NaN",
		"url: http://a\nmodl: m":                  "modl",
	} {
		_, err := ParseConfig([]byte(in))
		require.ErrorIs(t, err, prediag.ErrInvalid, "%q", in)
		require.ErrorContains(t, err, says, "%q", in)
	}
	c, err := ParseConfig([]byte("url: http://a/v1\nmodel: m\nkey_env: K\ntimeout: 2s"))
	require.NoError(t, err)
	require.Equal(t, Duration(2*time.Second), c.Timeout)
	require.Equal(t, defaultBatch, c.Batch)
	_, err = c.Open("", func(string) string { return "" })
	require.ErrorContains(t, err, "variable K")
	_, err = c.Open("", func(string) string { return "x" })
	require.NoError(t, err)
	_, err = Config{Folder: "missing"}.Open(t.TempDir(), nil)
	require.ErrorContains(t, err, "model.safetensors")
}
