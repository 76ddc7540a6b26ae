package tenon_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/hook"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
	"github.com/tenon-ml/tenon/step"
)

// ends keeps what a hook was told, as "step state".
type ends struct {
	mu  sync.Mutex
	all []string
}

func (n *ends) hook(name string) hook.Hook {
	return hook.Func(func(_ context.Context, e hook.Event) error {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.all = append(n.all, strings.Join(strings.Fields(name+" "+string(e.Kind)+" "+e.Step+" "+e.State), " "))
		return nil
	})
}

// take returns what was told since, sorted but for the run's, which come last.
func (n *ends) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.all
	n.all = nil
	if i := slices.IndexFunc(all, func(s string) bool { return strings.Contains(s, " run ") }); i >= 0 {
		slices.Sort(all[:i])
		slices.Sort(all[i:])
	}
	return all
}

type hookedIn struct {
	N    int
	Fail bool
}

func hookedStep(_ context.Context, in hookedIn) (artifact.Ref[int], error) {
	if in.Fail {
		return artifact.Ref[int]{}, step.Permanent(errors.New("boom"))
	}
	return artifact.New(in.N), nil
}

func hookedPipeline(n *ends) *pipeline.Pipeline[hookedIn, artifact.Ref[int]] {
	all := func(of string) []step.Option {
		return []step.Option{step.OnSuccess(n.hook(of + "success")), step.OnFailure(n.hook(of + "failure")), step.OnEnd(n.hook(of + "end")), step.Config{Version: "1"}}
	}
	inner := pipeline.Define("inner", func(p *pipeline.Builder, in hookedIn) artifact.Ref[int] {
		return pipeline.Step(p, "deep", hookedStep, hookedIn{N: in.N}, all("")...)
	}, pipeline.OnEnd(n.hook("never: it is a part of another")))
	return pipeline.Define("hooked", func(p *pipeline.Builder, in hookedIn) artifact.Ref[int] {
		pipeline.Sub(p, "sub", inner, in)
		pipeline.Step(p, "plain", hookedStep, hookedIn{N: in.N})
		first := pipeline.Step(p, "first", hookedStep, in, all("")...)
		return pipeline.Step(p, "last", func(_ context.Context, in struct{ In artifact.Ref[int] }) (artifact.Ref[int], error) {
			return in.In, nil
		},
			struct{ In artifact.Ref[int] }{first}, all("")...)
	}, pipeline.OnSuccess(n.hook("success")), pipeline.OnFailure(n.hook("failure")), pipeline.OnEnd(n.hook("end")))
}

