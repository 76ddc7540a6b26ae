package sqlite

import (
	"context"
	"time"

	"github.com/gofrs/flock"
)

// lockFile holds a lock between processes until unlock is called.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	l := flock.New(path)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if _, err := l.TryLockContext(ctx, 5*time.Millisecond); err != nil {
		return nil, err
	}
	// The file stays: removing it would let two processes lock two files of the same name.
	return func() { _ = l.Unlock() }, nil
}
