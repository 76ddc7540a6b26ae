package worker_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/logs"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

func TestMain(m *testing.M) {
	// What is made once and shared must not be made within the bubble of a test with virtual time.
	warm := logs.NewWriter(nil, nil)
	_, _ = warm.Write([]byte("{}"))
	warm.Close()
	goleak.VerifyTestMain(m)
}

// host is the other side of the protocol: it gives one assignment and keeps what it is told.
type host struct {
	assignment worker.Assignment
	refuse     error // of every call
	beaten     func(worker.Beat)

	mu      sync.Mutex
	beats   []worker.Beat
	reports []worker.Report
}

func (h *host) Claim(_ context.Context, attempt string) (worker.Assignment, error) {
	if attempt != h.assignment.Attempt {
		return worker.Assignment{}, component.Errorf(component.FailedPrecondition, "attempt %s is over", attempt)
	}
	return h.assignment, nil
}

func (h *host) Beat(_ context.Context, b worker.Beat) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.beats = append(h.beats, b)
	if h.beaten != nil {
		h.beaten(b)
	}
	return h.refuse
}

func (h *host) Finish(_ context.Context, r worker.Report) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reports = append(h.reports, r)
	return h.refuse
}

type noParams = struct{}

// bench is what an attempt runs with.
type bench struct {
	t     *testing.T
	host  *host
	store artifact.Store
	temp  string
	// options of the pipeline.
	options []pipeline.Option
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	store, err := local.Open(filepath.Join(dir, "artifacts"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	h := &host{assignment: worker.Assignment{Attempt: "a1", Run: "r", Step: "it", Index: -1, Number: 1, Key: "r/it"}}
	return &bench{t: t, host: h, store: store, temp: filepath.Join(dir, "tmp")}
}

// execute runs the only step of a pipeline.
func (b *bench) execute(ctx context.Context, fn func(context.Context, noParams) (artifact.Ref[int], error)) (worker.Report, orchestrator.Exit) {
	b.t.Helper()
	p := pipeline.Define("one", func(p *pipeline.Builder, _ noParams) artifact.Ref[int] {
		return pipeline.Step(p, "it", fn, noParams{})
	}, b.options...)
	program, err := p.Build(&noParams{})
	if err != nil {
		b.t.Fatal(err)
	}
	exit := worker.Execute(ctx, b.host, program, b.store, worker.Options{TempDir: b.temp, Host: "here"}, "a1")
	if n := len(b.host.reports); n != 1 {
		b.t.Fatalf("%d reports", n)
	}
	return b.host.reports[0], exit
}

func TestExecute(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var info step.Attempt
	var dir string
	r, exit := b.execute(t.Context(), func(ctx context.Context, _ noParams) (artifact.Ref[int], error) {
		info, _ = step.Info(ctx)
		var err error
		if dir, err = step.TempDir(ctx); err != nil {
			return artifact.Ref[int]{}, err
		}
		step.Logger(ctx).Info("hello", "n", 1)
		step.Metric(ctx, "loss", 0.25)
		return artifact.New(7), os.WriteFile(filepath.Join(dir, "scratch"), nil, 0o600)
	})
	if exit != (orchestrator.Exit{}) || r.Failure != nil || len(r.Outputs) != 1 || r.Outputs[0].Preview != "7" || r.Host != "here" || r.Attempt != "a1" {
		t.Errorf("the report is %+v, the exit %+v", r, exit)
	}
	want := step.Attempt{Run: "r", Step: "it", Index: -1, Number: 1, ID: "a1", Key: "r/it"}
	if diff := cmp.Diff(want, info); diff != "" {
		t.Error(diff)
	}
	if len(r.Metrics) != 1 || r.Metrics[0].Name != "loss" || r.Metrics[0].Attempt != "a1" || len(r.Logs) != 1 || r.Logs[0].Lines != 1 {
		t.Errorf("metrics %+v, logs %+v", r.Metrics, r.Logs)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the attempt's directory is still there: %v", err)
	}
}

func TestClaimRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	exit := worker.Execute(t.Context(), b.host, nil, b.store, worker.Options{}, "another")
	if exit.Reason != "claim: attempt another is over" || len(b.host.reports) > 0 {
		t.Errorf("the exit is %+v", exit)
	}
}

func TestFinishRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.host.refuse = errors.New("superseded")
	_, exit := b.execute(t.Context(), func(context.Context, noParams) (artifact.Ref[int], error) { return artifact.New(1), nil })
	if exit.Reason != "finish: superseded" {
		t.Errorf("the exit is %+v", exit)
	}
}

// TestBeats: a step is heard of as often as was agreed, and what it says is gathered for a moment.
func TestBeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.host.assignment.BeatEvery = 10 * time.Second
		start := time.Now()
		var at []time.Duration
		b.host.beaten = func(worker.Beat) { at = append(at, time.Since(start)) }
		b.execute(t.Context(), func(ctx context.Context, _ noParams) (artifact.Ref[int], error) {
			time.Sleep(35 * time.Second)
			for i := range 1000 {
				step.Progress(ctx, int64(i), 1000)
				step.Logger(ctx).Info("line")
			}
			time.Sleep(time.Second)
			return artifact.New(1), nil
		})
		want := []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second, 35*time.Second + 100*time.Millisecond, 36 * time.Second}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Error(diff)
		}
		if said := b.host.beats[3]; len(said.Lines) != 1000 || said.Done != 999 || said.Total != 1000 {
			t.Errorf("the beat holds %d lines and %d/%d", len(said.Lines), said.Done, said.Total)
		}
	})
}

