package metadatatest_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/metadatatest"
)

const mutantEnv = "METADATATEST_MUTANT"

// applier is a store whose Apply has a fault.
type applier struct {
	metadata.Store
	apply func(ctx context.Context, s metadata.Store, b metadata.Batch) error
}

func (a applier) Apply(ctx context.Context, b metadata.Batch) error { return a.apply(ctx, a.Store, b) }

// lister is a store whose Runs has a fault.
type lister struct {
	metadata.Store
	runs func(ctx context.Context, s metadata.Store, q metadata.RunQuery) (metadata.Page[metadata.Run], error)
}

func (l lister) Runs(ctx context.Context, q metadata.RunQuery) (metadata.Page[metadata.Run], error) {
	return l.runs(ctx, l.Store, q)
}

type mutant struct {
	finder string // the subtest that finds it
	wrap   func(metadata.Store) metadata.Store
}

func applying(finder string, apply func(context.Context, metadata.Store, metadata.Batch) error) mutant {
	return mutant{finder, func(s metadata.Store) metadata.Store { return applier{s, apply} }}
}

func listing(finder string, runs func(context.Context, metadata.Store, metadata.RunQuery) (metadata.Page[metadata.Run], error)) mutant {
	return mutant{finder, func(s metadata.Store) metadata.Store { return lister{s, runs} }}
}

