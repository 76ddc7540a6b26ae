package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// Apply implements [metadata.Store].
func (s *store) Apply(ctx context.Context, b metadata.Batch) error {
	if err := b.Validate(); err != nil {
		return err
	}
	e, err := encode(b)
	if err != nil {
		return err
	}
	return s.update(ctx, "apply", b.Durable, func(t *tx) error {
		return newBatch(t, b, e).apply()
	})
}

func newBatch(t *tx, b metadata.Batch, e encoded) *batch {
	return &batch{tx: t, Batch: b, encoded: e, runs: map[string]int64{}, saved: map[int64]bool{}}
}

// batch is a batch that is being applied.
type batch struct {
	*tx
	metadata.Batch
	encoded
	runs  map[string]int64 // what tables call a run
	saved map[int64]bool   // whether a run has checkpoints
}

// encoded holds rows of a batch as JSON. They are encoded by the caller's goroutine, since there is but one writer.
type encoded struct{ create, steps, attempts []string }

func encode(b metadata.Batch) (e encoded, err error) {
	if e.create, err = encodeAll(b.Create, func(r *metadata.Run) { r.Outputs = nil }); err != nil {
		return e, err
	}
	if e.steps, err = encodeAll(b.Steps, nil); err != nil {
		return e, err
	}
	e.attempts, err = encodeAll(b.Attempts, nil)
	return e, err
}

func encodeAll[T any](rows []T, change func(*T)) ([]string, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	out := make([]string, len(rows))
	for i, r := range rows {
		if change != nil {
			change(&r)
		}
		body, err := toJSON(r)
		if err != nil {
			return nil, err
		}
		out[i] = body
	}
	return out, nil
}

func toJSON(row any) (string, error) {
	body, err := json.Marshal(row)
	if err != nil {
		return "", component.Errorf(component.Invalid, "metadata: a %T that is no JSON: %w", row, err)
	}
	return string(body), nil
}

func (b *batch) apply() error {
	if b.ID != "" {
		id, err := uuid.Parse(b.ID)
		if err != nil {
			return component.Errorf(component.Invalid, "metadata: batch.id: %w", err)
		}
		n, err := b.changed("INSERT INTO batches (id) VALUES (?) ON CONFLICT DO NOTHING", id[:])
		if err != nil || n == 0 {
			return err // applied before
		}
	}
	for _, write := range []func() error{
		b.fence, b.refuseCondemned, b.putDocuments, b.createRuns, b.updateRuns, b.hold, b.putSteps, b.putAttempts, b.putCheckpoints,
		b.putMetrics, b.addVersions, b.addSignals,
	} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

// fence refuses a batch of a driver that was superseded.
func (b *batch) fence() error {
	if b.Run == "" {
		return nil
	}
	if i := slices.IndexFunc(b.Create, func(r metadata.Run) bool { return r.ID == b.Run }); i >= 0 {
		return fenced(b.Run, b.Create[i].Epoch, b.Epoch)
	}
	var epoch int
	err := b.row("SELECT epoch FROM runs WHERE id = ?", b.Run).Scan(&epoch)
	if errors.Is(err, sql.ErrNoRows) {
		return component.Errorf(component.NotFound, "metadata: run %s does not exist", b.Run)
	}
	if err != nil {
		return err
	}
	if b.Epoch > epoch && slices.ContainsFunc(b.Update, func(r metadata.Run) bool { return r.ID == b.Run && r.Epoch == b.Epoch }) {
		return nil // a new driver takes over
	}
	return fenced(b.Run, epoch, b.Epoch)
}

func fenced(run string, epoch, got int) error {
	if epoch == got {
		return nil
	}
	return component.Errorf(component.FailedPrecondition, "metadata: run %s is driven by another process now (epoch %d, not %d)", run, epoch, got)
}

// number returns what tables call a run.
func (b *batch) number(run string) (int64, error) {
	if n, ok := b.runs[run]; ok {
		return n, nil
	}
	var n int64
	err := b.row("SELECT n FROM runs WHERE id = ?", run).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, component.Errorf(component.NotFound, "metadata: run %s does not exist", run)
	}
	if err == nil {
		b.runs[run] = n
	}
	return n, err
}