// TestHooks: who is told what, by runs that compute, find everything in the cache, and fail.
func TestHooks(t *testing.T) {
	t.Parallel()
	var n ends
	client := pipelinetest.Open(t)
	for _, c := range []struct {
		in   hookedIn
		want []string
	}{
		{hookedIn{N: 1}, []string{
			"end step first succeeded", "end step last succeeded", "end step sub/deep succeeded",
			"success step first succeeded", "success step last succeeded", "success step sub/deep succeeded", "end run succeeded", "success run succeeded",
		}},
		{hookedIn{N: 1}, []string{
			"end step first cached", "end step last cached", "end step sub/deep cached",
			"success step first cached", "success step last cached", "success step sub/deep cached", "end run succeeded", "success run succeeded",
		}},
		{hookedIn{N: 1, Fail: true}, []string{
			"end step first failed", "end step last cancelled", "end step sub/deep cached", "failure step first failed", "success step sub/deep cached",
			"end run failed", "failure run failed",
		}},
	} {
		run, err := hookedPipeline(&n).Run(t.Context(), client, c.in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run.Result(t.Context()); (err != nil) != c.in.Fail {
			t.Errorf("%+v: %v", c.in, err)
		}
		if diff := cmp.Diff(c.want, n.take()); diff != "" {
			t.Errorf("%+v: %s", c.in, diff)
		}
	}
	if _, err := pipelinetest.Try(t, hookedPipeline(&n), hookedIn{}); err != nil || len(n.take()) > 0 {
		t.Errorf("a test called hooks: %v", err)
	}
}

// TestHooksChangeNothing: neither the graph, nor the outcome of a run whose hook fails; Result waits for it.
func TestHooksChangeNothing(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	client := pipelinetest.Open(t, tenon.Config{Home: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	begun, proceed := make(chan struct{}), make(chan struct{})
	build := func(hooks ...hook.Hook) *pipeline.Pipeline[hookedIn, artifact.Ref[int]] {
		return pipeline.Define("p", func(p *pipeline.Builder, in hookedIn) artifact.Ref[int] {
			return pipeline.Step(p, "it", hookedStep, in, step.OnEnd(hooks...))
		}, pipeline.OnEnd(hooks...))
	}
	fails := hook.Func(func(_ context.Context, e hook.Event) error {
		if e.Kind == hook.Run {
			close(begun)
			<-proceed
		}
		return errors.New("nobody listens")
	})
	p := build(fails)
	run, err := p.Run(t.Context(), client, hookedIn{N: 7})
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	if r, err := client.Metadata().Run(t.Context(), run.ID()); err != nil || r.State != metadata.RunSucceeded {
		t.Errorf("when its hooks are called the run is recorded as %s, %v", r.State, err)
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := run.Result(impatient); !errors.Is(err, context.Canceled) {
		t.Errorf("Result did not wait for the hook: %v", err)
	}
	close(proceed)
	if out, err := run.Result(t.Context()); err != nil || out.Value() != 7 {
		t.Errorf("the result is %v, %v", out, err)
	}
	if n := strings.Count(logged.String(), `msg="a hook failed"`); n != 2 || !strings.Contains(logged.String(), `err="nobody listens"`) {
		t.Errorf("logged %s", &logged)
	}
	digest := func(p *pipeline.Pipeline[hookedIn, artifact.Ref[int]]) string {
		g, err := p.Graph(hookedIn{})
		if err != nil {
			t.Fatal(err)
		}
		d, err := g.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if digest(p) != digest(build()) {
		t.Error("hooks change the graph")
	}
}

// TestHooksOfACancelledRun: it has not failed, and who cancelled does not stop the hooks.
func TestHooksOfACancelledRun(t *testing.T) {
	t.Parallel()
	var n ends
	running := make(chan struct{})
	p := pipeline.Define("waits", func(p *pipeline.Builder, in hookedIn) artifact.Ref[int] {
		return pipeline.Step(p, "it", func(ctx context.Context, _ hookedIn) (artifact.Ref[int], error) {
			close(running)
			<-ctx.Done()
			return artifact.Ref[int]{}, ctx.Err()
		}, in, step.OnFailure(n.hook("failure")), step.OnEnd(n.hook("end")))
	}, pipeline.OnFailure(n.hook("failure")), pipeline.OnEnd(n.hook("end")))
	client := pipelinetest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	run, err := p.Run(ctx, client, hookedIn{})
	if err != nil {
		t.Fatal(err)
	}
	<-running
	cancel()
	if _, err := run.Result(t.Context()); !errors.Is(err, tenon.ErrCanceled) {
		t.Errorf("the run: %v", err)
	}
	if diff := cmp.Diff([]string{"end step it cancelled", "end run cancelled"}, n.take()); diff != "" {
		t.Error(diff)
	}
}

// TestHookThatCannotWork: the run is refused before it is recorded.
func TestHookThatCannotWork(t *testing.T) {
	t.Parallel()
	client := pipelinetest.Open(t)
	p := pipeline.Define("p", func(p *pipeline.Builder, in hookedIn) artifact.Ref[int] {
		return pipeline.Step(p, "it", hookedStep, in)
	},
		pipeline.OnEnd(hook.Webhook{URL: "http://example.com/secret"}))
	_, err := p.Run(t.Context(), client, hookedIn{})
	if !errors.Is(err, tenon.ErrInvalid) || err.Error() != "run pipeline p: hook: webhook http://example.com: want https:, or http: of this machine" {
		t.Errorf("the error is %v", err)
	}
	if page, err := client.Metadata().Runs(t.Context(), metadata.RunQuery{}); err != nil || len(page.Items) > 0 {
		t.Errorf("recorded %v, %v", page.Items, err)
	}
	if _, err := p.Run(t.Context(), client, hookedIn{}, pipeline.RunConfig{NoHooks: true}); err != nil {
		t.Errorf("without hooks: %v", err)
	}
}

// TestHookUsesAResource: what steps share is there for hooks, too.
func TestHookUsesAResource(t *testing.T) {
	t.Parallel()
	var m meter
	client, err := tenon.Open(context.WithValue(t.Context(), meterKey{}, &m), tenon.Config{Home: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	p := pipeline.Define("p", func(p *pipeline.Builder, in hookedIn) artifact.Ref[int] {
		return pipeline.Step(p, "it", hookedStep, in)
	},
		pipeline.OnEnd(hook.Func(func(ctx context.Context, _ hook.Event) error {
			m, err := meters.Get(ctx)
			if err == nil {
				m.used.Add(1)
			}
			return err
		})))
	run, err := p.Run(t.Context(), client, hookedIn{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); err != nil || m.used.Load() != 1 {
		t.Errorf("used %d times, %v", m.used.Load(), err)
	}
	if err := client.Close(); err == nil || m.closed.Load() != 1 { // it is stuck, as another test wants
		t.Errorf("Close: %v", err)
	}
}

// TestRunWithoutHooks: nor are there any when it is resumed.
func TestRunWithoutHooks(t *testing.T) {
	t.Parallel()
	var n ends
	p := pipeline.Define("p", func(p *pipeline.Builder, _ struct{}) artifact.Ref[int] {
		return pipeline.Step(p, "fail", fail, struct{}{}, step.OnEnd(n.hook("end")))
	}, pipeline.OnEnd(n.hook("end")))
	client := pipelinetest.Open(t)
	run, err := p.Run(t.Context(), client, struct{}{}, pipeline.RunConfig{NoHooks: true})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = run.Result(t.Context())
	if run, err = p.Resume(t.Context(), client, run.ID()); err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("resumed: %v", err)
	}
	if told := n.take(); len(told) > 0 {
		t.Errorf("told %q", told)
	}
}

// TestHooksOfAResumedRun: what was told once is not told again.
func TestHooksOfAResumedRun(t *testing.T) {
	t.Parallel()
	var n ends
	broken := true
	p := pipeline.Define("p", func(p *pipeline.Builder, in hookedIn) artifact.Ref[int] {
		good := pipeline.Step(p, "good", hookedStep, in, step.OnEnd(n.hook("end")))
		return pipeline.Step(p, "bad", func(_ context.Context, in struct{ In artifact.Ref[int] }) (artifact.Ref[int], error) {
			if broken {
				return artifact.Ref[int]{}, errors.New("boom")
			}
			return in.In, nil
		}, struct{ In artifact.Ref[int] }{good}, step.OnEnd(n.hook("end")))
	}, pipeline.OnEnd(n.hook("end")))
	client := pipelinetest.Open(t)
	run, err := p.Run(t.Context(), client, hookedIn{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); err == nil {
		t.Error("it did not fail")
	}
	if diff := cmp.Diff([]string{"end step bad failed", "end step good succeeded", "end run failed"}, n.take()); diff != "" {
		t.Error(diff)
	}
	broken = false
	if run, err = p.Resume(t.Context(), client, run.ID()); err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"end step bad succeeded", "end run succeeded"}, n.take()); diff != "" {
		t.Error(diff)
	}
}
