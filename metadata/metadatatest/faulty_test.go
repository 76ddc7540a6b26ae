package metadatatest_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

type shortSighted struct{ metadata.Store }

func (s shortSighted) Lookup(ctx context.Context, keys []string) (map[string]metadata.Step, error) {
	return s.Store.Lookup(ctx, keys[:min(len(keys), 999)])
}

type counter struct{ metadata.Store }

func (s counter) CountSteps(ctx context.Context, run string) (map[metadata.StepState]int, error) {
	counts := map[metadata.StepState]int{}
	page, err := s.Steps(ctx, metadata.StepQuery{Run: run})
	for _, st := range page.Items {
		counts[st.State]++
	}
	return counts, err
}

type finite struct{ metadata.Store }

func (s finite) Metrics(ctx context.Context, q metadata.MetricQuery) (metadata.Page[metadata.Metric], error) {
	page, err := s.Store.Metrics(ctx, q)
	for i, m := range page.Items {
		if math.IsNaN(m.Value) {
			page.Items[i].Value = 0
		}
	}
	return page, err
}

type emptier struct{ metadata.Store }

func (s emptier) Artifact(ctx context.Context, id string) (metadata.Artifact, error) {
	a, err := s.Store.Artifact(ctx, id)
	if len(a.Record.Inline) == 0 {
		a.Record.Inline = nil
	}
	return a, err
}

type newest struct{ metadata.Store }

func (s newest) Version(ctx context.Context, name string, _ int) (metadata.Version, error) {
	return s.Store.Version(ctx, name, 0)
}

type backward struct{ metadata.Store }

func (s backward) Artifacts(ctx context.Context, q metadata.ArtifactQuery) (metadata.Page[metadata.Artifact], error) {
	page, err := s.Store.Artifacts(ctx, q)
	for i := 1; i < len(page.Items); i++ {
		if page.Items[i].StepKey == page.Items[i-1].StepKey {
			page.Items[i], page.Items[i-1] = page.Items[i-1], page.Items[i]
		}
	}
	return page, err
}

type deleter struct{ metadata.Store }

func (s deleter) DeleteRun(ctx context.Context, id string) error {
	err := s.Store.DeleteRun(ctx, id)
	if errors.Is(err, component.ErrFailedPrecondition) {
		return nil
	}
	return err
}

type overwriter struct{ metadata.Store }

func (s overwriter) PutStack(ctx context.Context, st metadata.Stack, _ int) (metadata.Stack, error) {
	return s.Store.PutStack(ctx, st, 0)
}

type careless struct{ metadata.Store }

func (s careless) DeleteStack(ctx context.Context, name string) error {
	return errors.Join(s.SetActiveStack(ctx, ""), s.Store.DeleteStack(ctx, name))
}

type condemner struct{ metadata.Store }

func (s condemner) Condemn(_ context.Context, digests []artifact.Digest) ([]artifact.Digest, error) {
	return digests, nil
}

type hasty struct{ metadata.Store }

func (s hasty) BeginDelete(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error) {
	begun, err := s.Store.BeginDelete(ctx, digests)
	return begun, errors.Join(err, s.EndDelete(ctx, begun))
}

type lenient struct{ metadata.Store }

func (s lenient) Run(ctx context.Context, id string) (metadata.Run, error) {
	return s.Store.Run(ctx, strings.ToValidUTF8(id, "?"))
}

// hoarder returns every checkpoint that was saved.
type hoarder struct {
	metadata.Store
	mu    sync.Mutex
	saved []metadata.Checkpoint
}

func (s *hoarder) Apply(ctx context.Context, b metadata.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saved = append(s.saved, b.Checkpoints...)
	return s.Store.Apply(ctx, b)
}

func (s *hoarder) Checkpoints(_ context.Context, run string) ([]metadata.Checkpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.saved), func(c metadata.Checkpoint) bool { return c.Run != run }), nil
}

type pretender struct{ metadata.Store }

func (s pretender) Forget(ctx context.Context, keys []string, _ time.Time) (int, error) {
	found, err := s.Lookup(ctx, keys)
	return len(found), err
}

// timeless forgets what is old, and what is not.
type timeless struct{ metadata.Store }

func (s timeless) Forget(ctx context.Context, keys []string, _ time.Time) (int, error) {
	return s.Store.Forget(ctx, keys, time.Time{})
}

// asker condemns what it is only asked about.
type asker struct{ metadata.Store }

func (s asker) Unreferenced(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error) {
	return s.Condemn(ctx, digests)
}

// eager condemns what it is asked about, as if nothing but cached rows kept content.
type eager struct{ metadata.Store }

func (s eager) Condemn(_ context.Context, digests []artifact.Digest) ([]artifact.Digest, error) {
	return digests, nil
}

type silent struct{ metadata.Store }

func (s silent) Artifact(ctx context.Context, id string) (metadata.Artifact, error) {
	a, err := s.Store.Artifact(ctx, id)
	a.Pruned = false
	return a, err
}

type upside struct{ metadata.Store }

func (s upside) Results(ctx context.Context, q metadata.ResultQuery) (metadata.Page[metadata.Result], error) {
	page, err := s.Store.Results(ctx, q)
	slices.Reverse(page.Items)
	return page, err
}

// copier lists a cached step beside the one that computed it.
type copier struct{ metadata.Store }

func (s copier) Results(ctx context.Context, q metadata.ResultQuery) (metadata.Page[metadata.Result], error) {
	page, err := s.Store.Results(ctx, q)
	if len(page.Items) > 0 {
		copied := page.Items[0]
		copied.Step = string(metadata.StepCached)
		page.Items = append(page.Items, copied)
	}
	return page, err
}

// childless lists only what was computed by steps that are there.
type childless struct{ metadata.Store }

func (s childless) Results(ctx context.Context, q metadata.ResultQuery) (metadata.Page[metadata.Result], error) {
	page, err := s.Store.Results(ctx, q)
	page.Items = slices.DeleteFunc(page.Items, func(r metadata.Result) bool {
		rows, err := s.Steps(ctx, metadata.StepQuery{Run: r.Run, Step: r.Step, States: []metadata.StepState{metadata.StepCached}})
		return err == nil && len(rows.Items) > 0
	})
	return page, err
}

type prefixer struct{ metadata.Store }

func (s prefixer) Names(ctx context.Context, _ string, c metadata.Cursor) (metadata.Page[metadata.Version], error) {
	return s.Store.Names(ctx, "", c)
}

type oldest struct{ metadata.Store }

func (s oldest) Names(ctx context.Context, prefix string, c metadata.Cursor) (metadata.Page[metadata.Version], error) {
	page, err := s.Store.Names(ctx, prefix, c)
	for i, v := range page.Items {
		if first, err := s.Version(ctx, v.Name, 1); err == nil {
			page.Items[i] = first
		}
	}
	return page, err
}

// forgetful takes references to what was deleted for new.
type forgetful struct{ metadata.Store }

func (s forgetful) EndDelete(ctx context.Context, digests []artifact.Digest) error {
	if err := s.Store.EndDelete(ctx, digests); err != nil {
		return err
	}
	_, err := s.Revive(ctx, digests, math.MaxInt64)
	return err
}

// trusting revives for whoever asks.
type trusting struct{ metadata.Store }

func (s trusting) Revive(ctx context.Context, digests []artifact.Digest, _ int64) ([]artifact.Digest, error) {
	return s.Store.Revive(ctx, digests, math.MaxInt64)
}

// discreet does not say what is being deleted.
type discreet struct{ metadata.Store }

func (s discreet) Deleting(context.Context) ([]artifact.Digest, error) { return nil, nil }
