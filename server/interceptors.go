package server

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

// reply is what a caller's deadline is shortened by, so that there is time to say what was late.
const reply = 20 * time.Millisecond

// observe is outermost: it turns errors into statuses, counts and logs every call.
func (s *Server) observe(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	start := s.opt.Now()
	resp, err := next(ctx, req)
	code := codes.OK
	if err != nil {
		cause := err
		if _, is := status.FromError(err); !is {
			err = statusOf(err).Err()
		}
		code = status.Code(err)
		if code == codes.Internal || code == codes.DataLoss {
			s.opt.Logger.Error("call failed", "method", info.FullMethod, "error", cause)
		}
	}
	s.metrics.call(info.FullMethod, code, s.opt.Now().Sub(start))
	return resp, err
}

// recovered keeps the process alive when a handler panics.
func (s *Server) recovered(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.metrics.panics.Inc()
			s.opt.Logger.Error("handler panicked", "method", info.FullMethod, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic in %s", info.FullMethod)
		}
	}()
	return next(ctx, req)
}

// admit refuses calls beyond the limit at once, rather than let them wait until they are late.
func (s *Server) admit() grpc.UnaryServerInterceptor {
	slots := make(chan struct{}, s.opt.MaxInFlight)
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
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

// deadline gives every call one: the caller's less the time for a reply, at most the server's own.
func (s *Server) deadline(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	limit := s.opt.Timeout
	if info.FullMethod == pb.TriageService_BatchTriage_FullMethodName {
		limit = s.opt.BatchTime
	}
	if at, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(at)-reply)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return next(ctx, req)
}
