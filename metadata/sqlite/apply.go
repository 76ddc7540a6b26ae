package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// Apply implements [metadata.Store].
func (s *store) Apply(ctx context.Context, b metadata.Batch) error {
	if err := checkBatch(b); err != nil {
		return err
	}
	return s.update(ctx, "apply", b.Durable, func(t *tx) error { return t.apply(b) })
}

func (t *tx) apply(b metadata.Batch) error {
	if b.ID != "" {
		n, err := t.exec("INSERT INTO batches (id, applied) VALUES (?, ?) ON CONFLICT DO NOTHING", b.ID, time.Now().Unix())
		if err != nil || n == 0 {
			return err // applied before
		}
	}
	if b.Run != "" {
		if err := t.fence(b); err != nil {
			return err
		}
	}
	if t.condemned {
		if err := t.refuseCondemned(b); err != nil {
			return err
		}
	}
	for _, d := range b.Documents {
		if _, err := t.exec("INSERT INTO documents (digest, kind, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", d.Digest, d.Kind, d.Body); err != nil {
			return err
		}
	}
	pipelines := map[string]string{}
	return each([]func() error{
		func() error { return each(b.Create, t.createRun) },
		func() error { return each(b.Update, t.updateRun) },
		func() error { return each(b.Steps, func(s metadata.Step) error { return t.putStep(s, pipelines) }) },
		func() error { return each(b.Attempts, t.putAttempt) },
		func() error { return each(b.Metrics, t.putMetric) },
		func() error { return each(b.Versions, t.addVersion) },
	}, func(write func() error) error { return write() })
}

// each stops at the first error.
func each[T any](rows []T, do func(T) error) error {
	for _, r := range rows {
		if err := do(r); err != nil {
			return err
		}
	}
	return nil
}

// fence refuses a batch of a driver that was superseded.
func (t *tx) fence(b metadata.Batch) error {
	var epoch int
	err := t.row("SELECT epoch FROM runs WHERE id = ?", b.Run).Scan(&epoch)
	if errors.Is(err, sql.ErrNoRows) {
		if slices.ContainsFunc(b.Create, func(r metadata.Run) bool { return r.ID == b.Run }) {
			return nil
		}
		return component.Errorf(component.NotFound, "metadata: run %s does not exist", b.Run)
	}
	if err != nil {
		return err
	}
	next := slices.ContainsFunc(b.Update, func(r metadata.Run) bool { return r.ID == b.Run && r.Epoch == b.Epoch && b.Epoch > epoch })
	if epoch != b.Epoch && !next {
		return component.Errorf(component.FailedPrecondition, "metadata: run %s is driven by another process now (epoch %d, not %d)", b.Run, epoch, b.Epoch)
	}
	return nil
}

