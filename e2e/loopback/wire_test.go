package loopback_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

// Every message is a BytesValue: a chunk of content, or a request or response as JSON.
type message = wrapperspb.BytesValue

const (
	service   = "tenon.loopback.ArtifactStore"
	chunkSize = 256 << 10
)

type request struct {
	Digest artifact.Digest `json:"digest,omitempty"`
	Limit  int             `json:"limit,omitempty"`
}

func encode(v any) *message {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs
	}
	return &message{Value: b}
}

func decode(m *message, v any) error {
	if err := json.Unmarshal(m.GetValue(), v); err != nil {
		return component.Errorf(component.Invalid, "malformed message: %w", err)
	}
	return nil
}

// toStatus puts an error's code into the details of a status.
func toStatus(err error) error {
	if err == nil {
		return nil
	}
	s, detailErr := status.New(codes.Unknown, err.Error()).WithDetails(wrapperspb.UInt32(uint32(component.CodeOf(err))))
	if detailErr != nil {
		return detailErr
	}
	return s.Err()
}

// fromStatus undoes toStatus. What gRPC says itself gets the nearest code. If the caller's context has ended, that is the
// reason.
func fromStatus(ctx context.Context, what string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	s, _ := status.FromError(err)
	for _, detail := range s.Details() {
		if code, ok := detail.(*wrapperspb.UInt32Value); ok && ctx.Err() == nil {
			return component.Errorf(component.Code(code.GetValue()), "%s", s.Message())
		}
	}
	code := map[codes.Code]component.Code{
		codes.Canceled: component.Canceled, codes.DeadlineExceeded: component.DeadlineExceeded,
		codes.Unavailable: component.Unavailable, codes.ResourceExhausted: component.Exhausted,
	}[s.Code()]
	switch {
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		code, err = component.DeadlineExceeded, ctx.Err()
	case ctx.Err() != nil:
		code, err = component.Canceled, ctx.Err()
	case code == component.DeadlineExceeded: // gRPC's timer fires a moment before the context's
		err = context.DeadlineExceeded
	}
	return component.Errorf(code, "%s: %w", what, err)
}

// storeServer is what the service needs of its implementation.
type storeServer interface {
	unary(ctx context.Context, method string, in request) (any, error)
	put(grpc.ServerStream) error
	open(grpc.ServerStream) error
}

func serviceDesc() *grpc.ServiceDesc {
	desc := &grpc.ServiceDesc{
		ServiceName: service,
		HandlerType: (*storeServer)(nil),
		Streams: []grpc.StreamDesc{
			{StreamName: "Put", ClientStreams: true, Handler: func(srv any, stream grpc.ServerStream) error {
				return toStatus(srv.(storeServer).put(stream))
			}},
			{StreamName: "Open", ServerStreams: true, Handler: func(srv any, stream grpc.ServerStream) error {
				return toStatus(srv.(storeServer).open(stream))
			}},
		},
	}
	for _, name := range []string{"Capabilities", "Stat", "Delete", "List"} {
		desc.Methods = append(desc.Methods, grpc.MethodDesc{MethodName: name, Handler: func(srv any, ctx context.Context,
			dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var m message
			var in request
			if err := dec(&m); err != nil {
				return nil, err
			}
			if err := decode(&m, &in); err != nil {
				return nil, toStatus(err)
			}
			out, err := srv.(storeServer).unary(ctx, name, in)
			if err != nil {
				return nil, toStatus(err)
			}
			return encode(out), nil
		}})
	}
	return desc
}
