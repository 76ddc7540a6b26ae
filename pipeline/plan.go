package pipeline

import (
	"context"
	"time"

	"github.com/tenon-ml/tenon/component"
)

// Plan is what a run would do: see [Pipeline.Plan]. Its JSON form is stable.
type Plan struct {
	Pipeline string `json:"pipeline"`
	// Steps in the order of the graph.
	Steps []PlannedStep `json:"steps"`
	// Took is how long the run should take, going by how long its steps took before; 0 if that is not known of any. It leaves out steps that never
	// ran, those that wait for a person, and those of which it is open whether they run.
	Took time.Duration `json:"took_ns,omitempty"`
	// Unmeasured are the steps that would run and never did before, so that Took leaves them out.
	Unmeasured []string `json:"unmeasured,omitempty"`
}

// Runs reports whether anything would run, may run, or would be asked.
func (p Plan) Runs() bool {
	return p.Count(ActionRun)+p.Count(ActionDepends)+p.Count(ActionAsk) > 0
}

// Count returns how many steps have the action.
func (p Plan) Count(a Action) int {
	n := 0
	for _, s := range p.Steps {
		if s.Action == a {
			n++
		}
	}
	return n
}

// Action is what a run would do with a step.
type Action string

// The actions.
const (
	// ActionRun: it would run, since it has no result, or none for its code, parameters and inputs.
	ActionRun Action = "run"
	// ActionDepends: steps before it would run, and what they return decides. If they return what they did before, its result is that of
	// before.
	ActionDepends Action = "depends"
	// ActionCached: its result is taken from an earlier run.
	ActionCached Action = "cached"
	// ActionSkip: a condition is false, or it takes something from a step that is skipped.
	ActionSkip Action = "skip"
	// ActionAsk: it would wait for a person.
	ActionAsk Action = "ask"
)

// PlannedStep is what a run would do with one step.
type PlannedStep struct {
	Name   string `json:"name"`
	Action Action `json:"action"`
	// Reason in words, if something else than a change decides: "its cache policy is never", "condition check.Good is not known yet".
	Reason string `json:"reason,omitempty"`
	// Changes since Since, the earlier run with a result of the step that differs least from this one. A step that has none, and is run, never
	// had a result.
	Changes []PlannedChange `json:"changes,omitempty"`
	Since   string          `json:"since,omitempty"`
	// After are the steps without a result, on whose results the action depends.
	After []string `json:"after,omitempty"`
	// From is the run that computed the result which is taken.
	From string `json:"from,omitempty"`
	// Took is how long it took when it was computed last, for a mapped step all of the elements that would run; 0 if that is not known, or
	// nothing would run.
	Took time.Duration `json:"took_ns,omitempty"`
	// Elements of a mapped step; nil if it is none, or it is not known how many there are. Changes are then those of the first element that
	// would run.
	Elements *PlannedElements `json:"elements,omitempty"`
}

// PlannedElements is what a run would do with the elements of a mapped step.
type PlannedElements struct {
	Total int `json:"total"`
	// Run are the indices of those that would run; of the others some depend on steps before them, are cached, or skipped.
	Run     []int `json:"run,omitempty"`
	Depends int   `json:"depends,omitempty"`
	Cached  int   `json:"cached,omitempty"`
	Skip    int   `json:"skip,omitempty"`
}

// PlannedChange is one difference between what a result depends on, and what an earlier one did. The zero value of a field says that it does not
// apply.
type PlannedChange struct {
	// Kind is "code", "parameter", "version", "build", "source", "input" or "output".
	Kind string `json:"kind"`
	// Name of the parameter, source, input or output, or of the declaration: "Scale", "features.Scale".
	Name string `json:"name,omitempty"`
	// File and Line say where a declaration is: "features/features.go", 41.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Old and New are the values, shortened for people.
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
	// Text is all of it in one line: "features/features.go:41 Scale changed", "parameter LR 0.1 → 0.2".
	Text string `json:"text"`
}

// Plan returns what [Pipeline.Run] would do, before it does anything: which steps would run, and why, which results would come from the cache,
// and how long it should take. It decides as a run does, up to the first steps without a result; what depends on values that are not known yet says
// so. At most one RunConfig is used.
//
// Nothing is recorded. Sources are looked at, and content of them and elements of lists may be put into the artifact store, as for a run.
func (p *Pipeline[P, Out]) Plan(ctx context.Context, c Client, params P, config ...RunConfig) (Plan, error) {
	s, err := p.submission("plan", c, &params, config)
	if err != nil {
		return Plan{}, err
	}
	return c.Plan(ctx, s)
}

// submission is that of a new run.
func (p *Pipeline[P, Out]) submission(verb string, c Client, params *P, config []RunConfig) (Submission, error) {
	if c == nil {
		return Submission{}, nilClient(p.name)
	}
	if len(config) > 1 {
		return Submission{}, component.Errorf(component.Invalid, "pipeline %s: %s: %d run configurations given, want at most one", p.name, verb, len(config))
	}
	program, err := p.Build(params)
	if err != nil {
		return Submission{}, err
	}
	s := Submission{Pipeline: p, Params: params, Program: program}
	if len(config) == 1 {
		s.Config = config[0]
	}
	return s, nil
}
