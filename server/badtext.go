package server

import (
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxDepth is how deep badText looks into a message; the deepest request of the API has four levels.
const maxDepth = 8

// badText returns the path of the first string field in a message's encoding that is not UTF-8, e.g. "tickets[3].body";
// empty when there is none, or when the encoding itself is broken before it. The protobuf decoder does not say which
// field it fails on.
func badText(of protoreflect.MessageDescriptor, raw []byte) string {
	path, _ := badTextWithin(of, raw, 0)
	return path
}

// badTextWithin also returns whether the encoding is sound.
func badTextWithin(of protoreflect.MessageDescriptor, raw []byte, depth int) (string, bool) {
	seen := make(map[protowire.Number]int)
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return "", false
		}
		size := protowire.ConsumeFieldValue(number, kind, raw[n:])
		if size < 0 {
			return "", false
		}
		value := raw[n : n+size]
		raw = raw[n+size:]
		field := of.Fields().ByNumber(number)
		if field == nil || kind != protowire.BytesType {
			continue
		}
		text, _ := protowire.ConsumeBytes(value)
		path, sound := badTextOf(field, text, seen[number], depth)
		if path != "" || !sound {
			return path, sound
		}
		seen[number]++
	}
	return "", true
}

// badTextOf looks at one value of a field, the i-th where the field is a list.
func badTextOf(field protoreflect.FieldDescriptor, value []byte, i, depth int) (string, bool) {
	name := string(field.Name())
	if field.IsList() {
		name = fmt.Sprintf("%s[%d]", name, i)
	}
	switch {
	case field.Kind() == protoreflect.StringKind && !utf8.Valid(value):
		return name, true
	case field.Kind() != protoreflect.MessageKind || depth == maxDepth:
		return "", true
	}
	path, sound := badTextWithin(field.Message(), value, depth+1)
	switch {
	case path == "":
		return "", sound
	case field.IsMap(): // the entry is a message of its own, which callers know nothing of
		return name, true
	}
	return name + "." + path, true
}
