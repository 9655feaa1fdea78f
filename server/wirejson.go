package server

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/proto"
)

// wireJSON is the JSON of the API: the protobuf mapping, stricter and steadier than the gateway's own. A body is one
// value with nothing behind it, and equal replies are equal bytes, whatever the build.
type wireJSON struct{ runtime.JSONPb }

// Marshal writes v without the white space that protojson varies from build to build.
func (j *wireJSON) Marshal(v any) ([]byte, error) {
	raw, err := j.JSONPb.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Compact(&out, raw); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// NewDecoder reads the whole body; an empty one is io.EOF, which the gateway takes for an empty message.
func (j *wireJSON) NewDecoder(r io.Reader) runtime.Decoder {
	return runtime.DecoderFunc(func(v any) error {
		raw, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(raw)) == 0 {
			return io.EOF
		}
		m, ok := v.(proto.Message)
		if !ok {
			return json.Unmarshal(raw, v)
		}
		var sound json.RawMessage // protojson passes over unknown fields without a close look
		if err := json.Unmarshal(raw, &sound); err != nil {
			return err
		}
		return j.UnmarshalOptions.Unmarshal(raw, m)
	})
}
