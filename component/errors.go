package component

import (
	"context"
	"fmt"
)

// Code classifies an error so that callers can decide without reading its text. Codes survive process and network
// borders. The zero value, Unknown, is the code of an error that carries none.
type Code uint8

// The codes. Their numbers are part of the wire format and never change.
const (
	Unknown            Code = 0
	NotFound           Code = 1  // the thing named does not exist
	AlreadyExists      Code = 2  // the thing named exists and would have been overwritten
	Invalid            Code = 3  // the request can never succeed as it is
	Unauthenticated    Code = 4  // no valid credentials
	PermissionDenied   Code = 5  // valid credentials that do not suffice
	Unavailable        Code = 6  // try again later
	Unsupported        Code = 7  // this implementation cannot do it
	FailedPrecondition Code = 8  // the state of the thing forbids it now
	Corrupt            Code = 9  // stored data is not what was stored
	Canceled           Code = 10 // the caller, or a person, gave up
	DeadlineExceeded   Code = 11 // the time allowed ran out
	Exhausted          Code = 12 // a limit or quota is used up
)

// Sentinels for errors.Is, one for each code.
var (
	ErrNotFound           error = sentinel(NotFound)
	ErrAlreadyExists      error = sentinel(AlreadyExists)
	ErrInvalid            error = sentinel(Invalid)
	ErrUnauthenticated    error = sentinel(Unauthenticated)
	ErrPermissionDenied   error = sentinel(PermissionDenied)
	ErrUnavailable        error = sentinel(Unavailable)
	ErrUnsupported        error = sentinel(Unsupported)
	ErrFailedPrecondition error = sentinel(FailedPrecondition)
	ErrCorrupt            error = sentinel(Corrupt)
	ErrCanceled           error = sentinel(Canceled)
	ErrDeadlineExceeded   error = sentinel(DeadlineExceeded)
	ErrExhausted          error = sentinel(Exhausted)
)

// sentinel is a code as an error.
type sentinel Code

func (s sentinel) Error() string { return Code(s).String() }

// String returns the code in words, such as "not found".
func (c Code) String() string {
	switch c {
	case NotFound:
		return "not found"
	case AlreadyExists:
		return "already exists"
	case Invalid:
		return "invalid"
	case Unauthenticated:
		return "unauthenticated"
	case PermissionDenied:
		return "permission denied"
	case Unavailable:
		return "unavailable"
	case Unsupported:
		return "unsupported"
	case FailedPrecondition:
		return "failed precondition"
	case Corrupt:
		return "corrupt"
	case Canceled:
		return "canceled"
	case DeadlineExceeded:
		return "deadline exceeded"
	case Exhausted:
		return "exhausted"
	}
	return "unknown"
}

// Error is an error with a code. errors.Is matches it against the sentinel of its code, and against what it wraps.
type Error struct {
	Code Code
	Err  error // what went wrong; nil means the code says it all
}

// Error returns the text of the wrapped error alone: a code is for programs.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Code.String()
	}
	return e.Err.Error()
}

// Unwrap returns the wrapped error.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the sentinel of e's code.
func (e *Error) Is(target error) bool { return target == sentinel(e.Code) }

// Errorf formats an error as fmt.Errorf does, including %w, and gives it a code.
func Errorf(code Code, format string, args ...any) error {
	return &Error{Code: code, Err: fmt.Errorf(format, args...)}
}

// CodeOf returns the code of the first error in err's tree, outermost first, that carries one, and Unknown if none does. The
// errors of package context carry Canceled and DeadlineExceeded, and an error with an Is method that matches a sentinel
// carries the code of that.
func CodeOf(err error) Code {
	if err == nil {
		return Unknown
	}
	if code := ownCode(err); code != Unknown {
		return code
	}
	switch e := err.(type) { //nolint:errorlint // this is the walk
	case interface{ Unwrap() error }:
		return CodeOf(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if code := CodeOf(inner); code != Unknown {
				return code
			}
		}
	}
	return Unknown
}

// ownCode returns the code that err carries itself, whatever it wraps.
func ownCode(err error) Code {
	switch e := err.(type) { //nolint:errorlint // CodeOf walks
	case *Error:
		return e.Code
	case sentinel:
		return Code(e)
	case interface{ Is(target error) bool }:
		for c := NotFound; c <= Exhausted; c++ {
			if e.Is(sentinel(c)) {
				return c
			}
		}
	}
	switch err { //nolint:errorlint // CodeOf walks
	case context.Canceled:
		return Canceled
	case context.DeadlineExceeded:
		return DeadlineExceeded
	}
	return Unknown
}
