package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"prediag"
)

// writeError answers with a status as JSON. Errors that the gateway itself finds (no JSON, a wrong type, no such path)
// get the same details as all others.
func writeError(_ context.Context, _ *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	st := gatewayStatus(r, err)
	body, marshalErr := m.Marshal(st.Proto())
	if marshalErr != nil {
		http.Error(w, st.Message(), http.StatusInternalServerError)
		return
	}
	if d := retryOf(st); d > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int(d.Seconds()+0.999)))
	}
	w.Header().Set("Content-Type", m.ContentType(nil))
	w.WriteHeader(httpCode(st))
	_, _ = w.Write(body)
}

// writeRoutingError answers a request that no route takes.
func writeRoutingError(ctx context.Context, mux *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, code int) {
	st := withInfo(codes.NotFound, "NO_SUCH_PATH", "nothing stands at this path: GET / lists what does")
	if code == http.StatusMethodNotAllowed {
		st = withInfo(codes.Unimplemented, "METHOD_NOT_ALLOWED", "this path takes another HTTP method: GET / lists what does")
	}
	writeError(ctx, mux, m, w, r, st.Err())
}

// httpCode is the HTTP status of a gRPC status, which is less exact.
func httpCode(st *status.Status) int {
	switch reasonOf(st) {
	case "REQUEST_TOO_LARGE":
		return http.StatusRequestEntityTooLarge
	case "METHOD_NOT_ALLOWED":
		return http.StatusMethodNotAllowed
	}
	return runtime.HTTPStatusFromCode(st.Code())
}

// gatewayStatus is the status of an error that reached the JSON gateway, with details in any case.
func gatewayStatus(r *http.Request, err error) *status.Status {
	var malformed *runtime.HTTPStatusError // a percent sign in the path that escapes nothing
	if errors.As(err, &malformed) {
		err = status.Error(codes.InvalidArgument, malformed.Error())
	}
	st := status.Convert(err)
	switch {
	case reasonOf(st) != "":
		return st
	case strings.Contains(st.Message(), (&http.MaxBytesError{}).Error()):
		return statusOf(bodyTooLarge())
	case st.Code() == codes.InvalidArgument:
		return statusOf(malformedRequest(r, st.Message()))
	case st.Code() == codes.Unavailable:
		return statusOf(&prediag.Error{Kind: prediag.ErrNotReady, Message: "the service is stopping: try again later", RetryAfter: time.Second})
	}
	return completed(st.Err())
}

func bodyTooLarge() error {
	return &prediag.Error{
		Kind: prediag.ErrTooLarge, Reason: "REQUEST_TOO_LARGE",
		Message: fmt.Sprintf("the request has more than %d bytes: send fewer or shorter tickets", maxMessage),
	}
}

// parameter finds the query parameter that the gateway's message is about.
func parameter() *regexp.Regexp { return regexp.MustCompile(`^parsing (?:field|list) "([a-z_]+)"`) }

// malformedRequest is the error of a body or of parameters that are not what the call takes.
func malformedRequest(r *http.Request, cause string) error {
	cause = strings.TrimPrefix(strings.ReplaceAll(cause, "\u00a0", " "), "proto: ") // protojson varies its spaces on purpose
	if r.Method == http.MethodGet {
		field := ""
		if m := parameter().FindStringSubmatch(cause); m != nil {
			field = m[1]
		}
		return prediag.Invalid("INVALID_PARAMETER", field, fmt.Sprintf("a parameter of the URL is malformed: %s", cause))
	}
	return prediag.Invalid("INVALID_JSON", "", fmt.Sprintf("the body is not the JSON that this call takes: %s", cause))
}
