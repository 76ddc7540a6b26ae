package sqlite

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"github.com/tenon-ml/tenon/component"
)

// The reserve is space, and files, that a database keeps for the day on which the disk is full: SQLite cannot be opened without two new files, and
// what is deleted is written to the log first, so that nothing could be freed any more. Opening a database, and deleting from it, may spend
// the reserve; what adds to it may not. Closing it fills the reserve again.
const (
	reserveSuffix = ".reserve" // of a directory beside the database
	reserveFiles  = 4
	reserveSize   = 256 << 10 // bytes of each
)

// spend gives the reserve up. It reports whether there was one.
func (s *store) spend() bool {
	files, err := os.ReadDir(s.path + reserveSuffix)
	return err == nil && len(files) > 0 && os.RemoveAll(s.path+reserveSuffix) == nil
}

// keepReserve makes the reserve, if there is none and the disk has room. Without it the database works as well.
func (s *store) keepReserve() {
	dir := s.path + reserveSuffix
	if s.inPlace() != nil || os.Mkdir(dir, 0o700) != nil {
		return
	}
	noise := rand.NewChaCha8([32]byte{}) // what compresses would take no space on some file systems
	content := make([]byte, reserveSize)
	for i := range reserveFiles {
		_, _ = noise.Read(content)
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), content, 0o600); err != nil {
			_ = os.RemoveAll(dir)
			return
		}
	}
}

// free is update for what frees space: if the disk is full, it is tried once more with the reserve, and with what the log takes.
func (s *store) free(ctx context.Context, what string, durable bool, do func(*tx) error) error {
	err := s.update(ctx, what, durable, do)
	if !errors.Is(err, component.ErrExhausted) {
		return err
	}
	s.spend()
	_, _ = s.read.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)") // as far as it gets
	return s.update(ctx, what, durable, do)
}
