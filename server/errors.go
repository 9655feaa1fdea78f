package server

import (
	"context"
	"errors"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"prediag"
)

// domain is the ErrorInfo domain of every error of this service.
const domain = "prediag"

// row is what an error of one kind becomes on the wire.
type row struct {
	kind   error
	code   codes.Code
	reason string        // where the error brings none of its own
	retry  time.Duration // where a retry helps and the error does not say when
}

// table turns kinds of errors into statuses. The first row that matches counts.
func table() []row {
	return []row{
		{prediag.ErrInvalid, codes.InvalidArgument, "INVALID_ARGUMENT", 0},
		{prediag.ErrTooLarge, codes.InvalidArgument, "TOO_LARGE", 0},
		{prediag.ErrNotFound, codes.NotFound, "NOT_FOUND", 0},
		{prediag.ErrReused, codes.FailedPrecondition, "REQUEST_ID_REUSED", 0},
		{prediag.ErrStale, codes.FailedPrecondition, "STALE", 0},
		{prediag.ErrConflict, codes.Aborted, "CONFLICT", 0},
		{prediag.ErrOverloaded, codes.ResourceExhausted, "OVERLOADED", time.Second},
		{prediag.ErrNotReady, codes.Unavailable, "NOT_READY", 2 * time.Second},
		{prediag.ErrLocked, codes.Unavailable, "LOCKED", 2 * time.Second},
		{prediag.ErrDamaged, codes.DataLoss, "DAMAGED", 0},
		{context.DeadlineExceeded, codes.DeadlineExceeded, "DEADLINE_EXCEEDED", 0},
		{context.Canceled, codes.Canceled, "CANCELED", 0},
	}
}

// unexpected is what an error of no known kind becomes: the caller gets no inner detail, the log has it.
var unexpected = row{code: codes.Internal, reason: "INTERNAL"}

func rowOf(err error) row {
	for _, r := range table() {
		if errors.Is(err, r.kind) {
			return r
		}
	}
	return unexpected
}

// described is an error with the row and the details that it gets on the wire.
type described struct {
	row
	field, message string
}

func describe(err error) described {
	d := described{row: rowOf(err), message: err.Error()}
	var e *prediag.Error
	if errors.As(err, &e) {
		d.field = e.Field
		if e.Reason != "" {
			d.reason = e.Reason
		}
		if e.RetryAfter > 0 {
			d.retry = e.RetryAfter
		}
	}
	if d.code == codes.Internal {
		d.message = "internal error: the service's log has the cause"
	}
	return d
}

// statusOf turns an error into a gRPC status with ErrorInfo, BadRequest where a field is at fault, and RetryInfo where
// a retry helps.
func statusOf(err error) *status.Status {
	d := describe(err)
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: d.reason, Domain: domain}}
	if d.field != "" {
		details = append(details, &errdetails.BadRequest{
			FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: d.field, Description: d.message, Reason: d.reason}},
		})
	}
	if d.retry > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(d.retry)})
	}
	s, detailErr := status.New(d.code, d.message).WithDetails(details...)
	if detailErr != nil { // only an OK status refuses details
		return status.New(d.code, d.message)
	}
	return s
}
