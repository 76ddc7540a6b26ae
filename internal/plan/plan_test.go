package plan_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/fingerprint"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

type params struct{ Path string }

type loadIn struct {
	Left, Right artifact.Source
	N           int
}

func load(_ context.Context, in loadIn) (artifact.Ref[int], error) { return artifact.New(in.N), nil }

type useIn struct{ N artifact.Ref[int] }

func use(_ context.Context, in useIn) (artifact.Ref[int], error) { return in.N, nil }

// twoSteps reads a source in two fields of one step and in another step.
var twoSteps = pipeline.Define("two", func(p *pipeline.Builder, in params) artifact.Ref[int] {
	n := pipeline.Step(p, "load", load, loadIn{artifact.From(in.Path), artifact.From(in.Path), 1}, step.Config{Timeout: time.Minute})
	pipeline.Step(p, "again", load, loadIn{artifact.From(in.Path), artifact.FromBytes("b", []byte("b")), 2})
	return pipeline.Step(p, "use", use, useIn{n}, step.Config{Cache: step.Never})
}, pipeline.StepDefaults(step.Config{Retry: step.Retry{Attempts: 2}, Timeout: time.Hour}))

// pinner pins each URI as itself, and counts.
type pinner struct{ pins map[string]int }

func (p *pinner) Pin(_ context.Context, s ref.SourceSlot) (ref.Pin, error) {
	if s.URI == "missing.csv" {
		return ref.Pin{}, component.Errorf(component.NotFound, "open missing.csv: there is no such file")
	}
	p.pins[s.URI]++
	return ref.Pin{URI: s.URI, Digest: fmt.Sprintf("sha256:%d", p.pins[s.URI])}, nil
}

// prints fingerprints by name; those of captured are said to hold state.
type prints struct{ captured string }

func (p prints) Fingerprint(_ context.Context, fn any, _ string) (fingerprint.Fingerprint, error) {
	f, err := fingerprint.FuncOf(fn)
	return fingerprint.Fingerprint{Digest: f.Name, Mode: fingerprint.ModeSource, Captured: p.captured}, err
}

func request(t *testing.T, in params) plan.Request {
	t.Helper()
	program, err := twoSteps.Build(&in)
	if err != nil {
		t.Fatal(err)
	}
	return plan.Request{Program: program, Params: in}
}

func TestMake(t *testing.T) {
	t.Parallel()
	r := request(t, params{"a.csv"})
	pins := &pinner{map[string]int{}}
	p, err := plan.Make(t.Context(), r, prints{}, pins)
	if err != nil {
		t.Fatal(err)
	}
	if pins.pins["a.csv"] != 1 {
		t.Errorf("a.csv was pinned %d times in one run: two steps may see two versions of it", pins.pins["a.csv"])
	}
	digest, err := r.Program.Graph.Digest()
	if err != nil || p.Graph != digest || p.Version != plan.Version || p.Pipeline != "two" || p.Options.OnFailure != plan.Stop {
		t.Errorf("the plan is %+v, %v", p, err)
	}
	s := p.Steps[0]
	if s.Name != "load" || !strings.HasSuffix(s.Func, ".load") || !strings.Contains(s.Wired, "plan_test.go:") || s.Mode != "source" || s.Fingerprint != s.Func {
		t.Errorf("the first step is %+v", s)
	}
	var fields []string
	for _, pin := range s.Pins {
		fields = append(fields, pin.Field+" "+pin.URI+" "+pin.Digest)
	}
	if diff := cmp.Diff([]string{"Left a.csv sha256:1", "Right a.csv sha256:1"}, fields); diff != "" {
		t.Error(diff)
	}
	again, err := plan.Make(t.Context(), request(t, params{"a.csv"}), prints{}, &pinner{map[string]int{}})
	if err != nil {
		t.Fatal(err)
	}
	first, second := asJSON(t, p), asJSON(t, again)
	if first != second {
		t.Errorf("the same run has two plans:\n%s\n%s", first, second)
	}
	var back plan.Plan
	if err := json.Unmarshal([]byte(first), &back); err != nil || asJSON(t, &back) != first {
		t.Errorf("a plan that is read back is another: %v", err)
	}
}