// mutants are stores with one fault each.
func mutants() map[string]mutant {
	return map[string]mutant{
		"is not atomic": applying("Apply/Atomic", func(ctx context.Context, s metadata.Store, b metadata.Batch) error {
			if err := s.Apply(ctx, metadata.Batch{Documents: b.Documents}); err != nil {
				return err
			}
			return s.Apply(ctx, b)
		}),
		"forgets batches": applying("Apply/Idempotent", func(ctx context.Context, s metadata.Store, b metadata.Batch) error {
			b.ID = ""
			return s.Apply(ctx, b)
		}),
		"remembers refused batches": applying("Apply/RefusedIsNotRemembered", func(ctx context.Context, s metadata.Store, b metadata.Batch) error {
			err := s.Apply(ctx, b)
			return errors.Join(err, s.Apply(ctx, metadata.Batch{ID: b.ID}))
		}),
		"overwrites runs": applying("Apply/AlreadyExists", func(ctx context.Context, s metadata.Store, b metadata.Batch) error {
			if err := s.Apply(ctx, b); !errors.Is(err, component.ErrAlreadyExists) {
				return err
			}
			return nil
		}),
		"loses codes": applying("Apply/NotFound", func(ctx context.Context, s metadata.Store, b metadata.Batch) error {
			if err := s.Apply(ctx, b); err != nil {
				return errors.New(err.Error())
			}
			return nil
		}),
		"does not fence": applying("Fence/Epoch", func(ctx context.Context, s metadata.Store, b metadata.Batch) error {
			b.Run = ""
			return s.Apply(ctx, b)
		}),
		"swallows bad transitions": applying("State/Steps", func(ctx context.Context, s metadata.Store, b metadata.Batch) error {
			if err := s.Apply(ctx, b); !errors.Is(err, component.ErrFailedPrecondition) {
				return err
			}
			return nil
		}),
		"loses when results were computed": applying("Lookup/Newest", func(ctx context.Context, s metadata.Store, b metadata.Batch) error {
			for i := range b.Steps {
				b.Steps[i].Computed = time.Time{}
			}
			return s.Apply(ctx, b)
		}),
		"cuts errors": applying("Values/Huge", func(ctx context.Context, s metadata.Store, b metadata.Batch) error {
			for i := range b.Steps {
				b.Steps[i].Error = b.Steps[i].Error[:min(len(b.Steps[i].Error), 1<<16)]
			}
			return s.Apply(ctx, b)
		}),
		"revives on its own": applying("Content/Refused", func(ctx context.Context, s metadata.Store, b metadata.Batch) error {
			err := s.Apply(ctx, b)
			var condemned *metadata.CondemnedError
			if errors.As(err, &condemned) {
				if _, err := s.Revive(ctx, condemned.Digests); err != nil {
					return err
				}
				return s.Apply(ctx, b)
			}
			return err
		}),
		"pages by offset": listing("Runs/Stable", func(ctx context.Context, s metadata.Store, q metadata.RunQuery) (metadata.Page[metadata.Run], error) {
			offset, _ := strconv.Atoi(q.After)
			limit := q.Size()
			q.Cursor = metadata.Cursor{Limit: 1000}
			page, err := s.Runs(ctx, q)
			page.Items = page.Items[min(offset, len(page.Items)):]
			page.Next = ""
			if len(page.Items) > limit {
				page.Items, page.Next = page.Items[:limit], strconv.Itoa(offset+limit)
			}
			return page, err
		}),
		"ends early": listing("Runs/Pages", func(ctx context.Context, s metadata.Store, q metadata.RunQuery) (metadata.Page[metadata.Run], error) {
			page, err := s.Runs(ctx, q)
			if len(page.Items) == 1 {
				page.Next = ""
			}
			return page, err
		}),
		"ignores tags": listing("Runs/Filters", func(ctx context.Context, s metadata.Store, q metadata.RunQuery) (metadata.Page[metadata.Run], error) {
			q.Tags = nil
			return s.Runs(ctx, q)
		}),
		"starts anew": listing("Runs/Cursor", func(ctx context.Context, s metadata.Store, q metadata.RunQuery) (metadata.Page[metadata.Run], error) {
			page, err := s.Runs(ctx, q)
			if errors.Is(err, component.ErrInvalid) {
				q.After = ""
				return s.Runs(ctx, q)
			}
			return page, err
		}),
		"lists outputs": listing("Runs/NoOutputs", func(ctx context.Context, s metadata.Store, q metadata.RunQuery) (metadata.Page[metadata.Run], error) {
			page, err := s.Runs(ctx, q)
			for i := range page.Items {
				page.Items[i], err = s.Run(ctx, page.Items[i].ID)
			}
			return page, err
		}),
		"ignores contexts": listing("Lifetime/Canceled", func(ctx context.Context, s metadata.Store, q metadata.RunQuery) (metadata.Page[metadata.Run], error) {
			return s.Runs(context.WithoutCancel(ctx), q)
		}),
		"finds one key":          {"Lookup/Limit", func(s metadata.Store) metadata.Store { return shortSighted{s} }},
		"counts mapped steps":    {"Steps/Count", func(s metadata.Store) metadata.Store { return counter{s} }},
		"loses NaN":              {"Attempts/MetricValues", func(s metadata.Store) metadata.Store { return finite{s} }},
		"loses empty content":    {"Values/EmptyInline", func(s metadata.Store) metadata.Store { return emptier{s} }},
		"ignores versions":       {"Versions/Numbers", func(s metadata.Store) metadata.Store { return newest{s} }},
		"lists outputs backward": {"Artifacts/Order", func(s metadata.Store) metadata.Store { return backward{s} }},
		"deletes what runs":      {"Delete/States", func(s metadata.Store) metadata.Store { return deleter{s} }},
		"overwrites stacks":      {"Stacks/Versions", func(s metadata.Store) metadata.Store { return overwriter{s} }},
		"deletes active stacks":  {"Stacks/Active", func(s metadata.Store) metadata.Store { return careless{s} }},
		"condemns what is used":  {"Delete/KeepsContent", func(s metadata.Store) metadata.Store { return condemner{s} }},
		"deletes at once":        {"Content/Delete", func(s metadata.Store) metadata.Store { return hasty{s} }},
		"takes any key":          {"Values/InvalidKeys", func(s metadata.Store) metadata.Store { return lenient{s} }},
	}
}

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

// TestMutant runs the suite on a faulty store, in a process that TestSuiteFindsFaults started.
func TestMutant(t *testing.T) {
	name := os.Getenv(mutantEnv)
	if name == "" {
		t.Skip("run by TestSuiteFindsFaults")
	}
	metadatatest.Run(t, metadatatest.Harness{Open: func(t *testing.T) metadata.Store { return mutants()[name].wrap(harness().Open(t)) }})
}

// The suite is only worth something if faulty stores fail it.
func TestSuiteFindsFaults(t *testing.T) {
	t.Parallel()
	for name, mutant := range mutants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			finder := "TestMutant/" + mutant.finder
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMutant$/^"+strings.ReplaceAll(mutant.finder, "/", "$/^")+"$")
			cmd.Env = append(os.Environ(), mutantEnv+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil || !bytes.Contains(out, []byte("--- FAIL: "+finder)) {
				t.Errorf("%s did not fail (%v):\n%s", finder, err, out)
			}
		})
	}
}
