package tenon

import (
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/pipeline"
)

// Errors to compare with errors.Is. They hold wherever the failure happened: in this process, in a plugin or behind a server.
var (
	ErrNotFound           = component.ErrNotFound
	ErrAlreadyExists      = component.ErrAlreadyExists
	ErrInvalid            = component.ErrInvalid
	ErrUnauthenticated    = component.ErrUnauthenticated
	ErrPermissionDenied   = component.ErrPermissionDenied
	ErrUnavailable        = component.ErrUnavailable
	ErrUnsupported        = component.ErrUnsupported
	ErrFailedPrecondition = component.ErrFailedPrecondition
	ErrCorrupt            = component.ErrCorrupt
	ErrCanceled           = component.ErrCanceled
	ErrDeadlineExceeded   = component.ErrDeadlineExceeded
	ErrExhausted          = component.ErrExhausted

	// ErrSkipped says that a result of a pipeline has no value because the step that makes it was skipped.
	ErrSkipped = pipeline.ErrSkipped
)
