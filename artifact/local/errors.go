package local

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

// check validates what every method on one digest gets.
func check(ctx context.Context, verb string, digest artifact.Digest) error {
	if err := digest.Validate(); err != nil {
		return component.Errorf(component.Invalid, "%s content: %w", verb, err)
	}
	return ended(verb+" content "+string(digest), ctx.Err())
}

// ended gives the error of a context its code. It returns nil for nil.
func ended(what string, err error) error {
	if err == nil {
		return nil
	}
	code := component.Canceled
	if errors.Is(err, context.DeadlineExceeded) {
		code = component.DeadlineExceeded
	}
	return component.Errorf(code, "%s: %w", what, err)
}

func explainContent(verb string, digest artifact.Digest, err error) error {
	what := verb + " content " + string(digest)
	if errors.Is(err, fs.ErrNotExist) {
		return component.Errorf(component.NotFound, "%s: not in the store: %w", what, err)
	}
	return explain(what, err)
}

// explain gives an error of the operating system, which names the path, its code and says what to do about it.
func explain(what string, err error) error {
	switch {
	case component.CodeOf(err) != component.Unknown:
		return component.Errorf(component.CodeOf(err), "%s: %w", what, err)
	case isFull(err):
		return component.Errorf(component.Exhausted, "%s: %w: free space, which \"tenon gc\" may do, or move the store to a larger disk", what, err)
	case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE):
		return component.Errorf(component.Exhausted, "%s: %w: raise the limit of open files (ulimit -n), or do less at once", what, err)
	case errors.Is(err, fs.ErrPermission) || isReadOnly(err):
		return component.Errorf(component.PermissionDenied, "%s: %w: make it writable for this user, or use another path", what, err)
	case isInTheWay(err):
		return component.Errorf(component.FailedPrecondition, "%s: %w: move away what is there, or use another path", what, err)
	case errors.Is(err, fs.ErrNotExist):
		return component.Errorf(component.FailedPrecondition, "%s: %w: the store was removed while in use; open it again", what, err)
	}
	return component.Errorf(component.Unavailable, "%s: %w", what, err)
}
