package server

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

// reply is what a caller's deadline is shortened by, so that there is time to say what was late.
const reply = 20 * time.Millisecond

// reasonTrailer repeats the error's reason for callers whose language hides the details of a status.
const reasonTrailer = "prediag-reason"

// observe is outermost: it turns errors into statuses, counts every call and logs those that the operator must see.
func (s *Server) observe(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	start := s.opt.Now()
	resp, err := next(ctx, req)
	code := codes.OK
	if err != nil {
		st := completed(err)
		code = st.Code()
		s.logFailure(info.FullMethod, code, err)
		_ = grpc.SetTrailer(ctx, metadata.Pairs(reasonTrailer, reasonOf(st))) // fails only for a call that has ended
		err = st.Err()
	}
	s.metrics.call(info.FullMethod, code, s.opt.Now().Sub(start))
	return resp, err
}

// logFailure logs what is the service's own fault, with the cause that the caller does not get.
func (s *Server) logFailure(method string, code codes.Code, err error) {
	switch code {
	case codes.Internal, codes.Unknown, codes.DataLoss:
		s.opt.Logger.Error("call failed", "method", method, "error", err)
	case codes.Unavailable:
		s.opt.Logger.Warn("call failed", "method", method, "error", err)
	default: // the caller's fault, or load: the metrics count it
	}
}

// recovered keeps the process alive when a handler panics.
func (s *Server) recovered(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = s.panicked(info.FullMethod, p)
		}
	}()
	return next(ctx, req)
}

func (s *Server) panicked(method string, p any) error {
	s.metrics.panics.Inc()
	s.opt.Logger.Error("handler panicked", "method", method, "panic", p, "stack", string(debug.Stack()))
	return fmt.Errorf("panic in %s", method)
}

// admit refuses calls beyond the limit at once, rather than let them wait until they are late. Health checks are always
// let in: a service that is busy is not one to be restarted.
func (s *Server) admit() grpc.UnaryServerInterceptor {
	slots := make(chan struct{}, s.opt.MaxInFlight)
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		if !strings.HasPrefix(info.FullMethod, "/prediag.") {
			return next(ctx, req)
		}
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			return next(ctx, req)
		default:
			return nil, &prediag.Error{
				Kind: prediag.ErrOverloaded, Reason: "OVERLOADED",
				Message: fmt.Sprintf("%d calls are at work, which is the limit: try again later", s.opt.MaxInFlight),
			}
		}
	}
}

// deadline gives every call one: the caller's less the time for a reply, at most the server's own. What fails after it
// failed because of it, whatever the part says that was interrupted.
func (s *Server) deadline(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	limit := s.opt.Timeout
	if info.FullMethod == pb.TriageService_BatchTriage_FullMethodName {
		limit = s.opt.BatchTime
	}
	if at, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(at)-reply)
	}
	if limit <= 0 {
		return nil, context.DeadlineExceeded
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	resp, err := next(ctx, req)
	if err != nil && ctx.Err() != nil && rowOf(err).kind == nil {
		err = errors.Join(ctx.Err(), err)
	}
	return resp, err
}

// streamed ends streams when the service stops: health watches live until then, and a graceful stop waits for them.
func (s *Server) streamed(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	defer func() {
		if p := recover(); p != nil {
			err = completed(s.panicked(info.FullMethod, p)).Err()
		}
	}()
	return next(srv, endedStream{stream, ctx})
}

// endedStream is a stream with a context of its own.
type endedStream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context is the stream's context, which also ends when the service stops.
func (s endedStream) Context() context.Context { return s.ctx }

// unknownMethod answers calls of methods that no service has.
func unknownMethod(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	return withInfo(codes.Unimplemented, "METHOD_UNKNOWN",
		fmt.Sprintf("the service has no method %.200q: ask the reflection service which it has", method)).Err()
}
