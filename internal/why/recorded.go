package why

import (
	"context"
	"errors"
	"sync"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codedoc"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/transfer"
	"github.com/tenon-ml/tenon/metadata"
)

// Run is what is recorded of a run and does not differ between its tasks. It is safe for concurrent use.
type Run struct {
	metadata.Run
	Plan  *plan.Plan
	Graph *graph.Graph
	Code  *codedoc.Code // nil if nothing is known

	store  metadata.Store
	order  sync.Once
	places map[string]int // of steps in the graph, once one was asked for
}

// Read reads the plan, the graph and what is recorded of the code of a run. Code of which nothing is recorded, or that an other version of Tenon
// wrote, is not known.
func Read(ctx context.Context, store metadata.Store, run metadata.Run) (*Run, error) {
	r := &Run{Run: run, store: store}
	doc, err := store.Document(ctx, run.Plan)
	if err == nil {
		r.Plan, err = plan.Parse(doc.Body)
	}
	if err != nil {
		return nil, component.Errorf(component.CodeOf(err), "read the plan of run %s: %w", run.ID, err)
	}
	if doc, err = store.Document(ctx, run.Graph); err == nil {
		r.Graph, err = graph.Parse(doc.Body)
	}
	if err != nil {
		return nil, component.Errorf(component.CodeOf(err), "read the graph of run %s: %w", run.ID, err)
	}
	if len(r.Plan.Steps) != len(r.Graph.Nodes) {
		return nil, component.Errorf(component.Corrupt, "run %s: its plan has %d steps and its graph %d", run.ID, len(r.Plan.Steps), len(r.Graph.Nodes))
	}
	r.Code, err = ReadCode(ctx, store, run)
	return r, err
}

// ReadCode returns what is recorded of the code of a run's steps: nil, which knows nothing, if nothing is, or if another version of Tenon wrote it.
func ReadCode(ctx context.Context, store metadata.Store, run metadata.Run) (*codedoc.Code, error) {
	if run.Code == "" {
		return nil, nil //nolint:nilnil // as documented
	}
	doc, err := store.Document(ctx, run.Code)
	if err == nil {
		var code *codedoc.Code
		if code, err = codedoc.Parse(doc.Body); err == nil {
			return code, nil
		}
	}
	if errors.Is(err, component.ErrNotFound) || errors.Is(err, component.ErrUnsupported) {
		return nil, nil //nolint:nilnil // as documented
	}
	return nil, component.Errorf(component.CodeOf(err), "read the code of run %s: %w", run.ID, err)
}

// Step returns the plan of a step and its node. The error's code is NotFound.
func (r *Run) Step(name string) (*plan.Step, *graph.Node, error) {
	i, err := r.place(name)
	if err != nil {
		return nil, nil, err
	}
	return &r.Plan.Steps[i], &r.Graph.Nodes[i], nil
}

func (r *Run) place(step string) (int, error) {
	r.order.Do(func() {
		r.places = make(map[string]int, len(r.Graph.Nodes))
		for i := range r.Graph.Nodes {
			r.places[r.Graph.Nodes[i].Name] = i
		}
	})
	if i, ok := r.places[step]; ok {
		return i, nil
	}
	return 0, component.Errorf(component.NotFound, "run %s has no step %.80q", r.ID, step)
}

// Facts returns what the cache key of a step or element of the run is made of, as far as it is recorded. The error's code is NotFound if the run's
// graph has no such step.
func (r *Run) Facts(ctx context.Context, row metadata.Step) (Facts, error) {
	f, err := r.facts(row)
	if err != nil {
		return f, err
	}
	return f, resolve(ctx, r.store, f.Inputs)
}

// facts are Facts without what other rows tell of the inputs.
func (r *Run) facts(row metadata.Step) (Facts, error) {
	i, err := r.place(row.Step)
	if err != nil {
		return Facts{}, err
	}
	return factsOf(r.Plan, r.Code, i, &r.Graph.Nodes[i], row.StepKey, row.Inputs), nil
}

// resolve fills in what the artifacts tell that are inputs. Those that are gone tell nothing.
func resolve(ctx context.Context, store metadata.Store, inputs []Input) error {
	for i := range inputs {
		in := &inputs[i]
		if in.Artifact == "" || in.Identity != "" {
			continue
		}
		a, err := store.Artifact(ctx, in.Artifact)
		if errors.Is(err, component.ErrNotFound) {
			continue
		}
		if err != nil {
			return component.Errorf(component.CodeOf(err), "input %s: %w", in.Name, err)
		}
		in.Identity, in.Step = transfer.Identity(a.Record), &a.StepKey
	}
	return nil
}

// Row returns a step of a run, or one element of it. The error's code is NotFound.
func Row(ctx context.Context, store metadata.Store, key metadata.StepKey) (metadata.Step, error) {
	page, err := store.Steps(ctx, metadata.StepQuery{Run: key.Run, Step: key.Step, Index: &key.Index, Cursor: metadata.Cursor{Limit: 1}})
	if err != nil {
		return metadata.Step{}, err
	}
	if len(page.Items) == 0 {
		return metadata.Step{}, component.Errorf(component.NotFound, "nothing is recorded of step %s of run %s", key.Step, key.Run)
	}
	return page.Items[0], nil
}
