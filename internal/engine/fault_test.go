package engine_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/internal/logs"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// TestLeakedGoroutine: a step leaves a goroutine behind, which goes on to speak.
func TestLeakedGoroutine(t *testing.T) {
	t.Parallel()
	leave, left := make(chan none), make(chan none)
	leaks := act(func(ctx context.Context, _ string, _ []int) (int, error) {
		dir, err := step.TempDir(ctx)
		if err != nil {
			return 0, err
		}
		go func() {
			defer close(left)
			<-leave
			step.Logger(ctx).Info("still here")
			step.Metric(ctx, "late", 1)
			step.Progress(ctx, 1, 2)
			if again, err := step.TempDir(ctx); err == nil {
				t.Errorf("after its end the attempt has the directory %s (was %s)", again, dir)
			}
		}()
		return 1, nil
	})
	o := run(t.Context(), newRig(t), single(leaks), none{})
	o.want(metadata.RunSucceeded, "it", succeeded)
	close(leave)
	<-left
	if at := o.attempts("it", -1); len(at) != 1 || len(at[0].Logs) != 0 {
		t.Errorf("attempts: %+v", at)
	}
	metrics, err := o.r.meta.Metrics(t.Context(), metadata.MetricQuery{Run: o.Run.ID})
	if err != nil || len(metrics.Items) != 0 {
		t.Errorf("metrics: %+v, %v", metrics.Items, err)
	}
}

// TestHundredMegabytesOfLogs watches the heap while a step logs.
func TestHundredMegabytesOfLogs(t *testing.T) {
	if testing.Short() {
		t.Skip("it flushes a thousand files to the disk")
	}
	var most uint64
	talks := act(func(ctx context.Context, _ string, _ []int) (int, error) {
		line := strings.Repeat("la ", 333)
		for i := range 100_000 {
			step.Logger(ctx).Info(line, "i", i)
			if i%10_000 == 0 {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}
		return 1, nil
	})
	r := newRig(t)
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	followed := 0
	r.observer = func(e engine.Event) {
		if e.Kind == engine.EventLog {
			followed++
		}
	}
	p := single(talks)
	config, job := r.prepare(p, none{})
	config.Observer = r.observer
	out, err := engine.Run(t.Context(), config, job)
	if err != nil || out.Run.State != metadata.RunSucceeded {
		t.Fatal(err, out.Run.Error)
	}
	if most > before.HeapAlloc+32<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before.HeapAlloc, most)
	}
	attempts, err := r.meta.Attempts(t.Context(), metadata.AttemptQuery{Run: out.Run.ID})
	if err != nil {
		t.Fatal(err)
	}
	lines, size, last := 0, 0, ""
	for l, err := range logs.Read(t.Context(), r.artifacts, attempts.Items[0].Logs) {
		if err != nil {
			t.Fatal(err)
		}
		lines, size, last = lines+1, size+len(l.JSON), l.Message
	}
	if size < 60<<20 || size > 65<<20 || !strings.Contains(last, "log lines were dropped") || followed == 0 {
		t.Errorf("%d lines of %d bytes are kept, the last is %.100q, %d were followed", lines, size, last, followed)
	}
}

// hanging is an artifact store whose calls hang until they are cancelled.
type hanging struct {
	artifact.Store
	stat func() // called when Stat hangs; nil if it does not
	put  func() // the same for every Put but the first
	puts atomic.Int64
}

func (h *hanging) Stat(ctx context.Context, d artifact.Digest) (artifact.Info, error) {
	if h.stat == nil {
		return h.Store.Stat(ctx, d)
	}
	h.stat()
	<-ctx.Done()
	return artifact.Info{}, ctx.Err()
}

func (h *hanging) Put(ctx context.Context, r io.Reader) (artifact.Info, error) {
	if h.put == nil || h.puts.Add(1) == 1 {
		return h.Store.Put(ctx, r)
	}
	h.put()
	<-ctx.Done()
	return artifact.Info{}, ctx.Err()
}

// TestCancelWhileLookingUp cancels a run whose lookup hangs.
func TestCancelWhileLookingUp(t *testing.T) {
	t.Parallel()
	makes := func(context.Context, none) (artifact.Ref[[]byte], error) { return artifact.New(big(1)), nil }
	p := pipeline.Define("one", func(p *pipeline.Builder, _ none) artifact.Ref[[]byte] {
		return pipeline.Step(p, "makes", makes, none{})
	})
	r := newRig(t)
	run(t.Context(), r, p, none{})
	ctx, cancel := context.WithCancel(t.Context())
	r.artifacts = &hanging{Store: r.artifacts, stat: cancel}
	run(ctx, r, p, none{}).want(metadata.RunCancelled, "makes", cancelled)
}

