package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/step"
)

// Client runs pipelines. *tenon.Client implements it; the submission holds internal types, so that only this module can.
type Client interface {
	// Submit starts a run and returns once it is recorded. The run is cancelled when ctx ends.
	Submit(ctx context.Context, s Submission) (Handle, error)
	// Plan returns what a run would do, and records nothing.
	Plan(ctx context.Context, s Submission) (Plan, error)
	// Recorded returns how a run was started.
	Recorded(ctx context.Context, run string) (Recorded, error)
	// Results returns what a recorded run of the pipeline that is called name returned: its results of the given names, read through the ports.
	Results(ctx context.Context, name, run string, names []string, ports []graph.Port) (results map[string]any, skipped []string, err error)
}

// Submission is what a client needs to start a run.
type Submission struct {
	Pipeline Definition
	Params   any // pointer to the parameters
	Program  *graph.Program
	Config   RunConfig
	// Resume, if not empty, is the ID of a recorded run to go on with: of Config only Stack, NoHooks and Observer count then, the rest is in its
	// plan.
	Resume string
	// AcceptChanges is as in [ResumeConfig].
	AcceptChanges bool
	// Replay, if not nil, begins with results of another run.
	Replay *Replay
}

// Handle is a run without its type parameters. Safe for concurrent use.
type Handle interface {
	// ID returns the run's ID.
	ID() string
	// Wait waits for the end of the run and returns its results, decoded, by name. Names of skipped results are in skipped.
	Wait(ctx context.Context) (results map[string]any, skipped []string, err error)
	// Cancel asks the run to stop. It does not wait.
	Cancel()
}

// RunConfig is what can be said about one run. The zero value says nothing.
type RunConfig struct {
	// Name of the run, for people. Empty: the client makes one.
	Name string `yaml:"name" json:"name,omitempty"`
	// Tags to find the run by.
	Tags map[string]string `yaml:"tags" json:"tags,omitempty"`
	// Stack by name. Empty: the client's.
	Stack string `yaml:"stack" json:"stack,omitempty"`
	// OnFailure says what a failed step does to the rest of the run. Empty: [Stop].
	OnFailure FailureMode `yaml:"on_failure" json:"on_failure,omitempty"`
	// Timeout of the whole run; 0 is none.
	Timeout time.Duration `yaml:"timeout" json:"timeout,omitempty"`
	// Parallel bounds the attempts at once; 0 leaves it to the orchestrator.
	Parallel int `yaml:"parallel" json:"parallel,omitempty"`
	// NoCache runs every step, and records the results for later runs.
	NoCache bool `yaml:"no_cache" json:"no_cache,omitempty"`
	// NoHooks calls no hooks, neither the run's nor those of its steps.
	NoHooks bool `yaml:"no_hooks" json:"no_hooks,omitempty"`
	// Steps is the highest layer of the configuration of steps, by name; "*" is for every step, below those named.
	Steps step.Configs `yaml:"steps" json:"steps,omitempty"`
	// Observer, if not nil, is told what happens, in order and from one goroutine at a time. It must not block for long: the run
	// waits for it.
	Observer func(Event) `yaml:"-" json:"-"`
}

// FailureMode says what a failed step does to the rest of its run.
type FailureMode string

// The failure modes.
const (
	Stop     FailureMode = "stop"      // start nothing new; what runs, ends
	FailFast FailureMode = "fail_fast" // cancel what runs
	Continue FailureMode = "continue"  // run everything that does not depend on the failure
)

// Validate checks the values that need no pipeline. The error begins with the YAML name of the field; its code is Invalid.
func (c RunConfig) Validate() error {
	switch {
	case len(c.Name) > 200:
		return component.Errorf(component.Invalid, "name: %d bytes are too long: use at most 200", len(c.Name))
	case !slices.Contains([]FailureMode{"", Stop, FailFast, Continue}, c.OnFailure):
		return component.Errorf(component.Invalid, "on_failure: %q is none of stop, fail_fast, continue", c.OnFailure)
	case c.Timeout < 0:
		return component.Errorf(component.Invalid, "timeout: %v is negative", c.Timeout)
	case c.Parallel < 0:
		return component.Errorf(component.Invalid, "parallel: %d is negative", c.Parallel)
	}
	for _, k := range slices.Sorted(maps.Keys(c.Tags)) {
		if k == "" || len(k) > 100 || len(c.Tags[k]) > 1000 {
			return component.Errorf(component.Invalid, "tags: key %.40q: use a key of 1 to 100 bytes and a value of at most 1000", k)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Steps)) {
		if err := c.Steps[name].Validate(); err != nil {
			return component.Errorf(component.Invalid, "steps: %s: %w", name, err)
		}
	}
	return nil
}

