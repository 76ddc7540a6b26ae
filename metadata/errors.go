package metadata

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

// ErrCondemned refuses a batch that references content which garbage collection has condemned: its writer puts the bytes that are not
// there, revives them and applies the batch again. Errors that match it are [CondemnedError].
var ErrCondemned = errors.New("content is condemned by garbage collection")

// CondemnedError names the condemned contents that a refused batch references. Its code is FailedPrecondition.
type CondemnedError struct {
	Digests []artifact.Digest // at least one
	// Generation counts the deletions up to now. [Store.Revive] takes it as the time at which the caller learned that it must look.
	Generation int64
}

// Error lists the digests.
func (e *CondemnedError) Error() string {
	names := make([]string, len(e.Digests))
	for i, d := range e.Digests {
		names[i] = d.Short()
	}
	return fmt.Sprintf("%v: %s", ErrCondemned, strings.Join(names, ", "))
}

// Is matches [ErrCondemned] and component.ErrFailedPrecondition.
func (e *CondemnedError) Is(target error) bool {
	return target == ErrCondemned || target == component.ErrFailedPrecondition
}