// TestCancelWhileSplitting cancels a run while the elements of a list are stored.
func TestCancelWhileSplitting(t *testing.T) {
	t.Parallel()
	lists := func(context.Context, none) (artifact.Ref[[][]byte], error) {
		return artifact.New([][]byte{big(1), big(2)}), nil
	}
	type bytesItem struct{ Item artifact.Ref[[]byte] }
	p := pipeline.Define("split", func(p *pipeline.Builder, _ none) none {
		l := pipeline.Step(p, "list", lists, none{})
		pipeline.Map(p, "each", func(_ context.Context, i bytesItem) (artifact.Ref[int], error) {
			t.Error("an element ran")
			return artifact.New(1), nil
		}, l, func(e artifact.Ref[[]byte]) bytesItem { return bytesItem{e} })
		return none{}
	})
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	r.artifacts = &hanging{Store: r.artifacts, put: cancel}
	run(ctx, r, p, none{}).want(metadata.RunCancelled, "list", succeeded, "each", cancelled)
}

// brokenRunner loses attempts.
type brokenRunner struct {
	orchestrator.Runner
	err   error
	times int
}

func (b *brokenRunner) Run(ctx context.Context, a orchestrator.Attempt) (orchestrator.Exit, error) {
	if b.times--; b.times >= 0 {
		return orchestrator.Exit{}, b.err
	}
	return b.Runner.Run(ctx, a)
}

func TestLostAttempts(t *testing.T) {
	t.Parallel()
	retry := step.Config{Retry: step.Retry{Attempts: 3, Backoff: time.Microsecond}}
	for name, c := range map[string]struct {
		code  component.Code
		state metadata.StepState
	}{
		"for a while": {component.Unavailable, succeeded},
		"for good":    {component.Invalid, failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.runner = func(inner orchestrator.Runner) orchestrator.Runner {
				return &brokenRunner{inner, component.Errorf(c.code, "no room"), 2}
			}
			o := run(t.Context(), r, single(sum, retry), none{})
			if st := o.step("it"); st.State != c.state {
				t.Errorf("it is %s: %s", st.State, st.Error)
			}
			if at := o.attempts("it", -1)[0]; at.Error != "the attempt was lost: no room" {
				t.Errorf("the attempt says %q", at.Error)
			}
		})
	}
}

// noRunner is an orchestrator that cannot start.
type noRunner struct{ orchestrator.Orchestrator }

func (noRunner) Runner(context.Context, orchestrator.Run, orchestrator.Executor) (orchestrator.Runner, error) {
	return nil, component.Errorf(component.Unavailable, "the cluster is gone")
}

func TestRunnerCannotStart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := single(sum)
	config, job := r.prepare(p, none{})
	config.Orchestrator = noRunner{config.Orchestrator}
	o := &outcome{r: r, program: job.Program}
	config.Observer = func(e engine.Event) { o.events = append(o.events, e) }
	var err error
	if o.Outcome, err = engine.Run(t.Context(), config, job); err != nil {
		t.Fatal(err)
	}
	o.check()
	o.want(metadata.RunFailed, "it", cancelled)
	if o.Run.Error != "start the runner: the cluster is gone" || component.CodeOf(o.Cause) != component.Unavailable {
		t.Errorf("the run says %q, caused by %v", o.Run.Error, o.Cause)
	}
}

// TestLookupFails: a store that cannot be asked for results costs a computation, not the run.
func TestLookupFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.meta = noLookups{r.meta}
	for range 2 {
		run(t.Context(), r, single(sum), none{}).want(metadata.RunSucceeded, "it", succeeded)
	}
}

type noLookups struct{ metadata.Store }

func (noLookups) Lookup(context.Context, []string) (map[string]metadata.Step, error) {
	return nil, component.Errorf(component.Unavailable, "busy")
}

// TestWordsReachTheObserver: logs and progress of a step that runs for a while.
func TestWordsReachTheObserver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		talks := act(func(ctx context.Context, _ string, _ []int) (int, error) {
			step.Logger(ctx).Info("hello", "who", "world")
			step.Progress(ctx, 1, 3)
			time.Sleep(time.Minute)
			step.Progress(ctx, 3, 3)
			step.Metric(ctx, "loss", 0.5)
			return 1, nil
		})
		var said []string
		r := newRig(t)
		start := time.Now()
		r.observer = func(e engine.Event) {
			switch e.Kind {
			case engine.EventLog:
				said = append(said, fmt.Sprintf("%v %s %d %s %s", e.Step, e.StepState, e.Attempt, e.Level, e.Message))
			case engine.EventProgress:
				said = append(said, fmt.Sprintf("%d/%d after %v", e.Done, e.Total, time.Since(start).Round(time.Minute)))
			}
		}
		o := run(t.Context(), r, single(talks), none{})
		want := []string{"it running 1 INFO hello who=world", "1/3 after 0s", "3/3 after 1m0s"}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Error(diff)
		}
		metrics, err := r.meta.Metrics(t.Context(), metadata.MetricQuery{Run: o.Run.ID})
		if err != nil || len(metrics.Items) != 1 || metrics.Items[0].Value != 0.5 || metrics.Items[0].Attempt != o.attempts("it", -1)[0].ID {
			t.Errorf("metrics: %+v, %v", metrics.Items, err)
		}
	})
}
