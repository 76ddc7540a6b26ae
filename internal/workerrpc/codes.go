package workerrpc

import (
	"errors"
	"slices"

	"connectrpc.com/connect"

	"github.com/tenon-ml/tenon/component"
)

// codes are the codes of the two sides. What has no partner, such as a panic, is Unknown.
var codes = [...]connect.Code{
	component.Unknown:            connect.CodeUnknown,
	component.NotFound:           connect.CodeNotFound,
	component.AlreadyExists:      connect.CodeAlreadyExists,
	component.Invalid:            connect.CodeInvalidArgument,
	component.Unauthenticated:    connect.CodeUnauthenticated,
	component.PermissionDenied:   connect.CodePermissionDenied,
	component.Unavailable:        connect.CodeUnavailable,
	component.Unsupported:        connect.CodeUnimplemented,
	component.FailedPrecondition: connect.CodeFailedPrecondition,
	component.Corrupt:            connect.CodeDataLoss,
	component.Canceled:           connect.CodeCanceled,
	component.DeadlineExceeded:   connect.CodeDeadlineExceeded,
	component.Exhausted:          connect.CodeResourceExhausted,
}

// toWire gives an error of a host the form in which it travels.
func toWire(err error) error {
	if err == nil {
		return nil
	}
	code := component.CodeOf(err)
	if int(code) >= len(codes) {
		code = component.Unknown
	}
	return connect.NewError(codes[code], err)
}

// fromWire is the error that a call ended with, with its code. What the other side said is told in its own words.
func fromWire(err error) error {
	var e *connect.Error
	if !errors.As(err, &e) {
		return err
	}
	code := component.Code(max(0, slices.Index(codes[:], e.Code())))
	if connect.IsWireError(e) {
		return component.Errorf(code, "%s", e.Message())
	}
	return component.Errorf(code, "%w", e.Unwrap())
}
