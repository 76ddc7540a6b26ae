package repro

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/source"
	"github.com/tenon-ml/tenon/internal/source/location"
)

// Content is what a step was called with, for people.
type Content struct {
	Name   string          `json:"name"` // of the field; "checkpoint" for that
	Digest artifact.Digest `json:"digest"`
	Size   int64           `json:"size"` // bytes, of the list for an element of one
	// Copied says that the test has the bytes. Others it reads from where they are now.
	Copied bool `json:"copied"`
	// About says what it is: the facts that were recorded about a value, the place of a source.
	About string `json:"about,omitempty"`

	record *artifact.Record // of a value
}

// copier copies what a step was called with into a directory.
type copier struct {
	store artifact.Store
	dir   string
	limit int64 // bytes; of a larger input nothing is copied
}

// all copies the contents of a case, and says what it did.
func (k *copier) all(ctx context.Context, c *Case) ([]Content, error) {
	var copied []Content
	for i := range c.Inputs {
		in := &c.Inputs[i]
		about := Content{Name: in.Name, Digest: in.Digest, Size: in.Record.Size, record: &in.Record}
		if in.Element != nil {
			about.About = fmt.Sprintf("element %d of a list", *in.Element)
		}
		if err := k.value(ctx, &about); err != nil {
			return nil, component.Errorf(component.CodeOf(err), "input %s: %w", in.Name, err)
		}
		copied = append(copied, about)
	}
	for i := range c.Sources {
		about, err := k.source(ctx, i, &c.Sources[i])
		if err != nil {
			return nil, component.Errorf(component.CodeOf(err), "source %s: %w", c.Sources[i].Field, err)
		}
		copied = append(copied, about)
	}
	if c.Checkpoint != nil {
		about := Content{Name: "checkpoint", Digest: c.Checkpoint.Digest, Size: c.Checkpoint.Size, About: "from which the step goes on", record: c.Checkpoint}
		if err := k.value(ctx, &about); err != nil {
			return nil, component.Errorf(component.CodeOf(err), "checkpoint: %w", err)
		}
		copied = append(copied, about)
	}
	return copied, nil
}

// value copies the bytes of a value, or checks that they are there.
func (k *copier) value(ctx context.Context, c *Content) error {
	c.Copied = c.Size <= k.limit || inline(c.record)
	return k.record(ctx, c.record, c.Copied)
}

// inline reports whether all bytes of a value travel in its record.
func inline(r *artifact.Record) bool {
	if r.Codec != artifact.GatherCodec {
		return r.Inline != nil
	}
	return !slices.ContainsFunc(r.Elements, func(e artifact.Record) bool { return !inline(&e) })
}

func (k *copier) record(ctx context.Context, r *artifact.Record, whole bool) error {
	r.Preview = "" // a test shows none
	if r.Codec == artifact.GatherCodec {
		for i := range r.Elements {
			if err := k.record(ctx, &r.Elements[i], whole); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
		return nil
	}
	if r.Inline != nil {
		return nil
	}
	if !whole {
		_, err := k.store.Stat(ctx, r.Digest)
		return gone(err)
	}
	return gone(k.file(r.Digest, func() (io.ReadCloser, error) { return k.store.Open(ctx, r.Digest) }))
}

func gone(err error) error {
	if errors.Is(err, component.ErrNotFound) {
		return component.Errorf(component.NotFound, "%w: its bytes were deleted, as \"tenon cache prune\" and \"tenon gc\" do, and it can only be made again", err)
	}
	return err
}

// file writes content that is not there yet. The reader verifies it.
func (k *copier) file(d artifact.Digest, open func() (io.ReadCloser, error)) (err error) {
	path := filepath.Join(k.dir, fileOf(d))
	if _, err := os.Lstat(path); err == nil {
		return nil // two inputs may be the same
	}
	r, err := open()
	if err != nil {
		return err
	}
	defer r.Close()
	return writeFile(path, r)
}

func writeFile(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// source copies outside data. What it names for people, and in the recording of a copy, has no credentials.
func (k *copier) source(ctx context.Context, i int, s *Source) (Content, error) {
	about := Content{Name: s.Field, Digest: artifact.Digest(s.Pin.Digest), Size: s.Size, About: location.Redact(s.URI), Copied: s.Size <= k.limit}
	opener := &source.Opener{Pinner: &source.Pinner{Store: k.store}}
	switch {
	case s.Dir && about.Copied:
		return about, k.directory(ctx, i, s, opener)
	case s.Dir:
		_, err := opener.Path(ctx, s.Pin.Pin)
		return about, err
	case about.Copied:
		pin := s.Pin.Pin
		if err := k.file(about.Digest, func() (io.ReadCloser, error) { return opener.Open(ctx, pin) }); err != nil {
			return about, err
		}
		s.Stored, s.URI = true, publicName(s.URI)
	case s.Stored:
		s.URI = publicName(s.URI)
		_, err := k.store.Stat(ctx, about.Digest)
		return about, gone(err)
	default:
		r, err := opener.Open(ctx, s.Pin.Pin)
		if err != nil {
			return about, err
		}
		return about, r.Close()
	}
	return about, nil
}

// publicName is a URI that gives a copy of content the same file name, and says nothing else.
func publicName(uri string) string {
	l, err := location.Parse(uri)
	if err != nil {
		return "bytes:source"
	}
	return "bytes:" + l.Name
}

// directory copies a directory, and checks that it is still what it was.
func (k *copier) directory(ctx context.Context, i int, s *Source, opener *source.Opener) error {
	s.Copy = fmt.Sprintf("source-%d", i)
	to := filepath.Join(k.dir, s.Copy)
	err := filepath.WalkDir(s.URI, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		name, err := filepath.Rel(s.URI, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Mkdir(filepath.Join(to, name), 0o755)
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() { // a link is copied as the file that it leads to
			return component.Errorf(component.Corrupt, "source %s changed since the run was submitted: %s is no file any more", location.Redact(s.URI), name)
		}
		f, err := os.Open(path) //nolint:gosec // links are followed as when it was pinned, and the copy is checked against the pin
		if err != nil {
			return err
		}
		defer f.Close()
		return writeFile(filepath.Join(to, name), f)
	})
	if err != nil {
		return component.Errorf(component.Unavailable, "copy it: %w", err)
	}
	pin := ref.Pin{URI: to, Digest: s.Pin.Digest, Size: s.Size, Dir: true}
	if _, err := opener.Path(ctx, pin); err != nil {
		return component.Errorf(component.CodeOf(err), "it changed since the run was submitted: %w", err)
	}
	s.URI = s.Copy
	return nil
}
