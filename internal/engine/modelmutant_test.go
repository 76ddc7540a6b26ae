package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/metadata"
)

// TestModelFaultsFindMistakes: what is wrong between the engine and the metadata store is seen with some seed, and seen again with the same one.
func TestModelFaultsFindMistakes(t *testing.T) {
	t.Parallel()
	specs := []spec{
		{over: -1, failing: -1, attempts: 2, yes: true, takes: time.Minute},
		{kind: mapping, over: -1, size: 3, from: [][]int{{0}}, attempts: 2, takes: time.Minute},
		{kind: thening, over: 1, attempts: 1, takes: time.Second},
		{over: -1, lists: []int{2}, failing: -1, attempts: 1, when: []int{0}, takes: 40 * time.Second},
	}
	for name, m := range map[string]struct {
		mutate func(metadata.Store) metadata.Store
		want   string
	}{
		"nothing is fenced":          {func(s metadata.Store) metadata.Store { return unfenced{s} }, "records something in epoch"},
		"a resumed run forgets":      {func(s metadata.Store) metadata.Store { return forgetful{s} }, "though it is recorded as done"},
		"ends of steps are not kept": {func(s metadata.Store) metadata.Store { return &losing{Store: s} }, ""},
		"what was cancelled is done": {func(s metadata.Store) metadata.Store { return optimistic{s} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const most = 2000
			for seed := range uint64(most) {
				f := faulty{specs: specs, seed: seed, options: plan.Options{OnFailure: plan.Continue, NoCache: true}, mutate: m.mutate}
				found := simulated(t, f.check)
				if len(found) == 0 {
					continue
				}
				if all := strings.Join(found, "\n"); !strings.Contains(all, m.want) {
					t.Errorf("seed %d finds %s\nwant %s", seed, all, m.want)
				}
				t.Logf("seed %d: %s", seed, found[0])
				f.mutate = nil
				if found := simulated(t, f.check); len(found) > 0 {
					t.Errorf("seed %d also finds this without a mistake: %s", seed, found)
				}
				return
			}
			t.Errorf("%d seeds find nothing", most)
		})
	}
}

// unfenced takes the batches of drivers that were superseded.
type unfenced struct{ metadata.Store }

func (u unfenced) Apply(ctx context.Context, b metadata.Batch) error {
	b.Run, b.Epoch = "", 0
	return u.Store.Apply(ctx, b)
}

// forgetful knows of no step when a run is resumed.
type forgetful struct{ metadata.Store }

func (forgetful) Steps(context.Context, metadata.StepQuery) (metadata.Page[metadata.Step], error) {
	return metadata.Page[metadata.Step]{}, nil
}

// losing acknowledges batches without their steps now and then.
type losing struct {
	metadata.Store
	calls int
}

func (l *losing) Apply(ctx context.Context, b metadata.Batch) error {
	if l.calls++; l.calls%5 == 0 {
		b.Steps = nil
	}
	return l.Store.Apply(ctx, b)
}

// optimistic says that steps which were cancelled need not run.
type optimistic struct{ metadata.Store }

func (o optimistic) Steps(ctx context.Context, q metadata.StepQuery) (metadata.Page[metadata.Step], error) {
	page, err := o.Store.Steps(ctx, q)
	for i := range page.Items {
		if page.Items[i].State == cancelled {
			page.Items[i].State = metadata.StepSkipped
		}
	}
	return page, err
}
