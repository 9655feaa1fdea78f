package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// site is a server whose answers a test sets, and which writes down what it was asked.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	on    map[string]http.HandlerFunc // by path
	asked []string                    // path?query
	waits []time.Duration             // that its clients asked their clock for
	now   time.Time
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{on: map[string]http.HandlerFunc{}, now: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.URL.RequestURI())
		h := s.on[r.URL.Path]
		s.mu.Unlock()
		if h == nil {
			http.NotFound(w, r)
			return
		}
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// says answers a path with a body.
func (s *site) says(path, kind, body string) {
	s.handle(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body)
	})
}

func (s *site) handle(path string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on[path] = h
}

// questions returns what was asked since the last call.
func (s *site) questions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.asked
	s.asked = nil
	return out
}

// setup is a Setup with the site's clock, on which waiting takes no time.
func (s *site) setup() Setup {
	return Setup{Now: func() time.Time { return s.now }, Getenv: func(name string) string { return map[string]string{"TOKEN": "t0ken"}[name] },
		Sleep: func(ctx context.Context, d time.Duration) error {
			s.waits = append(s.waits, d)
			s.now = s.now.Add(d)
			return ctx.Err()
		}}
}

// open opens a source of the site.
func (s *site) open(t *testing.T, c SourceConfig) Source {
	t.Helper()
	c.Name, c.AllowPrivate = "s", true
	if !strings.HasPrefix(c.Location, "http") {
		c.Location = s.URL + c.Location
	}
	src, err := c.Open(s.setup())
	require.NoError(t, err)
	return src
}

func (s *site) client(t *testing.T, c SourceConfig) *client {
	t.Helper()
	c.Name, c.AllowPrivate, c.Location = "s", true, firstOf(c.Location, s.URL)
	setup := s.setup()
	setup.setDefaults()
	cl, err := newClient(c, setup)
	require.NoError(t, err)
	cl.begin()
	return cl
}

func gzipped(s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.Bytes()
}

// Answers that a server may give.

func status(code int, retryAfter string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(code)
	}
}

func packed(raw []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(raw)
	}
}

func redirectTo(where string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, where, http.StatusFound) }
}

func cutAnswer(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, "half")
	panic(http.ErrAbortHandler)
}

func endlessAnswer(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			return
		}
	}
}

