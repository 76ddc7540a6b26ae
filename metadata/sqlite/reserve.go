package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/tenon-ml/tenon/metadata"
)

const (
	reserveSuffix = ".reserve" // of a directory beside the database
	reserveFiles  = 16
	reserveSize   = 64 << 10 // bytes of each
)

// reserve is space, and files, that a database keeps for the day on which the disk is full: SQLite cannot open it without two new files, and what
// is deleted is written to the log first, so that nothing could be freed any more. Opening the database, and what frees space, may spend it, a
// file at a time. Whoever has spent some adds nothing until it is whole again. Closing the database refills it as far as there is room.
type reserve struct {
	dir   string
	mu    sync.Mutex
	spent bool
}

func (r *reserve) file(i int) string { return filepath.Join(r.dir, strconv.Itoa(i)) }

// spend gives up a file. It reports whether there was one.
func (r *reserve) spend() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range reserveFiles {
		if os.Remove(r.file(i)) == nil {
			r.spent = true
			return true
		}
	}
	return false
}

// lacks reports whether this process has spent some that cannot be refilled yet.
func (r *reserve) lacks() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spent = r.spent && !r.refill()
	return r.spent
}

// keep makes the reserve, or refills it. Without it the database works as well.
func (r *reserve) keep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refill()
}

// refill reports whether the reserve is whole. A file is whole or not there.
func (r *reserve) refill() bool {
	if err := os.Mkdir(r.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return false
	}
	var content []byte
	for i := range reserveFiles {
		if _, err := os.Lstat(r.file(i)); err == nil {
			continue
		}
		if content == nil {
			content = make([]byte, reserveSize)
			_, _ = rand.NewChaCha8([32]byte{}).Read(content) // what compresses would take no space on some file systems
		}
		if err := os.WriteFile(r.file(i), content, 0o600); err != nil {
			_ = os.Remove(r.file(i))
			return false
		}
	}
	return true
}

// free is update for what frees space: on a full disk it is tried again with as much of the reserve as it takes, and with what the log can give up.
func (s *store) free(ctx context.Context, what string, durable bool, do func(*tx) error) error {
	err := s.commit(ctx, what, durable, do)
	if !s.full(err) {
		return err
	}
	_, _ = s.read.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)") // as far as it gets
	err = s.commit(ctx, what, durable, do)
	for s.full(err) && s.reserve.spend() {
		err = s.commit(ctx, what, durable, do)
	}
	return err
}

// ends reports whether a batch frees what a run holds, since it records the run's end.
func ends(b metadata.Batch) bool {
	return len(b.Create) == 0 && len(b.Update) == 1 && b.Update[0].State.Ended()
}
