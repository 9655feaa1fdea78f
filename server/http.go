package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

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

// httpHandler serves the API as JSON, the probes and the metrics. JSON calls go through the gRPC server over a
// connection in memory, so that they meet the same interceptors. The returned function ends that connection.
func (s *Server) httpHandler() (http.Handler, func(), error) {
	pipe := bufconn.Listen(1 << 20)
	go func() { _ = s.grpc.Serve(pipe) }() // ends with the gRPC server, which says why
	conn, err := grpc.NewClient("passthrough:///in-memory",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return pipe.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxReply)),
	)
	if err != nil {
		return nil, nil, fmt.Errorf("connect the json gateway: %w", err)
	}
	gateway := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.JSONPb{
			MarshalOptions:   protojson.MarshalOptions{EmitUnpopulated: true},
			UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: true},
		}),
		runtime.WithErrorHandler(writeError),
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
	return s.routes(gateway), func() { _ = conn.Close() }, nil
}

func (s *Server) routes(gateway http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v1/", limited(gateway))
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if why := s.parts.Status().NotReady; why != "" {
			http.Error(w, "not ready: "+why, http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ready")
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "prediag\n\nGET  /v1/search?query=...\nPOST /v1/triage\nGET  /v1/cases\nGET  /v1/status\nGET  /readyz\nGET  /metrics\n")
	})
	return mux
}

// limited refuses bodies over the limit by their declared length where there is one, and while reading otherwise.
func limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > maxMessage {
			err := statusOf(bodyTooLarge())
			writeError(r.Context(), nil, &runtime.JSONPb{}, w, r, err.Err())
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxMessage)
		next.ServeHTTP(w, r)
	})
}

func bodyTooLarge() error {
	return &prediag.Error{
		Kind: prediag.ErrTooLarge, Reason: "REQUEST_TOO_LARGE",
		Message: fmt.Sprintf("the request has more than %d bytes: send fewer or shorter tickets", maxMessage),
	}
}

// writeError gives errors that the gateway itself finds (no JSON, a wrong type) the same details as all others.
func writeError(ctx context.Context, mux *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	st := runtimeStatus(err)
	if len(st.Details()) == 0 && strings.Contains(st.Message(), "http: request body too large") {
		st = statusOf(bodyTooLarge())
	}
	body, marshalErr := m.Marshal(st.Proto())
	if marshalErr != nil {
		http.Error(w, st.Message(), http.StatusInternalServerError)
		return
	}
	code := runtime.HTTPStatusFromCode(st.Code())
	if reasonOf(st) == "REQUEST_TOO_LARGE" {
		code = http.StatusRequestEntityTooLarge
	}
	if d := retryOf(st); d > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int(d.Seconds()+0.999)))
	}
	w.Header().Set("Content-Type", m.ContentType(nil))
	w.WriteHeader(code)
	_, _ = w.Write(body)
}
