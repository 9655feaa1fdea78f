package server

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

// Conversions come in pairs, xTo (to the wire) and xFrom (back); one undoes the other.

// mapped converts a list; an empty one becomes nil.
func mapped[A, B any](list []A, convert func(A) B) []B {
	if len(list) == 0 {
		return nil
	}
	out := make([]B, len(list))
	for i, a := range list {
		out[i] = convert(a)
	}
	return out
}

// enum pairs the values of a domain type with those of its wire type.
type enum[D ~string, W comparable] []struct {
	domain D
	wire   W
}

// to is the wire value; the zero value, UNSPECIFIED, for what is not listed.
func (e enum[D, W]) to(d D) W {
	for _, p := range e {
		if p.domain == d {
			return p.wire
		}
	}
	var zero W
	return zero
}

// from is the domain value, and whether there is one.
func (e enum[D, W]) from(w W) (D, bool) {
	for _, p := range e {
		if p.wire == w {
			return p.domain, true
		}
	}
	return "", false
}

func timeTo(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func timeFrom(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func countsTo(m map[string]int) map[string]uint32 {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]uint32, len(m))
	for k, v := range m {
		out[k] = uint32(v)
	}
	return out
}

func countsFrom(m map[string]uint32) map[string]int {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]int, len(m))
	for k, v := range m {
		out[k] = int(v)
	}
	return out
}

func spanTo(s prediag.Span) *pb.Span { return &pb.Span{Start: uint32(s.Start), End: uint32(s.End)} }

func spanFrom(s *pb.Span) prediag.Span {
	return prediag.Span{Start: int(s.GetStart()), End: int(s.GetEnd())}
}