// Run is one execution of a pipeline, with typed results. Safe for concurrent use.
type Run[Out any] struct{ h Handle }

// Run starts a run and returns once it is recorded. At most one RunConfig is used. The run is cancelled when ctx ends.
func (p *Pipeline[P, Out]) Run(ctx context.Context, c Client, params P, config ...RunConfig) (*Run[Out], error) {
	s, err := p.submission("run", c, &params, config)
	if err != nil {
		return nil, err
	}
	h, err := c.Submit(ctx, s)
	if err != nil {
		return nil, err
	}
	return &Run[Out]{h}, nil
}

func nilClient(name string) error {
	return component.Errorf(component.Invalid, "pipeline %s: the client is nil: open one with tenon.Open", name)
}

// ID returns the run's ID, by which "tenon run show" finds it.
func (r *Run[Out]) ID() string { return r.h.ID() }

// Cancel asks the run to stop: running steps get a cancelled context, and nothing new starts. It does not wait.
func (r *Run[Out]) Cancel() { r.h.Cancel() }

// Result waits for the end of the run and returns the pipeline's results. If the run failed the error says which step decided. If a
// result was skipped the error wraps [ErrSkipped], and the other results are set.
func (r *Run[Out]) Result(ctx context.Context) (Out, error) {
	results, skipped, err := r.h.Wait(ctx)
	if err != nil {
		var none Out
		return none, err
	}
	return assembled[Out](r.ID(), results, skipped)
}

// Result returns the results of a run of the pipeline that is recorded, whichever process drove it, as [Run.Result] does; it does not wait. Results
// that are files live as long as the client. The error's code is NotFound for a run that does not exist, FailedPrecondition for one that has
// not ended, and Invalid for one of another pipeline, or whose results had other names or types: it was of another version of the program.
func (p *Pipeline[P, Out]) Result(ctx context.Context, c Client, run string) (Out, error) {
	var none Out
	if c == nil {
		return none, nilClient(p.name)
	}
	names, ports, err := p.resultPorts()
	if err != nil {
		return none, err
	}
	results, skipped, err := c.Results(ctx, p.name, run, names, ports)
	if err != nil {
		return none, err
	}
	return assembled[Out](run, results, skipped)
}

// assembled puts results in their places.
func assembled[Out any](run string, results map[string]any, skipped []string) (Out, error) {
	var out Out
	v := reflect.ValueOf(&out).Elem()
	if ref.IsRef(v.Type()) {
		setResult(v, results, "output")
	} else {
		for i := range v.NumField() {
			setResult(v.Field(i), results, v.Type().Field(i).Name)
		}
	}
	if len(skipped) > 0 {
		return out, fmt.Errorf("run %s: result %s: %w", run, strings.Join(skipped, ", "), ErrSkipped)
	}
	return out, nil
}

func setResult(v reflect.Value, results map[string]any, name string) {
	if value, ok := results[name]; ok {
		*v.Addr().Interface().(ref.Holder).TenonRef(ref.Access{}).Handle = &ref.Handle{Set: true, Value: value}
	}
}

// Graph is the static graph of a pipeline for given parameters, as a value to print and compare.
type Graph struct{ g *graph.Graph }

// Graph builds the graph for params. The error is an [Error] with all mistakes.
func (p *Pipeline[P, Out]) Graph(params P) (*Graph, error) {
	program, err := p.Build(&params)
	if err != nil {
		return nil, err
	}
	return &Graph{program.Graph}, nil
}

// Digest identifies the graph: it is the same under "go run", "go test" and a built binary.
func (g *Graph) Digest() (string, error) {
	d, err := g.g.Digest()
	return string(d), err
}

// MarshalJSON returns the versioned JSON form, which docs/graph.md describes.
func (g *Graph) MarshalJSON() ([]byte, error) {
	if g.g == nil {
		return nil, errors.New("pipeline: the zero Graph has no JSON form")
	}
	return g.g.JSON()
}

// DOT returns the graph in the language of Graphviz.
func (g *Graph) DOT() string { return g.g.DOT() }

// Mermaid returns the graph as a Mermaid flowchart.
func (g *Graph) Mermaid() string { return g.g.Mermaid() }

// String returns the graph as text for people.
func (g *Graph) String() string { return g.g.Text() }
