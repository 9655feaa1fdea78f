package server

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	protobuf "google.golang.org/protobuf/proto"

	"prediag"
)

// undecodable is the number of the unknown field by which lenientCodec tells refuseUndecodable what was wrong: the
// field at fault, then the cause. It is the largest that a message can have, and no message of the API uses it.
const undecodable = protowire.MaxValidNumber

// lenientCodec is gRPC's protobuf codec, except that a request that cannot be decoded is handed on with the reason in
// place of its content. By itself gRPC answers such a request before any interceptor runs, with Internal and without
// ErrorInfo, although the fault is the caller's: text that is not UTF-8, most often.
type lenientCodec struct{}

func inner() encoding.CodecV2 { return encoding.GetCodecV2(proto.Name) }

// Name is the name of the codec that it stands in for.
func (lenientCodec) Name() string { return proto.Name }

// Marshal encodes as gRPC's codec does.
func (lenientCodec) Marshal(v any) (mem.BufferSlice, error) { return inner().Marshal(v) }

// Unmarshal decodes as gRPC's codec does, and puts the reason of a failure into v.
func (lenientCodec) Unmarshal(data mem.BufferSlice, v any) error {
	err := inner().Unmarshal(data, v)
	m, ok := v.(protobuf.Message)
	if err == nil || !ok {
		return err
	}
	protobuf.Reset(m)
	note := protowire.AppendTag(nil, undecodable, protowire.BytesType)
	note = protowire.AppendString(note, badText(m.ProtoReflect().Descriptor(), data.Materialize()))
	note = protowire.AppendTag(note, undecodable, protowire.BytesType)
	note = protowire.AppendString(note, err.Error())
	m.ProtoReflect().SetUnknown(note)
	return nil
}

// refuseUndecodable answers requests that lenientCodec could not decode.
func refuseUndecodable(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	m, ok := req.(protobuf.Message)
	if !ok {
		return next(ctx, req)
	}
	field, rest, ok := consumeNote(m.ProtoReflect().GetUnknown())
	if !ok {
		return next(ctx, req)
	}
	if field != "" {
		return nil, prediag.Invalid("NOT_UTF8", field, field+" is not valid UTF-8: convert the text first")
	}
	cause, _, _ := consumeNote(rest)
	return nil, prediag.Invalid("UNDECODABLE_REQUEST", "", fmt.Sprintf("the request cannot be decoded (%s): send protobuf of this API", cause))
}

// consumeNote reads one text of what lenientCodec wrote, and returns what follows.
func consumeNote(raw []byte) (text string, rest []byte, ok bool) {
	number, kind, n := protowire.ConsumeTag(raw)
	if n < 0 || number != undecodable || kind != protowire.BytesType {
		return "", nil, false
	}
	text, m := protowire.ConsumeString(raw[n:])
	if m < 0 {
		return "", nil, false
	}
	return text, raw[n+m:], true
}