func dropped(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func TestClient(t *testing.T) {
	s := newSite(t)
	var n atomic.Int32 // questions so far
	failing := func(times int, fail http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if int(n.Add(1)) <= times {
				fail(w, r)
				return
			}
			_, _ = io.WriteString(w, "ok")
		}
	}
	s.says("/target", "text/plain", "ok")
	for name, c := range map[string]struct {
		h     http.HandlerFunc
		fault string
		tries int
		waits []time.Duration // nil: not looked at
	}{
		"fine":                {failing(0, nil), "", 1, []time.Duration{}},
		"429 with seconds":    {failing(2, status(429, "7")), "", 3, []time.Duration{7 * time.Second, 7 * time.Second}},
		"503 with a date":     {failing(1, status(503, "Mon, 01 Jun 2026 12:01:00 GMT")), "", 2, nil},
		"429 for too long":    {failing(9, status(429, "100000")), "429 Too Many Requests: ask it less often, with a longer schedule or limits.delay (given up after 1 tries)", 1, []time.Duration{}},
		"500":                 {failing(3, status(500, "")), "", 4, nil},
		"500 for ever":        {failing(99, status(500, "")), "(given up after 5 tries)", 5, nil},
		"501":                 {failing(9, status(501, "")), "501 Not Implemented", 1, nil},
		"401":                 {failing(9, status(401, "")), "401 Unauthorized: check the credentials that auth names", 1, nil},
		"403":                 {failing(9, status(403, "")), "not allowed to read this", 1, nil},
		"404":                 {failing(9, status(404, "")), "404 Not Found: check location", 1, nil},
		"204":                 {failing(9, status(204, "")), "204 No Content", 1, nil},
		"cut":                 {failing(1, cutAnswer), "", 2, nil},
		"cut for ever":        {failing(9, cutAnswer), "EOF", 5, nil},
		"endless":             {failing(9, endlessAnswer), "longer than limits.response_bytes", 1, nil},
		"packed":              {packed(gzipped("ok")), "", 1, nil},
		"bomb":                {packed(gzipped(strings.Repeat(" ", 8<<20))), "more than a hundred times", 1, nil},
		"no gzip":             {packed([]byte("plain text of some length")), "gzip", 5, nil},
		"redirect":            {redirectTo("/target"), "", 1, nil},
		"redirect elsewhere":  {redirectTo("https://other.example/x"), "redirected to another host", 1, nil},
		"redirect other port": {redirectTo("http://127.0.0.1:1/x"), "redirected to another host", 1, nil},
		"redirect in circles": {redirectTo("/x"), "too many redirects; set location to where they end", 1, nil},
		"slow":                {failing(1, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), "", 2, nil},
		"slow for ever":       {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "raise limits.timeout", 5, nil},
		"dropped":             {failing(1, dropped), "", 2, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s.questions()
			s.waits = []time.Duration{}
			n.Store(0)
			s.handle("/x", c.h)
			cl := s.client(t, SourceConfig{Limits: Limits{Timeout: 300 * time.Millisecond, ResponseBytes: 6 << 20}})
			if name == "endless" {
				cl.limits.Timeout = 20 * time.Second
			}
			u, err := cl.within("/x?token=secret")
			require.NoError(t, err)
			r, err := cl.get(t.Context(), u, nil, 0)
			tries := 0
			for _, q := range s.questions() {
				if strings.HasPrefix(q, "/x?token") {
					tries++
				}
			}
			require.Equal(t, c.tries, tries)
			if c.waits != nil {
				require.Equal(t, c.waits, s.waits)
			}
			if c.fault == "" {
				require.NoError(t, err)
				require.Equal(t, "ok", string(r.body))
				return
			}
			require.ErrorContains(t, err, c.fault)
			require.ErrorIs(t, err, ErrUnavailable)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

// TestClientSaysWhatToDo asks servers that cannot be reached or trusted: the error has the remedy, and what cannot get better is asked once.
func TestClientSaysWhatToDo(t *testing.T) {
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(secure.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	for name, c := range map[string]struct {
		location, remedy string
		waits            int
	}{
		"self-signed": {secure.URL, "SSL_CERT_FILE", 0},
		"gone":        {gone.URL, "whether the server runs", 1},
		"no TLS":      {strings.Replace(plain.URL, "http:", "https:", 1), "is location an address with TLS?", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			cl := s.client(t, SourceConfig{Location: c.location, Limits: Limits{Retries: 1}})
			_, err := cl.get(t.Context(), cl.base, nil, 0)
			require.ErrorContains(t, err, c.remedy)
			require.ErrorIs(t, err, ErrUnavailable)
			require.Len(t, s.waits, c.waits)
		})
	}
}

func TestClientHasABudgetForWaiting(t *testing.T) {
	s := newSite(t)
	s.handle("/x", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "40")
		w.WriteHeader(429)
	})
	cl := s.client(t, SourceConfig{Limits: Limits{RetryBudget: time.Minute}})
	u, _ := cl.within("/x")
	_, err := cl.get(t.Context(), u, nil, 0)
	require.ErrorContains(t, err, "given up after 2 tries")
	require.Equal(t, []time.Duration{40 * time.Second}, s.waits)
	_, err = cl.get(t.Context(), u, nil, 0)
	require.ErrorContains(t, err, "given up after 1 tries", "the budget is the walk's, not the request's")
	cl.limits.Delay = time.Second
	_, _ = cl.get(t.Context(), u, nil, 0)
	require.Equal(t, 2, len(s.waits), "requests keep their distance")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = cl.get(ctx, u, nil, 0)
	require.ErrorIs(t, err, context.Canceled)
}

func TestClientSendsCredentials(t *testing.T) {
	s := newSite(t)
	var got http.Header
	s.handle("/", func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	file := write(t, t.TempDir(), "secret", "f1le\n")
	for name, c := range map[string]struct {
		auth          Auth
		header, value string
	}{
		"bearer": {Auth{SecretEnv: "TOKEN"}, "Authorization", "Bearer t0ken"},
		"basic":  {Auth{User: "me/token", SecretFile: file}, "Authorization", "Basic bWUvdG9rZW46ZjFsZQ=="},
		"header": {Auth{Header: "X-Api-Key", SecretEnv: "TOKEN"}, "X-Api-Key", "t0ken"},
		"none":   {Auth{}, "Authorization", ""},
	} {
		t.Run(name, func(t *testing.T) {
			cl := s.client(t, SourceConfig{Auth: c.auth, Location: s.URL + "/"})
			_, err := cl.get(t.Context(), cl.base, nil, 0)
			require.NoError(t, err)
			require.Equal(t, c.value, got.Get(c.header))
		})
	}
	for _, a := range []Auth{{SecretEnv: "UNSET"}, {SecretFile: "/nowhere"}} {
		cl := s.client(t, SourceConfig{Auth: a})
		_, err := cl.get(t.Context(), cl.base, nil, 0)
		require.ErrorIs(t, err, ErrUnavailable)
		require.ErrorContains(t, err, "auth.secret_")
	}
}

func TestClientRefusesPrivateAddresses(t *testing.T) {
	s := newSite(t)
	s.says("/", "text/plain", "secret of the internal network")
	setup := s.setup()
	setup.setDefaults()
	cl, err := newClient(SourceConfig{Name: "s", Location: s.URL}, setup)
	require.NoError(t, err)
	cl.begin()
	_, err = cl.get(t.Context(), cl.base, nil, 0)
	require.ErrorIs(t, err, errPrivate)
	require.Empty(t, s.questions(), "nothing was asked, not even once")
	for _, a := range []string{"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1",
		"::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "::", "ff02::1", "2002:a00:1::"} {
		require.False(t, isPublic(netip.MustParseAddr(a)), a)
	}
	for _, a := range []string{"8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"} {
		require.True(t, isPublic(netip.MustParseAddr(a)), a)
	}
	for location, fault := range map[string]string{
		"ftp://x.example":           "no http or https URL",
		"https://u:p@x.example":     "under auth instead",
		"docs/":                     "no http or https URL",
		"http://x.example/plaintxt": "not sent without TLS",
	} {
		_, err := newClient(SourceConfig{Location: location, Auth: Auth{SecretEnv: "TOKEN"}}, setup)
		require.ErrorContains(t, err, fault)
	}
}

func TestWithinTheHost(t *testing.T) {
	s := newSite(t)
	cl := s.client(t, SourceConfig{Location: "https://x.example/a"})
	for in, want := range map[string]string{"/b?c": "https://x.example/b?c", "https://x.example/d": "https://x.example/d", "http://x.example/d": "https://x.example/d"} {
		u, err := cl.within(in)
		require.NoError(t, err)
		require.Equal(t, want, u.String())
	}
	for _, in := range []string{"https://y.example/b", "//y.example/b", "https://x.example:8443/", "file:///etc/passwd", "http://[::1", "javascript:x"} {
		_, err := cl.within(in)
		require.ErrorIs(t, err, ErrUnavailable, in)
	}
}

func TestJSONReplies(t *testing.T) {
	s := newSite(t)
	cl := s.client(t, SourceConfig{})
	for name, c := range map[string]struct{ kind, body, fault string }{
		"fine":    {"application/json", `{"a":1}`, ""},
		"no type": {"", `{"a":1}`, ""},
		"a page":  {"text/html; charset=utf-8", `<html>Log in</html>`, "in place of JSON"},
		"cut":     {"application/json", `{"a":`, "cannot be read"},
		"empty":   {"application/json", ``, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			s.says("/x", c.kind, c.body)
			u, _ := cl.within("/x")
			var v map[string]any
			err := cl.getJSON(t.Context(), u, &v)
			if c.fault == "" {
				require.NoError(t, err)
				require.Equal(t, "1", fmt.Sprint(v["a"]))
				return
			}
			require.ErrorContains(t, err, c.fault)
			require.ErrorIs(t, err, ErrUnavailable)
		})
	}
	var f follower
	require.NoError(t, f.next("a"))
	require.NoError(t, f.next("b"))
	require.ErrorContains(t, f.next("a"), "in a circle")
	require.Equal(t, time.Duration(0), retryable(errors.New("x")))
}

// refresher refreshes an index from one source with a ledger.
func refresher(t *testing.T, src Source) (*memory, func() SourceReport) {
	t.Helper()
	index, ledger := newMemory(), FileLedger{Dir: t.TempDir()}
	return index, func() SourceReport {
		t.Helper()
		rep, err := New(index, Options{Ledger: ledger}).Refresh(t.Context(), []Source{src})
		if err != nil {
			require.ErrorIs(t, err, ErrUnavailable)
		}
		return rep.Sources[0]
	}
}

// sleepNot is a clock on which waiting takes no time.
func sleepNot(ctx context.Context, _ time.Duration) error { return ctx.Err() }