func (b *batch) putDocuments() error {
	for _, d := range b.Documents {
		if _, err := b.exec("INSERT INTO documents (digest, kind, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", sum(d.Digest), d.Kind, notNull(d.Body)); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) putAttempts() error {
	for i := range b.Attempts {
		a := &b.Attempts[i]
		run, err := b.number(a.Run)
		if err != nil {
			return err
		}
		if _, err := b.exec("INSERT INTO attempts (run, id, step, idx, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
			run, a.ID, a.Step, a.Index, b.attempts[i]); err != nil {
			return err
		}
		for _, l := range a.Logs {
			if err := b.refer(run, theRun, l.Digest); err != nil {
				return err
			}
		}
	}
	return nil
}

// hold records what the run of the batch needs, although no row names it.
func (b *batch) hold() error {
	if len(b.Holds) == 0 {
		return nil
	}
	run, err := b.number(b.Run)
	if err != nil {
		return err
	}
	for _, d := range b.Holds {
		if err := b.refer(run, theRun, d); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) putMetrics() error {
	for i := range b.Metrics {
		m := &b.Metrics[i]
		run, err := b.number(m.Run)
		if err != nil {
			return err
		}
		value := sql.NullFloat64{Float64: m.Value, Valid: !math.IsNaN(m.Value)}
		if _, err := b.exec("INSERT INTO metrics (run, step, idx, attempt, seq, name, value, time) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			run, m.Step, m.Index, m.Attempt, m.Seq, m.Name, value, nanos(m.Time)); err != nil {
			return err
		}
	}
	return nil
}

// addVersions gives the artifact the next number of its name, or the newest one if that is of the same content.
func (b *batch) addVersions() error {
	for _, v := range b.Versions {
		record, err := b.output(v)
		if err != nil {
			return err
		}
		var newest int
		err = b.row("SELECT newest FROM names WHERE name = ?", v.Name).Scan(&newest)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var digest []byte
		err = b.row("SELECT digest FROM versions WHERE name = ? AND version = ? LIMIT 1", v.Name, newest).Scan(&digest)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if string(digest) != string(sum(record.Digest)) {
			newest++
			if _, err := b.exec("INSERT INTO names (name, newest) VALUES (?, ?) ON CONFLICT DO UPDATE SET newest = excluded.newest", v.Name, newest); err != nil {
				return err
			}
		}
		if _, err := b.exec("INSERT INTO versions (name, version, artifact, digest, created) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			v.Name, newest, v.Artifact, sum(record.Digest), nanos(v.Created)); err != nil {
			return err
		}
	}
	return nil
}

// output returns the record of the artifact that a version names.
func (b *batch) output(v metadata.Version) (artifact.Record, error) {
	var body []byte
	err := b.row("SELECT s.body FROM artifacts a JOIN steps s ON s.n = a.step WHERE a.id = ?", v.Artifact).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return artifact.Record{}, component.Errorf(component.NotFound, "metadata: version of %s: artifact %s does not exist", v.Name, v.Artifact)
	}
	if err != nil {
		return artifact.Record{}, err
	}
	step, err := fromJSON[metadata.Step](body)
	if err != nil {
		return artifact.Record{}, err
	}
	for _, o := range step.Outputs {
		if o.ID != v.Artifact {
			continue
		}
		if o.Pruned {
			return artifact.Record{}, component.Errorf(component.FailedPrecondition, "metadata: version of %s: the content of artifact %s was pruned", v.Name, v.Artifact)
		}
		return o.Record, nil
	}
	return artifact.Record{}, component.Errorf(component.Corrupt, "metadata: artifact %s is not among the outputs of its step", v.Artifact)
}