func asJSON(t *testing.T, p *plan.Plan) string {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestLayers: stack < pipeline < step < run for all < run for the step.
func TestLayers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stack         step.Config
		steps         step.Configs
		timeout       time.Duration // of load, which says a minute
		other         time.Duration // of again, which says nothing; the pipeline says an hour
		loadAttempts  int
		againAttempts int
	}{
		"pipeline and step":    {step.Config{}, nil, time.Minute, time.Hour, 2, 2},
		"stack is lowest":      {step.Config{Timeout: time.Second, Retry: step.Retry{Attempts: 9}}, nil, time.Minute, time.Hour, 2, 2},
		"run for all":          {step.Config{}, step.Configs{"*": {Timeout: 2 * time.Second}}, 2 * time.Second, 2 * time.Second, 2, 2},
		"run for one":          {step.Config{}, step.Configs{"load": {Retry: step.Retry{Attempts: 5}}}, time.Minute, time.Hour, 5, 2},
		"one above all":        {step.Config{}, step.Configs{"*": {Timeout: time.Second}, "again": {Timeout: time.Minute}}, time.Second, time.Minute, 2, 2},
		"something taken back": {step.Config{}, step.Configs{"load": {Timeout: step.NoTimeout}, "again": {Retry: step.NoRetry}}, 0, time.Hour, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request(t, params{"a.csv"})
			r.StackDefaults, r.Steps = c.stack, c.steps
			p, err := plan.Make(t.Context(), r, prints{}, &pinner{map[string]int{}})
			if err != nil {
				t.Fatal(err)
			}
			load, again := p.Steps[0].Config, p.Steps[1].Config
			if max(0, load.Timeout) != c.timeout || max(0, again.Timeout) != c.other {
				t.Errorf("timeouts %v and %v, want %v and %v", load.Timeout, again.Timeout, c.timeout, c.other)
			}
			if load.Retry.Attempts != c.loadAttempts || again.Retry.Attempts != c.againAttempts {
				t.Errorf("attempts %d and %d, want %d and %d", load.Retry.Attempts, again.Retry.Attempts, c.loadAttempts, c.againAttempts)
			}
		})
	}
}

func TestUncached(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		captured string
		config   step.Config
		want     [2]string // of load, and of use, whose policy is never
	}{
		"plain":    {"", step.Config{}, [2]string{"", "its cache policy is never"}},
		"captured": {"it is a closure", step.Config{}, [2]string{"it is a closure: name its state with step.Config{Version: ...}, or assert that it cannot matter with Cache: step.Pure", "its cache policy is never"}},
		"version":  {"it is a closure", step.Config{Version: "1"}, [2]string{"", "its cache policy is never"}},
		"pure":     {"it is a closure", step.Config{Cache: step.Pure}, [2]string{"", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request(t, params{"a.csv"})
			r.Steps = step.Configs{"*": c.config}
			p, err := plan.Make(t.Context(), r, prints{c.captured}, &pinner{map[string]int{}})
			if err != nil {
				t.Fatal(err)
			}
			if got := [2]string{p.Steps[0].Uncached, p.Steps[2].Uncached}; got != c.want {
				t.Errorf("uncached because %q, want %q", got, c.want)
			}
		})
	}
}

func TestMakeErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path  string
		steps step.Configs
		want  string
		code  component.Code
	}{
		"source": {"missing.csv", nil, "step load: field Left: open missing.csv: there is no such file", component.NotFound},
		"step": {"a.csv", step.Configs{"lode": {}}, `steps: pipeline two has no step "lode"; its steps are again, load, use`,
			component.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request(t, params{c.path})
			r.Steps = c.steps
			_, err := plan.Make(t.Context(), r, prints{}, &pinner{map[string]int{}})
			if err == nil || err.Error() != c.want || component.CodeOf(err) != c.code {
				t.Errorf("the error is %v (%v), want %s (%v)", err, component.CodeOf(err), c.want, c.code)
			}
		})
	}
}

type noPrints struct{ err error }

func (n noPrints) Fingerprint(context.Context, any, string) (fingerprint.Fingerprint, error) {
	return fingerprint.Fingerprint{}, n.err
}

func TestNoFingerprint(t *testing.T) {
	t.Parallel()
	cause := errors.New("the source is gone")
	_, err := plan.Make(t.Context(), request(t, params{"a.csv"}), noPrints{cause}, &pinner{map[string]int{}})
	if !errors.Is(err, cause) || err.Error() != "step load: fingerprint its code: the source is gone" {
		t.Errorf("the error is %v", err)
	}
}
