package sqlite

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func (b *batch) putSteps() error {
	for i := range b.Steps {
		if err := b.putStep(&b.Steps[i], b.steps[i]); err != nil {
			return err
		}
	}
	return nil
}

// putStep writes a row. Most are written once, so that it is tried as a new one first.
func (b *batch) putStep(st *metadata.Step, body string) error {
	run, err := b.number(st.Run)
	if err != nil {
		return err
	}
	var cache any
	if findable(st) {
		cache = cacheHash(st.CacheKey)
	}
	computedIt := cache != nil && st.State == metadata.StepSucceeded
	res, err := b.exec(`INSERT INTO steps (run, step, idx, state, elements, cache, computed, entry, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, run, st.Step, st.Index, string(st.State), st.Elements, cache, nanos(st.Computed), computedIt, body)
	if err != nil {
		return err
	}
	inserted, err := res.RowsAffected()
	if err != nil {
		return err
	}
	var n int64
	if inserted > 0 {
		n, err = res.LastInsertId()
	} else {
		n, err = b.replaceStep(run, st, cache, body)
	}
	if err != nil {
		return err
	}
	if err := b.putOutputs(n, st); err != nil {
		return err
	}
	if err := b.referStep(run, n, st); err != nil {
		return err
	}
	if done(st.State) {
		return b.forgetCheckpoint(run, st.StepKey)
	}
	return nil
}

// done reports whether a step in this state has no further attempt that could go on from a checkpoint.
func done(s metadata.StepState) bool {
	return s == metadata.StepSucceeded || s == metadata.StepCached || s == metadata.StepSkipped
}

// findable reports whether Lookup may return a step.
func findable(st *metadata.Step) bool {
	return st.CacheKey != "" && (st.State == metadata.StepSucceeded || st.State == metadata.StepCached) &&
		!slices.ContainsFunc(st.Outputs, func(o metadata.Output) bool { return o.Pruned })
}

// replaceStep writes over a row.
func (b *batch) replaceStep(run int64, st *metadata.Step, cache any, body string) (n int64, err error) {
	var old []byte
	if err := b.row("SELECT n, body FROM steps WHERE run = ? AND step = ? AND idx = ?", run, st.Step, st.Index).Scan(&n, &old); err != nil {
		return 0, err
	}
	was, err := fromJSON[metadata.Step](old)
	if err != nil {
		return 0, err
	}
	if !was.State.CanBecome(st.State) {
		return 0, component.Errorf(component.FailedPrecondition, "metadata: step %s of run %s is %s and cannot become %s", stepName(st.StepKey), st.Run, was.State, st.State)
	}
	for _, o := range was.Outputs {
		if slices.ContainsFunc(st.Outputs, func(now metadata.Output) bool { return now.ID == o.ID }) {
			continue
		}
		for _, remove := range []string{"DELETE FROM versions WHERE artifact = ?", "DELETE FROM artifacts WHERE id = ?"} {
			if _, err := b.exec(remove, o.ID); err != nil {
				return 0, err
			}
		}
	}
	_, err = b.exec("UPDATE steps SET state = ?1, elements = ?2, cache = ?3, computed = ?4, entry = ?3 IS NOT NULL AND (?5 OR entry), body = ?6 WHERE n = ?7",
		string(st.State), st.Elements, cache, nanos(st.Computed), st.State == metadata.StepSucceeded, body, n)
	return n, err
}

func (b *batch) putOutputs(step int64, st *metadata.Step) error {
	for i := range st.Outputs {
		id := st.Outputs[i].ID
		n, err := b.changed("INSERT INTO artifacts (id, step) VALUES (?, ?) ON CONFLICT DO NOTHING", id, step)
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		var of int64
		if err := b.row("SELECT step FROM artifacts WHERE id = ?", id).Scan(&of); err != nil {
			return err
		}
		if of != step {
			return component.Errorf(component.AlreadyExists, "metadata: step %s of run %s: artifact %s is the output of another step", stepName(st.StepKey), st.Run, id)
		}
	}
	return nil
}

// referStep records what content a step keeps alive. An input that is an artifact is kept by the step that made it; outside data and the
// elements of a list are not.
func (b *batch) referStep(run, n int64, st *metadata.Step) error {
	for i := range st.Outputs {
		if o := &st.Outputs[i]; !o.Pruned {
			if err := b.referOutput(run, n, o.Record); err != nil {
				return err
			}
		}
	}
	for _, in := range st.Inputs {
		if in.Artifact == "" {
			if err := b.refer(run, theRun, in.Digest); err != nil {
				return err
			}
		}
	}
	return nil
}

// cacheHash is what the index holds of a cache key: small, so that a page holds many.
func cacheHash(key string) int64 {
	h := sha256.Sum256([]byte(key))
	return int64(binary.BigEndian.Uint64(h[:8]))
}

// stepName is how a message calls a step or element.
func stepName(k metadata.StepKey) string {
	if k.Index < 0 {
		return k.Step
	}
	return k.Step + "[" + strconv.Itoa(k.Index) + "]"
}
