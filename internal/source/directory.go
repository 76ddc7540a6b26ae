package source

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/filememo"
)

// manifestVersion begins the manifest of a directory, whose digest is the identity of the directory's content.
const manifestVersion = "tenon directory 1\n"

// tries is how often a directory is read that changes meanwhile.
const tries = 3

// directory returns the digest of a directory's manifest and the size of its files. The manifest has a line for each directory and file below, in the
// order of a walk that sorts each directory by name. It is hashed as it is made: memory is bounded by the largest single directory.
func directory(ctx context.Context, memo *filememo.Memo, path string) (digest string, size int64, err error) {
	for range tries {
		m := manifest{ctx: ctx, memo: memo, root: path, hash: sha256.New()}
		fmt.Fprint(m.hash, manifestVersion)
		if err = m.directory(""); err == nil {
			return string(artifact.NewDigest([32]byte(m.hash.Sum(nil)))), m.size, nil
		}
		if !errors.Is(err, filememo.ErrChanging) {
			return "", 0, err
		}
	}
	return "", 0, err
}

type manifest struct {
	ctx  context.Context //nolint:containedctx // of one call of directory
	memo *filememo.Memo
	root string
	hash hash.Hash
	size int64
}

// directory adds what is below a directory, whose name is relative to the root.
func (m *manifest) directory(name string) error {
	path := filepath.Join(m.root, name)
	before, err := os.Stat(path)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := m.ctx.Err(); err != nil {
			return err
		}
		if err = m.entry(filepath.Join(name, e.Name()), e.Type()); err != nil {
			return m.orChanging(path, before, err)
		}
	}
	return m.orChanging(path, before, nil)
}

// orChanging returns err, unless entries of the directory came or went since before: then that is the cause.
func (m *manifest) orChanging(path string, before fs.FileInfo, err error) error {
	after, statErr := os.Stat(path)
	if statErr != nil || filememo.Identity(after) != filememo.Identity(before) {
		return &fs.PathError{Op: "read", Path: path, Err: filememo.ErrChanging}
	}
	return err
}

func (m *manifest) entry(name string, mode fs.FileMode) error {
	path := filepath.Join(m.root, name)
	if mode.IsDir() {
		fmt.Fprintf(m.hash, "dir %q\n", filepath.ToSlash(name))
		return m.directory(name)
	}
	if mode&fs.ModeSymlink != 0 {
		target, err := os.Stat(path)
		if err != nil {
			return &fs.PathError{Op: "follow the link", Path: path, Err: errors.Unwrap(err)}
		}
		if target.IsDir() {
			return &fs.PathError{Op: "read", Path: path, Err: errors.New("it is a link to a directory, which is not followed within a source: copy the directory there, or name it as a source of its own")}
		}
		mode = target.Mode()
	}
	if !mode.IsRegular() {
		return &fs.PathError{Op: "read", Path: path, Err: errors.New("it is neither a file nor a directory: remove it from the source")}
	}
	sum, info, err := m.memo.Digest(m.ctx, path)
	if err != nil {
		return err
	}
	m.size += info.Size()
	fmt.Fprintf(m.hash, "file %q %d %s\n", filepath.ToSlash(name), info.Size(), sum)
	return nil
}
