package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/encoding/protojson"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

// maxReply is the largest answer that passes from gRPC to JSON, bytes.
const maxReply = 64 << 20

// maxHeader is the largest head of an HTTP request, bytes: room for the longest query that Search takes, in a script
// whose characters become twelve bytes in a URL.
const maxHeader = 128 << 10

// index is what GET / says.
const index = `prediag

POST /v1/triage             {"ticket": {"title": "...", "body": "..."}}
POST /v1/triage:batch       {"tickets": [...]}
GET  /v1/diagnoses/{id}
GET  /v1/search?query=...   POST /v1/search for long queries
GET  /v1/articles/{id}
GET  /v1/suggest?query=...
POST /v1/refresh            GET /v1/operations/{id}
GET  /v1/status
GET  /v1/cases              POST /v1/cases:claim, /v1/cases/{id}:claim, :release, :resolve
GET  /v1/cases/{id}         POST /v1/cases:addLabelChecks
GET  /v1/cases:similar?text=...  GET /v1/cases/{case_id}:similar
GET  /search                the page for people; /article?id=...
POST /mcp                   the search as tools of the Model Context Protocol; /staff/mcp with decided tickets
GET  /healthz, /readyz, /metrics
`

// httpHandler serves the API as JSON, the probes and the metrics. JSON calls go through a gRPC server of their own over
// a connection in memory, so that they meet the same interceptors. The returned function ends that connection.
func (s *Server) httpHandler() (http.Handler, func(), error) {
	pipe := bufconn.Listen(1 << 20)
	conn, err := grpc.NewClient("passthrough:///in-memory",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return pipe.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxReply)),
	)
	if err != nil {
		return nil, nil, fmt.Errorf("connect the json gateway: %w", err)
	}
	none := func(string) (string, bool) { return "", false }
	gateway := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, newWireJSON()),
		runtime.WithErrorHandler(writeError),
		runtime.WithRoutingErrorHandler(writeRoutingError),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithIncomingHeaderMatcher(none), // no handler reads any
		runtime.WithOutgoingHeaderMatcher(forwardedHeader),
		runtime.WithOutgoingTrailerMatcher(none),
	)
	ctx := context.Background()
	err = errors.Join(
		pb.RegisterTriageServiceHandler(ctx, gateway, conn),
		pb.RegisterKnowledgeServiceHandler(ctx, gateway, conn),
		pb.RegisterReviewServiceHandler(ctx, gateway, conn),
	)
	if err != nil {
		return nil, nil, fmt.Errorf("register the json gateway: %w", err)
	}
	go func() { _ = s.inner.Serve(pipe) }() // ends with the server
	return s.routes(gateway, pb.NewKnowledgeServiceClient(conn), pb.NewReviewServiceClient(conn)), func() { _ = conn.Close() }, nil
}

func (s *Server) routes(gateway http.Handler, knowledge pb.KnowledgeServiceClient, review pb.ReviewServiceClient) http.Handler {
	mux := http.NewServeMux()
	page, tools := &web{knowledge, s.opt.Now}, &toolServer{knowledge, nil}
	mux.HandleFunc("GET /search", page.search)
	mux.HandleFunc("GET /article", page.article)
	mux.Handle("/mcp", tools)
	mux.Handle("/staff/mcp", &toolServer{knowledge, review})
	mux.Handle("/v1/", guarded(gateway))
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if why := s.parts.Status().NotReady; why != "" {
			http.Error(w, "not ready: "+why, http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ready")
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept")
		if wantsPage(r) {
			http.Redirect(w, r, "/search", http.StatusSeeOther)
			return
		}
		_, _ = fmt.Fprint(w, index)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeRoutingError(r.Context(), nil, newWireJSON(), w, r, http.StatusNotFound)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff") // replies quote what strangers wrote
		mux.ServeHTTP(w, r)
	})
}

// guarded refuses URLs that are not UTF-8, which would fail inside the gateway, and bodies over the limit: by their
// declared length where there is one, and while reading otherwise.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := checkURL(r.URL)
		if err == nil && r.ContentLength > maxMessage {
			err = bodyTooLarge()
		}
		if err != nil {
			writeError(r.Context(), nil, newWireJSON(), w, r, statusOf(err).Err())
			return
		}
		r.Header.Del("Content-Type") // there is JSON only; the gateway would log what it cannot read
		r.Header.Del("Accept")
		r.Body = http.MaxBytesReader(w, r.Body, maxMessage)
		next.ServeHTTP(w, r)
	})
}

func checkURL(u *url.URL) error {
	if !utf8.ValidString(u.Path) {
		return prediag.Invalid("NOT_UTF8", "", "the path is not valid UTF-8: escape the bytes of UTF-8 text")
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return prediag.Invalid("INVALID_PARAMETER", "", fmt.Sprintf("the query of the URL is malformed (%v): escape percent signs and semicolons", err))
	}
	for name, texts := range values {
		if !utf8.ValidString(name) || slices.ContainsFunc(texts, func(t string) bool { return !utf8.ValidString(t) }) {
			return prediag.Invalid("NOT_UTF8", "", "a parameter of the URL is not valid UTF-8: escape the bytes of UTF-8 text")
		}
	}
	return nil
}

// forwardedHeader lets the service's own headers pass from gRPC to HTTP.
func forwardedHeader(name string) (string, bool) { return name, name == leftOutHeader }

func newWireJSON() *wireJSON {
	return &wireJSON{runtime.JSONPb{
		MarshalOptions:   protojson.MarshalOptions{EmitUnpopulated: true},
		UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: true},
	}}
}
