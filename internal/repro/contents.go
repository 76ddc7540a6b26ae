package repro

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

// contents is an artifact store that reads what is in the directory of a recording, then what was written meanwhile, then what another store
// has.
type contents struct {
	artifact.Store // what is written
	dir            string
	other          func(ctx context.Context) (artifact.Store, error)
}

// fileOf is the name of a file with content.
func fileOf(d artifact.Digest) string { return strings.Replace(string(d), ":", "-", 1) }

// Open implements [artifact.Store].
func (c *contents) Open(ctx context.Context, d artifact.Digest) (io.ReadCloser, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(c.dir, fileOf(d)))
	if err == nil {
		info, err := f.Stat()
		if err != nil || !info.Mode().IsRegular() {
			f.Close()
			return nil, component.Errorf(component.Corrupt, "content %s: %s is not a file that can be read", d, f.Name())
		}
		return artifact.VerifyReader(ctx, f, d, info.Size()), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, component.Errorf(component.Unavailable, "content %s: %w", d, err)
	}
	r, err := c.Store.Open(ctx, d)
	if !errors.Is(err, component.ErrNotFound) {
		return r, err
	}
	other, err := c.other(ctx)
	if err != nil {
		return nil, component.Errorf(component.CodeOf(err), "content %s is not in %s: %w", d, c.dir, err)
	}
	return other.Open(ctx, d)
}

// Stat implements [artifact.Store].
func (c *contents) Stat(ctx context.Context, d artifact.Digest) (artifact.Info, error) {
	if info, err := os.Stat(filepath.Join(c.dir, fileOf(d))); err == nil {
		return artifact.Info{Digest: d, Size: info.Size(), ModTime: info.ModTime()}, nil
	}
	info, err := c.Store.Stat(ctx, d)
	if !errors.Is(err, component.ErrNotFound) {
		return info, err
	}
	other, err := c.other(ctx)
	if err != nil {
		return artifact.Info{}, err
	}
	return other.Stat(ctx, d)
}
