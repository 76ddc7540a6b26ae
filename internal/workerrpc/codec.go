package workerrpc

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tenon-ml/tenon/component"
)

const (
	// partLimit bounds the messages within one message. An empty one is two bytes on the wire and some hundred in memory.
	partLimit = 1 << 20
	// depthLimit bounds how deep messages nest: enough for a record in a report.
	depthLimit = nestingLimit + 8
)

// boundedCodec is the binary form of protobuf, for messages from anywhere: what it decodes takes memory in proportion to its bytes.
type boundedCodec struct{}

// Name implements [connect.Codec].
func (boundedCodec) Name() string { return "proto" }

// Marshal implements [connect.Codec].
func (boundedCodec) Marshal(message any) ([]byte, error) {
	m, err := protoMessage(message)
	if err != nil {
		return nil, err
	}
	return proto.Marshal(m)
}

// Unmarshal implements [connect.Codec].
func (boundedCodec) Unmarshal(data []byte, message any) error {
	m, err := protoMessage(message)
	if err != nil {
		return err
	}
	parts := partLimit
	if err := countParts(m.ProtoReflect().Descriptor(), data, &parts, 0); err != nil {
		return err
	}
	return proto.Unmarshal(data, m)
}

func protoMessage(message any) (proto.Message, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, component.Errorf(component.Invalid, "%T is no message of protobuf", message)
	}
	return m, nil
}

// countParts takes the messages within data from parts, and refuses data that has more.
func countParts(d protoreflect.MessageDescriptor, data []byte, parts *int, depth int) error {
	if depth > depthLimit {
		return component.Errorf(component.Invalid, "the message nests more than %d deep", depthLimit)
	}
	fields := d.Fields()
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return protowire.ParseError(n)
		}
		data = data[n:]
		if n = protowire.ConsumeFieldValue(number, kind, data); n < 0 {
			return protowire.ParseError(n)
		}
		field := fields.ByNumber(number)
		if kind == protowire.BytesType && field != nil && field.Message() != nil {
			if *parts--; *parts < 0 {
				return component.Errorf(component.Exhausted, "the message has more than %d parts", partLimit)
			}
			inner, _ := protowire.ConsumeBytes(data)
			if err := countParts(field.Message(), inner, parts, depth+1); err != nil {
				return err
			}
		}
		data = data[n:]
	}
	return nil
}