// TestQuietStepDoesNotBeat: a short step costs a claim and a report, no more.
func TestQuietStepDoesNotBeat(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.execute(t.Context(), func(context.Context, noParams) (artifact.Ref[int], error) { return artifact.New(1), nil })
	if len(b.host.beats) != 0 {
		t.Errorf("%d beats", len(b.host.beats))
	}
}

// TestWordsAreBounded: what waits for those who follow live is bounded in lines and bytes, and metrics in number.
func TestWordsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		r, _ := b.execute(t.Context(), func(ctx context.Context, _ noParams) (artifact.Ref[int], error) {
			for range 100 {
				step.Logger(ctx).Info(strings.Repeat("x", 50_000))
			}
			for i := range 100_010 {
				step.Metric(ctx, "m", float64(i))
			}
			step.Metric(ctx, "", 1)
			step.Metric(ctx, strings.Repeat("m", 201), 1)
			return artifact.New(1), nil
		})
		bytes := 0
		for _, beat := range b.host.beats {
			for _, l := range beat.Lines {
				bytes += len(l.Message)
			}
		}
		if bytes > 2<<20 || bytes == 0 {
			t.Errorf("%d bytes were kept for those who follow", bytes)
		}
		if len(r.Metrics) != 100_000 {
			t.Errorf("%d metrics", len(r.Metrics))
		}
		var last []string
		for l, err := range logs.Read(t.Context(), b.store, r.Logs) {
			if err != nil {
				t.Fatal(err)
			}
			last = append(last, l.Message)
		}
		if n := len(last); n != 102 || !strings.HasPrefix(last[100], "metrics were dropped: an attempt records") || !strings.HasPrefix(last[101], "metrics were dropped: a name") {
			t.Errorf("%d lines, the last are %q", n, last[max(0, n-2):])
		}
	})
}

func TestStop(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		timeout time.Duration
		err     error // what the step returns when its context ends; nil for the context's
		kind    string
		code    component.Code
		says    string
	}{
		"stopped":                    {0, nil, worker.KindCancelled, component.Canceled, "context canceled"},
		"stopped, with its own word": {0, boom, worker.KindCancelled, component.Canceled, "boom"},
		"timeout":                    {time.Second, nil, worker.KindTimeout, component.DeadlineExceeded, "timed out after 1s: context deadline exceeded"},
		"timeout, permanent":         {time.Second, step.Permanent(boom), worker.KindTimeout, component.DeadlineExceeded, "timed out after 1s: boom"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				stop := make(chan struct{})
				b.host.assignment.Stop = stop
				b.host.assignment.Config.Timeout = c.timeout
				if c.timeout == 0 {
					time.AfterFunc(time.Minute, func() { close(stop) })
				}
				r, _ := b.execute(t.Context(), func(ctx context.Context, _ noParams) (artifact.Ref[int], error) {
					<-ctx.Done()
					if c.err != nil {
						return artifact.Ref[int]{}, c.err
					}
					return artifact.Ref[int]{}, ctx.Err()
				})
				f := r.Failure
				if f == nil || f.Kind != c.kind || f.Message != c.says || component.CodeOf(f.Err) != c.code || f.Permanent {
					t.Errorf("the failure is %+v", f)
				}
			})
		})
	}
}

// TestResultOfAStoppedStepCounts: what a step returned although it was asked to stop is stored.
func TestResultOfAStoppedStepCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	stop := make(chan struct{})
	close(stop)
	b.host.assignment.Stop = stop
	r, _ := b.execute(t.Context(), func(ctx context.Context, _ noParams) (artifact.Ref[int], error) {
		<-ctx.Done()
		return artifact.New(3), nil
	})
	if r.Failure != nil || len(r.Outputs) != 1 || r.Outputs[0].Preview != "3" {
		t.Errorf("the report is %+v", r)
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		value     any
		says      string
		permanent bool
	}{
		"text":       {"at the disco", "panic: at the disco", false},
		"error":      {boom, "panic: boom", false},
		"wrapped":    {fmt.Errorf("wrapped: %w", boom), "panic: wrapped: boom", false},
		"nil":        {nil, "panic: panic called with nil argument", false},
		"unset refs": {artifact.Ref[int]{}, "Value of an artifact.Ref that was never set", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := newBench(t).execute(t.Context(), func(context.Context, noParams) (artifact.Ref[int], error) {
				if r, ok := c.value.(artifact.Ref[int]); ok {
					r.Value()
				}
				panic(c.value)
			})
			f := r.Failure
			if f == nil || f.Kind != worker.KindPanic || !strings.HasPrefix(f.Message, c.says) || f.Permanent != c.permanent {
				t.Fatalf("the failure is %+v", f)
			}
			if !strings.Contains(f.Stack, "worker_test.TestPanic") || strings.Contains(f.Stack, "debug.Stack") || strings.Contains(f.Stack, "(*execution).call") {
				t.Errorf("the stack is %s", f.Stack)
			}
			if name == "wrapped" && !errors.Is(f.Err, boom) {
				t.Errorf("the error is %v", f.Err)
			}
		})
	}
}
