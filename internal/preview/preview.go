package preview

import (
	"context"
	"fmt"
	"time"

	"github.com/tenon-ml/tenon/internal/codedoc"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/why"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

const (
	// lookBack is how many earlier runs of a pipeline are compared with it. Of one with many steps they are fewer, so that no more than
	// manySteps steps are.
	lookBack  = 20
	manySteps = 20_000
)

// Request is what a preview is made from.
type Request struct {
	Store metadata.Store
	Graph *graph.Graph
	Plan  *plan.Plan
	// Code says what the fingerprints of the plan are made of; nil if that is not known.
	Code *codedoc.Code
	// Parallel is how many attempts run at once; 0 is no limit.
	Parallel int
}

// Make turns what the engine foresees, step by step in the order of the graph, into what is told of it.
func Make(ctx context.Context, r Request, foreseen []engine.Expected) (pipeline.Plan, error) {
	p := pipeline.Plan{Pipeline: r.Graph.Pipeline, Steps: make([]pipeline.PlannedStep, len(foreseen))}
	past, err := why.NewPast(ctx, r.Store, r.Graph.Pipeline, "", min(lookBack, max(1, manySteps/max(1, len(foreseen)))))
	if err != nil {
		return pipeline.Plan{}, err
	}
	m := maker{r: r, past: past, took: newDurations(r.Store)}
	for i := range foreseen {
		if p.Steps[i], err = m.step(ctx, i, &foreseen[i]); err != nil {
			return pipeline.Plan{}, fmt.Errorf("step %s: %w", foreseen[i].Step, err)
		}
	}
	p.Took, p.Unmeasured = r.duration(p.Steps)
	return p, nil
}

type maker struct {
	r    Request
	past *why.Past
	took *durations
}

var actions = map[engine.Fate]pipeline.Action{
	engine.FateCached: pipeline.ActionCached, engine.FateRuns: pipeline.ActionRun, engine.FateFollows: pipeline.ActionDepends,
	engine.FateOpen: pipeline.ActionDepends, engine.FateSkipped: pipeline.ActionSkip, engine.FateAsks: pipeline.ActionAsk,
}

// step says what is told of the step at a place in the graph.
func (m *maker) step(ctx context.Context, place int, e *engine.Expected) (pipeline.PlannedStep, error) {
	s := pipeline.PlannedStep{Name: e.Step, Action: actions[e.Fate], Reason: e.Reason, After: e.After, From: computedBy(e.From)}
	first := e
	if e.Mapped && e.Elements != nil {
		s.Elements = elementsOf(e.Elements)
		if first = firstToRun(e); first == nil {
			if len(e.Elements) > 0 { // some may have been skipped, or come from elsewhere
				s.From = computedBy(e.Elements[0].From)
			}
			return s, nil
		}
		s.Reason = first.Reason
	}
	if s.Action != pipeline.ActionRun && s.Action != pipeline.ActionDepends {
		return s, nil
	}
	return s, m.explain(ctx, &s, place, first)
}

// computedBy is the run that computed a result.
func computedBy(row *metadata.Step) string {
	switch {
	case row == nil:
		return ""
	case row.Origin != nil:
		return row.Origin.Run
	}
	return row.Run
}

func elementsOf(elements []engine.Expected) *pipeline.PlannedElements {
	p := &pipeline.PlannedElements{Total: len(elements)}
	for _, e := range elements {
		switch e.Fate {
		case engine.FateRuns:
			p.Run = append(p.Run, e.Index)
		case engine.FateCached:
			p.Cached++
		case engine.FateSkipped:
			p.Skip++
		default:
			p.Depends++
		}
	}
	return p
}

// firstToRun is the first element that has the fate of its step, if that is not cached.
func firstToRun(e *engine.Expected) *engine.Expected {
	for i := range e.Elements {
		if e.Fate != engine.FateCached && e.Elements[i].Fate == e.Fate {
			return &e.Elements[i]
		}
	}
	return nil
}

// explain says what changed since the earlier result that differs least, and how long the step took. A step of which only inputs are not known yet
// runs for certain if something else of it changed: none of the results that were looked at is for that.
func (m *maker) explain(ctx context.Context, s *pipeline.PlannedStep, place int, e *engine.Expected) error {
	old, diffs, found, err := m.past.Nearest(ctx, why.Planned(m.r.Plan, m.r.Graph, m.r.Code, place, e.Index, e.Inputs))
	if err != nil {
		return err
	}
	if !found {
		if e.Fate == engine.FateFollows {
			s.Action = pipeline.ActionRun
		}
		return nil
	}
	if s.Reason == "" {
		s.Since, s.Changes = old.Run, changesOf(diffs)
	}
	if e.Fate == engine.FateFollows && len(s.Changes) > 0 {
		s.Action = pipeline.ActionRun
	}
	one, err := m.took.of(ctx, old.StepKey)
	if err != nil {
		return err
	}
	s.Took = one
	if s.Elements != nil {
		s.Took *= time.Duration(max(1, timesOf(s)))
	}
	return nil
}

// changesOf lists differences one by one, each declaration by itself. Inputs that are not known yet are none.
func changesOf(diffs []why.Difference) []pipeline.PlannedChange {
	var changes []pipeline.PlannedChange
	for _, d := range diffs {
		if d.Unknown {
			continue
		}
		for _, decl := range d.Decls {
			changes = append(changes, pipeline.PlannedChange{Kind: string(d.Kind), Name: decl.Name, File: decl.File, Line: decl.Line, Text: decl.String()})
		}
		if len(d.Decls) == 0 {
			changes = append(changes, pipeline.PlannedChange{Kind: string(d.Kind), Name: d.Name, Old: d.Old, New: d.New, Text: d.String()})
		}
	}
	return changes
}
