package server

import (
	"errors"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"prediag"
)

// runtimeStatus is the status of an error that reached the JSON gateway, with details in any case.
func runtimeStatus(err error) *status.Status {
	var routed *runtime.HTTPStatusError
	if errors.As(err, &routed) {
		err = routed.Err
	}
	st := status.Convert(err)
	if len(st.Details()) > 0 {
		return st
	}
	switch st.Code() {
	case codes.InvalidArgument:
		return statusOf(prediag.Invalid("INVALID_JSON", "", st.Message()))
	case codes.NotFound, codes.Unimplemented:
		if routed != nil && routed.HTTPStatus == http.StatusMethodNotAllowed {
			return withInfo(codes.Unimplemented, "METHOD_NOT_ALLOWED", "this path takes another HTTP method")
		}
		return withInfo(codes.NotFound, "NO_SUCH_PATH", "nothing stands at this path: GET / lists what does")
	case codes.Unavailable:
		return statusOf(&prediag.Error{Kind: prediag.ErrNotReady, Message: "the service is stopping or not up yet", RetryAfter: time.Second})
	}
	return withInfo(st.Code(), "UNKNOWN", st.Message())
}

func withInfo(code codes.Code, reason, message string) *status.Status {
	st, err := status.New(code, message).WithDetails(&errdetails.ErrorInfo{Reason: reason, Domain: domain})
	if err != nil { // only an OK status refuses details
		return status.New(code, message)
	}
	return st
}

func reasonOf(st *status.Status) string {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

func retryOf(st *status.Status) time.Duration {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration()
		}
	}
	return 0
}
