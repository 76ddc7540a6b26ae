// Package source pins the content of outside data when a run is submitted, and opens it in steps.
package source

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/ref"
)

// Pinner pins sources.
type Pinner struct {
	Store   artifact.Store
	MemoDir string
	HTTP    *http.Client
	Dir     string // base of relative paths
}

// Pin fixes the identity of a source's content.
func (p *Pinner) Pin(ctx context.Context, slot ref.SourceSlot) (ref.Pin, error) {
	return ref.Pin{}, errors.New("not written yet")
}

// Opener opens pinned content.
type Opener struct {
	Pinner  *Pinner
	TempDir func() (string, error)
}

// Open implements [ref.Opener].
func (o *Opener) Open(ctx context.Context, p ref.Pin) (io.ReadCloser, error) {
	return nil, errors.New("not written yet")
}

// Path implements [ref.Opener].
func (o *Opener) Path(ctx context.Context, p ref.Pin) (string, error) {
	return "", errors.New("not written yet")
}