func (t *tx) createRun(r metadata.Run) error {
	body, err := json.Marshal(r)
	if err != nil {
		return component.Errorf(component.Invalid, "metadata: run %s: %w", r.ID, err)
	}
	n, err := t.exec("INSERT INTO runs (id, name, pipeline, state, epoch, graph, plan, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		r.ID, r.Name, r.Pipeline, r.State, r.Epoch, r.Graph, r.Plan, body)
	if err != nil {
		return err
	}
	if n == 0 {
		return component.Errorf(component.AlreadyExists, "metadata: run %s already exists", r.ID)
	}
	for k, v := range r.Tags {
		if _, err := t.exec("INSERT INTO run_tags (key, value, run_id) VALUES (?, ?, ?)", k, v, r.ID); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) updateRun(u metadata.Run) error {
	var body []byte
	err := t.row("SELECT body FROM runs WHERE id = ?", u.ID).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return component.Errorf(component.NotFound, "metadata: run %s does not exist", u.ID)
	}
	if err != nil {
		return err
	}
	var r metadata.Run
	if err := json.Unmarshal(body, &r); err != nil {
		return component.Errorf(component.Corrupt, "metadata: run %s: %w", u.ID, err)
	}
	if !r.State.CanBecome(u.State) {
		return component.Errorf(component.FailedPrecondition, "metadata: run %s is %s and cannot become %s", u.ID, r.State, u.State)
	}
	if u.Epoch < r.Epoch {
		return component.Errorf(component.FailedPrecondition, "metadata: run %s is driven by another process now (epoch %d, not %d)", u.ID, r.Epoch, u.Epoch)
	}
	r.State, r.Epoch, r.Driver, r.Started, r.Finished = u.State, u.Epoch, u.Driver, u.Started, u.Finished
	r.Error, r.Counts, r.Outputs = u.Error, u.Counts, u.Outputs
	if body, err = json.Marshal(r); err != nil {
		return component.Errorf(component.Invalid, "metadata: run %s: %w", u.ID, err)
	}
	if _, err = t.exec("UPDATE runs SET state = ?, epoch = ?, body = ? WHERE id = ?", r.State, r.Epoch, body, r.ID); err != nil {
		return err
	}
	for _, rec := range u.Outputs {
		if err := t.refer(r.ID, rec); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) putStep(st metadata.Step, pipelines map[string]string) error {
	pipeline, ok := pipelines[st.Run]
	if !ok {
		err := t.row("SELECT pipeline FROM runs WHERE id = ?", st.Run).Scan(&pipeline)
		if errors.Is(err, sql.ErrNoRows) {
			return component.Errorf(component.NotFound, "metadata: step %s: run %s does not exist", st.Step, st.Run)
		}
		if err != nil {
			return err
		}
		pipelines[st.Run] = pipeline
	}
	body, err := json.Marshal(st)
	if err != nil {
		return component.Errorf(component.Invalid, "metadata: step %s of run %s: %w", st.Step, st.Run, err)
	}
	var key, computed any
	if st.CacheKey != "" && (st.State == metadata.StepSucceeded || st.State == metadata.StepCached) {
		key, computed = st.CacheKey, st.Computed.UnixNano()
	}
	n, err := t.exec(`INSERT INTO steps (run_id, step, idx, state, elements, cache_key, computed, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET state = excluded.state, elements = excluded.elements, cache_key = excluded.cache_key, computed = excluded.computed, body = excluded.body
		WHERE instr(?, ',' || steps.state || ',')`,
		st.Run, st.Step, st.Index, st.State, st.Elements, key, computed, body, before(st.State))
	if err != nil {
		return err
	}
	if n == 0 {
		return component.Errorf(component.FailedPrecondition, "metadata: step %s (%d) of run %s has ended otherwise and cannot become %s", st.Step, st.Index, st.Run, st.State)
	}
	for _, o := range st.Outputs {
		if _, err := t.exec("INSERT INTO artifacts (id, run_id, step, idx, name, pipeline, digest, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			o.ID, st.Run, st.Step, st.Index, o.Name, pipeline, o.Record.Digest, st.Finished.UnixNano()); err != nil {
			return err
		}
		if err := t.refer(st.Run, o.Record); err != nil {
			return err
		}
	}
	for _, in := range st.Inputs {
		if in.Artifact == "" && in.Digest != "" { // outside data, or an element of a list: no output refers to it
			if err := t.referTo(st.Run, in.Digest); err != nil {
				return err
			}
		}
	}
	return nil
}

// before lists the states that may become s, as ",a,b,".
func before(s metadata.StepState) string {
	var b strings.Builder
	b.WriteByte(',')
	for _, from := range metadata.StepStates() {
		if from.CanBecome(s) {
			b.WriteString(string(from))
			b.WriteByte(',')
		}
	}
	return b.String()
}

// refer records that a run keeps content alive. Inline content has no bytes of its own.
func (t *tx) refer(run string, r artifact.Record) error {
	for _, e := range r.Elements {
		if err := t.refer(run, e); err != nil {
			return err
		}
	}
	if r.Inline != nil || r.Codec == artifact.GatherCodec {
		return nil
	}
	return t.referTo(run, r.Digest)
}

func (t *tx) referTo(run string, d artifact.Digest) error {
	_, err := t.exec("INSERT INTO content_refs (digest, run_id) VALUES (?, ?) ON CONFLICT DO NOTHING", d, run)
	return err
}

func (t *tx) putAttempt(a metadata.Attempt) error {
	body, err := json.Marshal(a)
	if err != nil {
		return component.Errorf(component.Invalid, "metadata: attempt %s: %w", a.ID, err)
	}
	_, err = t.exec("INSERT INTO attempts (run_id, id, step, idx, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
		a.Run, a.ID, a.Step, a.Index, body)
	if err != nil {
		return err
	}
	for _, l := range a.Logs {
		if l.Digest != "" {
			if err := t.referTo(a.Run, l.Digest); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tx) putMetric(m metadata.Metric) error {
	_, err := t.exec("INSERT INTO metrics (run_id, step, idx, attempt, seq, name, value, time) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		m.Run, m.Step, m.Index, m.Attempt, m.Seq, m.Name, strconv.FormatFloat(m.Value, 'g', -1, 64), m.Time.UnixNano())
	return err
}

func (t *tx) addVersion(v metadata.Version) error {
	var digest string
	err := t.row("SELECT digest FROM artifacts WHERE id = ?", v.Artifact).Scan(&digest)
	if errors.Is(err, sql.ErrNoRows) {
		return component.Errorf(component.NotFound, "metadata: version of %s: artifact %s does not exist", v.Name, v.Artifact)
	}
	if err != nil {
		return err
	}
	var newest int
	var same sql.NullString
	err = t.row(`SELECT v.version, a.digest FROM versions v LEFT JOIN artifacts a ON a.id = v.artifact WHERE v.name = ? ORDER BY v.version DESC LIMIT 1`, v.Name).Scan(&newest, &same)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if same.String == digest {
		return nil
	}
	_, err = t.exec("INSERT INTO versions (name, version, artifact, created) VALUES (?, ?, ?, ?)", v.Name, newest+1, v.Artifact, v.Created.UnixNano())
	return err
}
