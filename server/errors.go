package server

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	rpccode "google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"prediag"
)

// domain is the ErrorInfo domain of every error of this service.
const domain = "prediag"

// kindKey is the ErrorInfo metadata key of the reason of the error's kind: what a caller that does not know the reason
// itself can act on.
const kindKey = "kind"

// row is what an error of one kind becomes on the wire.
type row struct {
	kind    error
	code    codes.Code
	reason  string        // where the error brings none of its own
	retry   time.Duration // where a retry helps and the error does not say when
	message string        // where the fault is not the caller's: stands in for causes that are the operator's business
}

// table turns kinds of errors into statuses. The first row that matches counts.
func table() []row {
	return []row{
		{kind: prediag.ErrInvalid, code: codes.InvalidArgument, reason: "INVALID_ARGUMENT"},
		{kind: prediag.ErrTooLarge, code: codes.InvalidArgument, reason: "TOO_LARGE"},
		{kind: prediag.ErrNotFound, code: codes.NotFound, reason: "NOT_FOUND"},
		{kind: prediag.ErrReused, code: codes.FailedPrecondition, reason: "REQUEST_ID_REUSED"},
		{kind: prediag.ErrStale, code: codes.FailedPrecondition, reason: "STALE"},
		{kind: prediag.ErrConflict, code: codes.Aborted, reason: "CONFLICT"},
		{prediag.ErrOverloaded, codes.ResourceExhausted, "OVERLOADED", time.Second, "the service is overloaded: try again later"},
		{prediag.ErrNotReady, codes.Unavailable, "NOT_READY", 2 * time.Second, "the service cannot answer yet: try again later"},
		{prediag.ErrLocked, codes.Unavailable, "LOCKED", 2 * time.Second, "another process holds what the call needs: try again later"},
		{prediag.ErrDamaged, codes.DataLoss, "DAMAGED", 0, "a file of the service is damaged: the service's log says which"},
		{context.DeadlineExceeded, codes.DeadlineExceeded, "DEADLINE_EXCEEDED", 0, "the call ran out of time: allow it more, or ask for less"},
		{context.Canceled, codes.Canceled, "CANCELED", 0, "the caller gave the call up"},
	}
}

// unexpected is what an error of no known kind becomes: the caller gets no inner detail, the log has it.
func unexpected() row {
	return row{code: codes.Internal, reason: "INTERNAL", message: "internal error: the service's log has the cause"}
}

func rowOf(err error) row {
	for _, r := range table() {
		if errors.Is(err, r.kind) {
			return r
		}
	}
	return unexpected()
}

// described is an error with the row and the details that it gets on the wire.
type described struct {
	row
	group          string // the row's own reason
	field, message string
}

func describe(err error) described {
	d := describeFully(err)
	d.message, d.field = shown(d.message, maxShown), shown(wireField(d.field), maxShownField)
	return d
}

// wireField is the name that a field of a part's argument has in the requests.
func wireField(field string) string {
	switch field {
	case "case_id":
		return "id"
	case "after":
		return "page_token"
	case "resolution.article":
		return "resolution.article_id"
	case "query.text", "prefix":
		return "query"
	}
	return field
}

// Limits of what an error says, bytes: it may quote input of any length, and travels in headers.
const (
	maxShown      = 1000
	maxShownField = 200
)

// shown is a text of at most limit bytes that is UTF-8, as every text on the wire must be.
func shown(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit-len("…")]
		for range utf8.UTFMax { // not within a character
			if r, n := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || n != 1 {
				break
			}
			s = s[:len(s)-1]
		}
		s += "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func describeFully(err error) described {
	r := rowOf(err)
	d := described{row: r, group: r.reason, message: err.Error()}
	if r.message != "" {
		d.message = r.message
	}
	var e *prediag.Error
	if !errors.As(err, &e) {
		return d
	}
	d.field = e.Field
	if e.Reason != "" {
		d.reason = e.Reason
	}
	if e.RetryAfter > 0 {
		d.retry = e.RetryAfter
	}
	if r.message != "" && !d.operators() {
		d.message = e.Message // without the cause
	}
	return d
}

// operators reports whether the fault is one for the operator, who reads the log: messages name files and may not
// reach callers.
func (d described) operators() bool { return d.code == codes.Internal || d.code == codes.DataLoss }

// statusOf turns an error into a gRPC status with ErrorInfo, BadRequest where a field is at fault, and RetryInfo where
// a retry helps.
func statusOf(err error) *status.Status {
	d := describe(err)
	var more []protoadapt.MessageV1
	if d.field != "" {
		more = append(more, &errdetails.BadRequest{
			FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: d.field, Description: d.message, Reason: d.reason}},
		})
	}
	if d.retry > 0 {
		more = append(more, &errdetails.RetryInfo{RetryDelay: durationpb.New(d.retry)})
	}
	info := &errdetails.ErrorInfo{Reason: d.reason, Domain: domain, Metadata: map[string]string{kindKey: d.group}}
	return withDetails(d.code, d.message, info, more...)
}

// completed is the status of an error that may be a status already, made by gRPC or by a service that is not ours: it
// keeps its code and gets the ErrorInfo that it lacks.
func completed(err error) *status.Status {
	st, is := status.FromError(err)
	switch {
	case !is:
		return statusOf(err)
	case reasonOf(st) != "":
		return st
	}
	return withInfo(st.Code(), rowOfCode(st.Code()).reason, st.Message())
}

// rowOfCode is the first row with a code; where there is none, one whose reason is the code's name.
func rowOfCode(code codes.Code) row {
	for _, r := range table() {
		if r.code == code {
			return r
		}
	}
	return row{code: code, reason: cmp.Or(rpccode.Code_name[int32(code)], "UNKNOWN")}
}

// withInfo is a status of no kind of ours.
func withInfo(code codes.Code, reason, message string) *status.Status {
	return withDetails(code, shown(message, maxShown), &errdetails.ErrorInfo{Reason: reason, Domain: domain})
}

func withDetails(code codes.Code, message string, info *errdetails.ErrorInfo, more ...protoadapt.MessageV1) *status.Status {
	st, err := status.New(code, message).WithDetails(append([]protoadapt.MessageV1{info}, more...)...)
	if err != nil { // only an OK status refuses details
		return status.New(code, message)
	}
	return st
}

// detail returns the first detail of type T.
func detail[T any](st *status.Status) (T, bool) {
	for _, d := range st.Details() {
		if t, ok := d.(T); ok {
			return t, true
		}
	}
	var none T
	return none, false
}

// reasonOf is the reason of a status; empty where it has none.
func reasonOf(st *status.Status) string {
	info, _ := detail[*errdetails.ErrorInfo](st)
	return info.GetReason()
}

// retryOf is the delay after which a retry may help; 0 where the status names none.
func retryOf(st *status.Status) time.Duration {
	info, _ := detail[*errdetails.RetryInfo](st)
	return info.GetRetryDelay().AsDuration()
}
