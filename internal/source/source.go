// Package source pins the content of outside data when a run is submitted, and opens it in steps.
package source

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/filememo"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/source/location"
)

// Pinner pins sources. Its fields must not change once it is used; it is safe for concurrent use.
type Pinner struct {
	// Store receives what is downloaded and what is in the program.
	Store artifact.Store
	// MemoDir is where digests of unchanged files and URLs are remembered. Empty: nowhere.
	MemoDir string
	// Transport downloads. Nil: http.DefaultTransport.
	Transport http.RoundTripper
	// Dir is the base of relative paths. Empty: the working directory.
	Dir string

	now   func() time.Time // nil: time.Now
	pause time.Duration    // before the first retry of a download; 0: retryPause
}

// Pin fixes the identity of a source's content. Every error is one line that names the source. Its code is Invalid for a malformed URI,
// NotFound, PermissionDenied, Unsupported for schemes without a reader, FailedPrecondition for a file that does not stop changing,
// and Unavailable for a server that cannot be reached.
func (p *Pinner) Pin(ctx context.Context, slot ref.SourceSlot) (ref.Pin, error) {
	l, err := location.Parse(slot.URI)
	if err != nil {
		return ref.Pin{}, err
	}
	switch {
	case slot.Data != nil:
		return p.bytes(ctx, l, slot)
	case l.Kind == location.Bytes:
		return ref.Pin{}, component.Errorf(component.FailedPrecondition, "source %s has no content: it was read from text, and artifact.FromBytes keeps the content in the program only: name a file", l)
	case l.Kind == location.Object:
		return ref.Pin{}, component.Errorf(component.Unsupported, "source %s: this build has no reader of s3: and gs: sources: copy the object to a file, or name it by an https: URL", l)
	case l.Kind == location.URL:
		return p.url(ctx, l)
	}
	path := l.Path
	if !filepath.IsAbs(path) {
		if path, err = filepath.Abs(filepath.Join(p.Dir, path)); err != nil {
			return ref.Pin{}, fileError(l, err)
		}
	}
	return p.local(ctx, l, filepath.Clean(path))
}

func (p *Pinner) bytes(ctx context.Context, l location.Location, slot ref.SourceSlot) (ref.Pin, error) {
	info, err := p.Store.Put(ctx, bytes.NewReader(slot.Data))
	if err != nil {
		return ref.Pin{}, component.Errorf(component.CodeOf(err), "source %s: store its content: %w", l, err)
	}
	return ref.Pin{URI: slot.URI, Digest: string(info.Digest), Size: info.Size, Stored: true}, nil
}

// local pins a file or directory by its absolute path. What is remembered is not read.
func (p *Pinner) local(ctx context.Context, l location.Location, path string) (ref.Pin, error) {
	info, err := os.Stat(path)
	if err != nil {
		return ref.Pin{}, fileError(l, err)
	}
	memo := filememo.New(p.memoFile("files", path))
	memo.Now = p.now
	defer memo.Save()
	if info.IsDir() {
		digest, size, err := directory(ctx, memo, path)
		if err != nil {
			return ref.Pin{}, fileError(l, err)
		}
		return ref.Pin{URI: path, Digest: digest, Size: size, Dir: true}, nil
	}
	sum, info, err := memo.Digest(ctx, path)
	if err != nil {
		return ref.Pin{}, fileError(l, err)
	}
	return ref.Pin{URI: path, Digest: "sha256:" + sum, Size: info.Size()}, nil
}

// memoFile returns where things of one kind are remembered about one source. Each has a file of its own, so that reading it costs what the source costs,
// and none has the source's name, which may be a secret.
func (p *Pinner) memoFile(kind, name string) string {
	if p.MemoDir == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(p.MemoDir, kind, hex.EncodeToString(sum[:16])+".json")
}

// fileError explains an error of reading a local source in one line.
func fileError(l location.Location, err error) error {
	code, remedy := component.CodeOf(err), ""
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		code, remedy = component.NotFound, ": name a file or directory that exists"
	case errors.Is(err, fs.ErrPermission):
		code, remedy = component.PermissionDenied, ": let this program's user read it"
	case errors.Is(err, filememo.ErrChanging):
		code, remedy = component.FailedPrecondition, ": submit the run when it is complete, or name a copy"
	case code == component.Unknown:
		code = component.Invalid
	}
	var path *fs.PathError
	if errors.As(err, &path) { // its text may be of several lines
		return component.Errorf(code, "source %s: %s %s: %w%s", l, path.Op, location.Redact(path.Path), path.Err, remedy)
	}
	return component.Errorf(code, "source %s: %w%s", l, err, remedy)
}
