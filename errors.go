package tenon

import (
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/pipeline"
)

// Errors to compare with errors.Is. They hold wherever the failure happened: in this process, in a plugin or behind a server.
var (
	ErrNotFound           error = component.ErrNotFound
	ErrAlreadyExists      error = component.ErrAlreadyExists
	ErrInvalid            error = component.ErrInvalid
	ErrUnauthenticated    error = component.ErrUnauthenticated
	ErrPermissionDenied   error = component.ErrPermissionDenied
	ErrUnavailable        error = component.ErrUnavailable
	ErrUnsupported        error = component.ErrUnsupported
	ErrFailedPrecondition error = component.ErrFailedPrecondition
	ErrCorrupt            error = component.ErrCorrupt
	ErrCanceled           error = component.ErrCanceled
	ErrDeadlineExceeded   error = component.ErrDeadlineExceeded
	ErrExhausted          error = component.ErrExhausted

	// ErrSkipped says that a result of a pipeline has no value because the step that makes it was skipped.
	ErrSkipped = pipeline.ErrSkipped
)
