package simulate

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

// Metadata returns a metadata store as the driver reaches it.
func (d *Driver) Metadata(store metadata.Store) metadata.Store { return &metadataStore{store, d} }

type metadataStore struct {
	metadata.Store
	d *Driver
}

// reach waits until a call of the store begins. It returns an error for a call that does not come through.
func (m *metadataStore) reach(ctx context.Context, what string) (int, *rand.Rand, error) {
	n, r := m.d.call(what)
	if err := m.d.alive(ctx, m.d.delay(r)); err != nil {
		return n, r, err
	}
	m.d.mu.Lock()
	away := m.d.away
	m.d.mu.Unlock()
	if time.Now().Before(away) {
		return n, r, injected("the metadata store is out of reach")
	}
	return n, r, nil
}

// Apply implements [metadata.Store]. It may fail, or be the last that its driver does, before the batch is applied or after it.
func (m *metadataStore) Apply(ctx context.Context, b metadata.Batch) error {
	n, r, err := m.reach(ctx, "apply")
	if err != nil {
		return err
	}
	d, w := m.d, m.d.r.w
	apply := func() error {
		w.signalled.Add(int64(len(b.Signals)))
		return m.Store.Apply(ctx, b)
	}
	dies, fails := d.happens(Deaths, r, 0.1), d.happens(Failures, r, 0.5)
	after, long := r.IntN(2) == 0, r.IntN(3) == 0
	switch {
	case dies && long:
		d.cutOff(n, r)
		return injected("the metadata store is out of reach")
	case dies:
		if after {
			err = apply()
		}
		w.note(Deaths, "", "driver %d dies %s commit %d", d.n, word(after), n)
		d.die()
		if err != nil {
			return err
		}
		return errDead
	case fails && after:
		if err := apply(); err != nil {
			return err
		}
		w.note(Failures, "", "driver %d: the acknowledgement of commit %d is lost", d.n, n)
		return injected("the acknowledgement of a commit was lost")
	case fails:
		w.note(Failures, "", "driver %d: commit %d fails", d.n, n)
		return injected("a commit failed")
	}
	return apply()
}

// cutOff takes a driver from the metadata store for about as long as it, and the lease of a driver, have patience.
func (d *Driver) cutOff(n int, r *rand.Rand) {
	d.mu.Lock()
	d.away = time.Now().Add(time.Duration(45+r.IntN(70)) * time.Second)
	until := time.Until(d.away)
	d.mu.Unlock()
	d.r.w.note(Deaths, "", "driver %d is cut off from the metadata store before commit %d, for %v", d.n, n, until)
	d.leave()
}

func word(after bool) string {
	if after {
		return "after"
	}
	return "before"
}

// read fails at times.
func (m *metadataStore) read(ctx context.Context, what string) error {
	n, r, err := m.reach(ctx, what)
	if err != nil {
		return err
	}
	if m.d.happens(Failures, r, 0.2) {
		m.d.r.w.note(Failures, "", "driver %d: %s %d fails", m.d.n, what, n)
		return injected("the metadata store failed")
	}
	return nil
}

// Lookup implements [metadata.Store].
func (m *metadataStore) Lookup(ctx context.Context, keys []string) (map[string]metadata.Step, error) {
	if err := m.read(ctx, "lookup"); err != nil {
		return nil, err
	}
	return m.Store.Lookup(ctx, keys)
}

// Run implements [metadata.Store].
func (m *metadataStore) Run(ctx context.Context, id string) (metadata.Run, error) {
	if err := m.read(ctx, "reading of a run"); err != nil {
		return metadata.Run{}, err
	}
	return m.Store.Run(ctx, id)
}

// Runs implements [metadata.Store].
func (m *metadataStore) Runs(ctx context.Context, q metadata.RunQuery) (metadata.Page[metadata.Run], error) {
	if err := m.read(ctx, "listing of runs"); err != nil {
		return metadata.Page[metadata.Run]{}, err
	}
	return m.Store.Runs(ctx, q)
}

// Steps implements [metadata.Store].
func (m *metadataStore) Steps(ctx context.Context, q metadata.StepQuery) (metadata.Page[metadata.Step], error) {
	if err := m.read(ctx, "listing of steps"); err != nil {
		return metadata.Page[metadata.Step]{}, err
	}
	return m.Store.Steps(ctx, q)
}

// Attempts implements [metadata.Store].
func (m *metadataStore) Attempts(ctx context.Context, q metadata.AttemptQuery) (metadata.Page[metadata.Attempt], error) {
	if err := m.read(ctx, "listing of attempts"); err != nil {
		return metadata.Page[metadata.Attempt]{}, err
	}
	return m.Store.Attempts(ctx, q)
}

// CountSteps implements [metadata.Store].
func (m *metadataStore) CountSteps(ctx context.Context, run string) (map[metadata.StepState]int, error) {
	if err := m.read(ctx, "counting of steps"); err != nil {
		return nil, err
	}
	return m.Store.CountSteps(ctx, run)
}

// Checkpoints implements [metadata.Store].
func (m *metadataStore) Checkpoints(ctx context.Context, run string) ([]metadata.Checkpoint, error) {
	if err := m.read(ctx, "listing of checkpoints"); err != nil {
		return nil, err
	}
	return m.Store.Checkpoints(ctx, run)
}

// Document implements [metadata.Store].
func (m *metadataStore) Document(ctx context.Context, digest artifact.Digest) (metadata.Document, error) {
	if err := m.read(ctx, "reading of a document"); err != nil {
		return metadata.Document{}, err
	}
	return m.Store.Document(ctx, digest)
}

// Signals implements [metadata.Store]. Drivers ask twice a second: hours of simulated time would be spent on answers that are known.
func (m *metadataStore) Signals(ctx context.Context, q metadata.SignalQuery) (metadata.Page[metadata.Signal], error) {
	if m.d.isDead() {
		return metadata.Page[metadata.Signal]{}, errDead
	}
	if m.d.r.w.signalled.Load() == 0 {
		return metadata.Page[metadata.Signal]{}, nil
	}
	return m.Store.Signals(ctx, q)
}

// Metadata returns a metadata store as it is reached by those who send signals to runs. Nothing happens to them.
func (w *World) Metadata(store metadata.Store) metadata.Store { return &outside{store, w} }

type outside struct {
	metadata.Store
	w *World
}

// Apply implements [metadata.Store].
func (o *outside) Apply(ctx context.Context, b metadata.Batch) error {
	o.w.signalled.Add(int64(len(b.Signals)))
	return o.Store.Apply(ctx, b)
}
