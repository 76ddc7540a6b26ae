package gc_test

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/gc"
	"github.com/tenon-ml/tenon/metadata"
)

// point is a place in a collection: after what was done last.
type point int

const (
	started point = iota // it knows how old content must be
	listed
	asked
	condemned
	begun
	looked
	deleted
	ended
	points // how many there are
)

func (p point) String() string {
	return [...]string{"started", "listed", "asked", "condemned", "begun", "looked", "deleted", "ended", "no point"}[p]
}

var errKilled = errors.New("the collector was killed")

// tap lets something happen at the points of a collection, and can kill the collector: nothing that it calls has an effect any more.
type tap struct {
	at   func(point)
	dead atomic.Bool
}

// config taps a collection.
func (t *tap) config(c gc.Config) gc.Config {
	c.Metadata, c.Artifacts = tappedMeta{c.Metadata, t}, tappedArts{c.Artifacts, t}
	return c
}

// after does what a dead collector does not, and then what is to happen at a point.
func after[T any](t *tap, p point, do func() (T, error)) (T, error) {
	if t.dead.Load() {
		var zero T
		return zero, errKilled
	}
	v, err := do()
	t.at(p)
	return v, err
}

type tappedMeta struct {
	metadata.Store
	t *tap
}

func (m tappedMeta) Runs(ctx context.Context, q metadata.RunQuery) (metadata.Page[metadata.Run], error) {
	return after(m.t, started, func() (metadata.Page[metadata.Run], error) { return m.Store.Runs(ctx, q) })
}

func (m tappedMeta) Unreferenced(ctx context.Context, d []artifact.Digest) ([]artifact.Digest, error) {
	return after(m.t, asked, func() ([]artifact.Digest, error) { return m.Store.Unreferenced(ctx, d) })
}

func (m tappedMeta) Condemn(ctx context.Context, d []artifact.Digest) ([]artifact.Digest, error) {
	return after(m.t, condemned, func() ([]artifact.Digest, error) { return m.Store.Condemn(ctx, d) })
}

func (m tappedMeta) BeginDelete(ctx context.Context, d []artifact.Digest) ([]artifact.Digest, error) {
	return after(m.t, begun, func() ([]artifact.Digest, error) { return m.Store.BeginDelete(ctx, d) })
}

func (m tappedMeta) EndDelete(ctx context.Context, d []artifact.Digest) error {
	_, err := after(m.t, ended, func() (any, error) { return nil, m.Store.EndDelete(ctx, d) })
	return err
}

type tappedArts struct {
	artifact.Store
	t *tap
}

func (a tappedArts) List(ctx context.Context, d artifact.Digest, limit int) ([]artifact.Info, error) {
	return after(a.t, listed, func() ([]artifact.Info, error) { return a.Store.List(ctx, d, limit) })
}

func (a tappedArts) Stat(ctx context.Context, d artifact.Digest) (artifact.Info, error) {
	return after(a.t, looked, func() (artifact.Info, error) { return a.Store.Stat(ctx, d) })
}

func (a tappedArts) Delete(ctx context.Context, d artifact.Digest) error {
	_, err := after(a.t, deleted, func() (any, error) { return nil, a.Store.Delete(ctx, d) })
	return err
}
