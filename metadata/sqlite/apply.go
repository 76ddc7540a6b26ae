package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"slices"

	"github.com/google/uuid"

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
	write := s.update
	if ends(b) {
		write = s.free
	}
	return write(ctx, "apply", b.Durable, func(t *tx) error {
		return newBatch(t, b, e).apply()
	})
}

func newBatch(t *tx, b metadata.Batch, e encoded) *batch {
	return &batch{tx: t, Batch: b, encoded: e, runs: map[string]int64{}, saved: map[int64]bool{}, held: map[int64]bool{}}
}

// batch is a batch that is being applied.
type batch struct {
	*tx
	metadata.Batch
	encoded
	runs  map[string]int64 // what tables call a run
	saved map[int64]bool   // whether a run has checkpoints
	held  map[int64]bool   // whether a run has holds
}

// fact asks something about a run once in a batch.
func (b *batch) fact(known map[int64]bool, run int64, question string) (is bool, err error) {
	is, ok := known[run]
	if ok {
		return is, nil
	}
	if is, err = b.holds(question, run); err == nil {
		known[run] = is
	}
	return is, err
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
	var n int64
	var epoch int
	err := b.row("SELECT n, epoch FROM runs WHERE id = ?", b.Run).Scan(&n, &epoch)
	if errors.Is(err, sql.ErrNoRows) {
		return component.Errorf(component.NotFound, "metadata: run %s does not exist", b.Run)
	}
	if err != nil {
		return err
	}
	b.runs[b.Run] = n
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
		for _, l := range slices.Concat(a.Logs, a.Printed) {
			if err := b.refer(run, theRun, l.Digest); err != nil {
				return err
			}
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
