package source

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/source/location"
)

// Opener opens pinned content for one attempt. Safe for concurrent use.
type Opener struct {
	// Pinner made the pins, or is like the one that did.
	Pinner *Pinner
	// TempDir returns the attempt's directory, for copies of what is in the artifact store.
	TempDir func() (string, error)
}

var _ ref.Opener = (*Opener)(nil)

// Open implements [ref.Opener].
func (o *Opener) Open(ctx context.Context, p ref.Pin) (io.ReadCloser, error) {
	if p.Dir {
		return nil, component.Errorf(component.Invalid, "source %s is a directory: use Path", location.Redact(p.URI))
	}
	if p.Stored {
		return o.openStored(ctx, p)
	}
	l, err := location.Parse(p.URI)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(l.Path)
	if err != nil {
		return nil, fileError(l, err)
	}
	if !info.Mode().IsRegular() || info.Size() != p.Size {
		return nil, changed(l, component.Errorf(component.Corrupt, "%d bytes became %d", p.Size, info.Size()))
	}
	f, err := os.Open(l.Path)
	if err != nil {
		return nil, fileError(l, err)
	}
	return &reader{artifact.VerifyReader(ctx, f, artifact.Digest(p.Digest), p.Size), func(err error) error {
		if errors.Is(err, component.ErrCorrupt) {
			return changed(l, err)
		}
		return fileError(l, err)
	}}, nil
}

func (o *Opener) openStored(ctx context.Context, p ref.Pin) (io.ReadCloser, error) {
	explain := func(err error) error {
		name, code := location.Redact(p.URI), component.CodeOf(err)
		switch code {
		case component.Corrupt, component.NotFound:
			o.Pinner.forget(p.URI)
			return component.Errorf(code, "source %s: its copy in the artifact store is damaged or gone: submit the run again, which stores it anew: %w", name, err)
		}
		return component.Errorf(code, "source %s: %w", name, err)
	}
	r, err := o.Pinner.Store.Open(ctx, artifact.Digest(p.Digest))
	if err != nil {
		return nil, explain(err)
	}
	return &reader{r, explain}, nil
}

// Path implements [ref.Opener].
func (o *Opener) Path(ctx context.Context, p ref.Pin) (string, error) {
	l, err := location.Parse(p.URI)
	if err != nil {
		return "", err
	}
	if p.Stored {
		return o.copy(ctx, p, l)
	}
	now, err := o.Pinner.local(ctx, l, p.URI)
	if err != nil {
		return "", err
	}
	if now != p {
		return "", changed(l, component.Errorf(component.Corrupt, "content %s became %s", artifact.Digest(p.Digest).Short(), artifact.Digest(now.Digest).Short()))
	}
	return p.URI, nil
}

// copy makes a file of stored content. Each call makes one of its own, for a step may change what it is given.
func (o *Opener) copy(ctx context.Context, p ref.Pin, l location.Location) (_ string, err error) {
	fail := func(err error) (string, error) {
		return "", component.Errorf(component.FailedPrecondition, "source %s: make a local copy: %w", l, err)
	}
	parent, err := o.TempDir()
	if err != nil {
		return fail(err)
	}
	r, err := o.Open(ctx, p)
	if err != nil {
		return "", err
	}
	defer r.Close()
	dir, err := os.MkdirTemp(parent, "source-")
	if err != nil {
		return fail(err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	path := filepath.Join(dir, l.Name)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fail(err)
	}
	_, err = io.Copy(f, r)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	switch {
	case err == nil:
		return path, nil
	case component.CodeOf(err) != component.Unknown: // of the reader, which names the source
		return "", err
	}
	return fail(err)
}

func changed(l location.Location, err error) error {
	return component.Errorf(component.Corrupt, "source %s changed since the run was submitted: submit the run again: %w", l, err)
}

// reader explains the errors of a reader.
type reader struct {
	io.ReadCloser
	explain func(error) error
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.explain(err)
	}
	return n, err
}
