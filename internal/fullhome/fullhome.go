// Package fullhome fills a metadata store with as much as a team records in years, so that tests and benchmarks can show that what people do
// every day costs as much then as on the first day. It copies a run that really was: whatever the engine records of it, the copies have.
package fullhome

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

const (
	// between is how long before a copy the one before it was made.
	between = 10 * time.Minute
	// atOnce bounds the steps that are written in one transaction.
	atOnce = 5000
)

// Template is all that is recorded of a run that has ended.
type Template struct {
	run      metadata.Run
	steps    []metadata.Step
	attempts []metadata.Attempt
	metrics  []metadata.Metric
	versions []metadata.Version
	stored   map[artifact.Digest]bool // outputs in the artifact store
}

// Read reads a template.
func Read(ctx context.Context, store metadata.Store, run string) (Template, error) {
	r, err := store.Run(ctx, run)
	if err != nil {
		return Template{}, err
	}
	if !r.State.Ended() {
		return Template{}, component.Errorf(component.FailedPrecondition, "copy run %s: it has not ended", run)
	}
	t := Template{run: r}
	var errs [4]error
	t.steps, errs[0] = all(metadata.All(ctx, store.Steps, metadata.StepQuery{Run: run}))
	t.attempts, errs[1] = all(metadata.All(ctx, store.Attempts, metadata.AttemptQuery{Run: run}))
	t.metrics, errs[2] = all(metadata.All(ctx, store.Metrics, metadata.MetricQuery{Run: run}))
	artifacts, err := all(metadata.All(ctx, store.Artifacts, metadata.ArtifactQuery{Run: run}))
	t.stored = map[artifact.Digest]bool{}
	for _, a := range artifacts {
		t.versions = append(t.versions, a.Versions...)
		t.stored[a.Record.Digest] = a.Record.Inline == nil
	}
	errs[3] = err
	return t, errors.Join(errs[:]...)
}

func all[T any](items iter.Seq2[T, error]) (list []T, err error) {
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

// Attempts returns how many attempts each copy has.
func (t Template) Attempts() int { return len(t.attempts) }

// Fill adds n copies of a run to the store that has it, each of an earlier time. Their results are found under cache keys of their own. What they
// have in the artifact store is recorded as content of their own, which is not there; a named artifact has a version for each. The rows of
// several copies are written in one transaction: a million steps take half a minute.
func (t Template) Fill(ctx context.Context, store metadata.Store, n int) error {
	together := max(1, atOnce/max(1, len(t.steps)))
	for first := 0; first < n; first += together {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		b := metadata.Batch{ID: id.String()}
		for i := first; i < min(n, first+together); i++ {
			c := copied{number: uint64(i + 1), earlier: time.Duration(n-i) * between}
			c.add(t, &b)
		}
		if err := store.Apply(ctx, b); err != nil {
			return component.Errorf(component.CodeOf(err), "copy run %s from copy %d on: %w", t.run.ID, first, err)
		}
	}
	return nil
}
