package simulate

import (
	"context"
	"io"
	"math/rand/v2"

	"github.com/tenon-ml/tenon/artifact"
)

// Artifacts returns an artifact store as the driver, and the steps that it runs, reach it.
func (d *Driver) Artifacts(store artifact.Store) artifact.Store { return &artifactStore{store, d} }

type artifactStore struct {
	artifact.Store
	d *Driver
}

// reach waits until a call of the store begins, and reports whether it fails.
func (a *artifactStore) reach(ctx context.Context, what string) (fails bool, r *rand.Rand, err error) {
	n, r := a.d.call(what)
	wait := a.d.delay(r)
	fails = a.d.happens(Failures, r, 0.4)
	if err := a.d.alive(ctx, wait); err != nil {
		return false, r, err
	}
	if fails {
		a.d.r.w.note(Failures, "", "driver %d: %s %d fails", a.d.n, what, n)
		excuse(ctx)
	}
	return fails, r, nil
}

// Put implements [artifact.Store]. It may fail before it has read anything, or when the content is there.
func (a *artifactStore) Put(ctx context.Context, r io.Reader) (artifact.Info, error) {
	fails, rnd, err := a.reach(ctx, "put of an artifact")
	if err != nil {
		return artifact.Info{}, err
	}
	if fails && rnd.IntN(2) == 0 {
		return artifact.Info{}, injected("an artifact could not be stored")
	}
	info, err := a.Store.Put(ctx, r)
	if err == nil && fails {
		return artifact.Info{}, injected("the acknowledgement of an artifact was lost")
	}
	return info, err
}

// Open implements [artifact.Store]. It may fail, and so may the reader, anywhere.
func (a *artifactStore) Open(ctx context.Context, digest artifact.Digest) (io.ReadCloser, error) {
	fails, rnd, err := a.reach(ctx, "opening of an artifact")
	if err != nil {
		return nil, err
	}
	early, where := rnd.IntN(2) == 0, rnd.Int64()
	if fails && early {
		return nil, injected("an artifact could not be opened")
	}
	r, err := a.Store.Open(ctx, digest)
	if err != nil || !fails {
		return r, err
	}
	info, err := a.Store.Stat(ctx, digest)
	if err != nil || info.Size == 0 {
		return r, nil //nolint:nilerr // then it does not break
	}
	return &breaking{r, where % info.Size}, nil
}

// Stat implements [artifact.Store].
func (a *artifactStore) Stat(ctx context.Context, digest artifact.Digest) (artifact.Info, error) {
	if fails, _, err := a.reach(ctx, "look at an artifact"); err != nil {
		return artifact.Info{}, err
	} else if fails {
		return artifact.Info{}, injected("an artifact could not be looked at")
	}
	return a.Store.Stat(ctx, digest)
}

// breaking is a reader that fails after some bytes.
type breaking struct {
	io.ReadCloser
	left int64
}

func (b *breaking) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, injected("the connection broke")
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
