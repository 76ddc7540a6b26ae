package metadatatest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

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
				if _, err := s.Revive(ctx, condemned.Digests, condemned.Generation); err != nil {
					return err
				}
				return s.Apply(ctx, b)
			}
			return err
		}),
		"keeps the plan": applying("Apply/Plan", func(ctx context.Context, s metadata.Store, b metadata.Batch) error {
			for i := range b.Update {
				b.Update[i].Plan = ""
			}
			return s.Apply(ctx, b)
		}),
		"keeps the code": applying("Apply/Plan", func(ctx context.Context, s metadata.Store, b metadata.Batch) error {
			for i := range b.Update {
				if b.Update[i].Code == "" {
					old, err := s.Run(ctx, b.Update[i].ID)
					if err != nil {
						return err
					}
					b.Update[i].Code = old.Code
				}
			}
			return s.Apply(ctx, b)
		}),
		"holds nothing": applying("Content/Holds", func(ctx context.Context, s metadata.Store, b metadata.Batch) error {
			b.Holds = nil
			return s.Apply(ctx, b)
		}),
		"signals what has ended": applying("Signals/States", func(ctx context.Context, s metadata.Store, b metadata.Batch) error {
			err := s.Apply(ctx, b)
			if len(b.Signals) > 0 && errors.Is(err, component.ErrFailedPrecondition) {
				return nil
			}
			return err
		}),
		"repeats signals": applying("Signals/Once", func(ctx context.Context, s metadata.Store, b metadata.Batch) error {
			for i := range b.Signals {
				b.Signals[i].ID = uuid.Must(uuid.NewV7()).String()
			}
			return s.Apply(ctx, b)
		}),
		"loses the first of two checkpoints": applying("Checkpoints/Replaced", func(ctx context.Context, s metadata.Store, b metadata.Batch) error {
			if len(b.Checkpoints) > 1 {
				b.Checkpoints = b.Checkpoints[:1]
			}
			return s.Apply(ctx, b)
		}),
		"ignores ages": listing("Runs/Before", func(ctx context.Context, s metadata.Store, q metadata.RunQuery) (metadata.Page[metadata.Run], error) {
			q.Before = time.Time{}
			return s.Runs(ctx, q)
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
		"finds what is not lost": listing("Runs/Lost", func(ctx context.Context, s metadata.Store, q metadata.RunQuery) (metadata.Page[metadata.Run], error) {
			q.Lost = false
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
		"keeps checkpoints":      {"Checkpoints/Forgotten", func(s metadata.Store) metadata.Store { return &hoarder{Store: s} }},
		"forgets for show":       {"Forget/Hides", func(s metadata.Store) metadata.Store { return pretender{s} }},
		"forgets what is young":  {"Forget/Before", func(s metadata.Store) metadata.Store { return timeless{s} }},
		"condemns what is asked": {"Content/Unreferenced", func(s metadata.Store) metadata.Store { return asker{s} }},
		"forgets what is named":  {"Forget/Keeps", func(s metadata.Store) metadata.Store { return eager{s} }},
		"prunes unseen":          {"Forget/Hides", func(s metadata.Store) metadata.Store { return silent{s} }},
		"lists the newest first": {"Results/Order", func(s metadata.Store) metadata.Store { return upside{s} }},
		"lists what was copied":  {"Results/Which", func(s metadata.Store) metadata.Store { return copier{s} }},
		"lists no copies":        {"Results/Heirs", func(s metadata.Store) metadata.Store { return childless{s} }},
		"ignores prefixes":       {"Names/Prefix", func(s metadata.Store) metadata.Store { return prefixer{s} }},
		"lists first versions":   {"Names/Newest", func(s metadata.Store) metadata.Store { return oldest{s} }},
		"forgets deletions":      {"Protocol/Interleaved", func(s metadata.Store) metadata.Store { return forgetful{s} }},
		"revives too early":      {"Content/Generation", func(s metadata.Store) metadata.Store { return trusting{s} }},
		"keeps deletions":        {"Content/Delete", func(s metadata.Store) metadata.Store { return discreet{s} }},
		"takes any key":          {"Values/InvalidKeys", func(s metadata.Store) metadata.Store { return lenient{s} }},
	}
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
