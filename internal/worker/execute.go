package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/scope"
	"github.com/tenon-ml/tenon/internal/stacktrace"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/step"
)

// Options of a worker.
type Options struct {
	// TempDir is the parent of the attempts' own directories.
	TempDir string
	// Host names this machine, for people.
	Host string
	// Sources opens pinned outside data. TempDir is called when a local copy is needed.
	Sources func(tempDir func() (string, error)) ref.Opener
	// Resources that the steps of this process share. Nil: steps that ask for one get an error.
	Resources *scope.Resources
	// PeakMemory returns the most memory that the process has had. Nil: the process is not the attempt's own.
	PeakMemory func() step.Bytes
}

// Kinds of failures.
const (
	KindError     = "error"     // the step returned an error
	KindPanic     = "panic"     // the step panicked
	KindGoexit    = "goexit"    // the step called runtime.Goexit
	KindTimeout   = "timeout"   // the step took longer than its timeout
	KindCancelled = "cancelled" // the step ended because it was asked to stop
	KindInput     = "input"     // an input could not be read
	KindOutput    = "output"    // an output could not be stored
	KindCrash     = "crash"     // its process ended before the step did
	KindProgram   = "program"   // the worker's program is not the one that made the plan
)

var (
	errStopped = errors.New("the run is being cancelled")
	errTimeout = errors.New("the step's timeout passed")
)

// Execute runs one attempt: it claims it, decodes the inputs, calls the step, stores the outputs and finishes. It returns
// when the step function has returned, and asks it to stop when ctx ends or the host asks.
func Execute(ctx context.Context, h Host, p *graph.Program, store artifact.Store, o Options, attempt string) orchestrator.Exit {
	a, err := h.Claim(ctx, attempt)
	if err != nil {
		return orchestrator.Exit{Reason: "claim: " + err.Error()}
	}
	if _, err := Perform(ctx, h, a, p, store, o); err != nil {
		return orchestrator.Exit{Reason: err.Error()}
	}
	return orchestrator.Exit{}
}

// Perform is [Execute] for an attempt that was claimed. It reports whether the attempt succeeded; the error says that its report was not taken.
func Perform(ctx context.Context, h Host, a Assignment, p *graph.Program, store artifact.Store, o Options) (succeeded bool, err error) {
	e := newExecution(h, p, store, o, a)
	report := e.run(ctx)
	if err := h.Finish(context.WithoutCancel(ctx), report); err != nil {
		return false, fmt.Errorf("finish: %w", err)
	}
	return report.Failure == nil, nil
}

// execution is one attempt while it runs.
type execution struct {
	host    Host
	program *graph.Program
	node    *graph.Node
	bind    *graph.Binding
	store   *traffic
	options Options
	a       Assignment
	said    *said

	saving sync.Mutex // held while a checkpoint is being saved

	mu sync.Mutex // guards what follows
	// checkpoint is the newest of the step; nil if there is none.
	checkpoint *artifact.Record
	// made is the attempt's own directory, once it was asked for.
	made string
	over bool // the attempt has ended
}

func newExecution(h Host, p *graph.Program, store artifact.Store, o Options, a Assignment) *execution {
	e := &execution{
		host: h, program: p, node: &p.Graph.Nodes[a.Node], bind: &p.Bindings[a.Node],
		store: &traffic{Store: store}, options: o, a: a, checkpoint: a.Checkpoint,
	}
	e.said = newSaid(a, store)
	return e
}

func (e *execution) run(ctx context.Context) Report {
	r := Report{Attempt: e.a.Attempt, Started: time.Now(), Host: e.options.Host}
	attempt, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if t := e.a.Config.Timeout; t > 0 {
		var stop context.CancelFunc
		attempt, stop = context.WithTimeoutCause(attempt, t, errTimeout)
		defer stop()
	}
	done := make(chan result, 1)
	go e.call(ctx, attempt, done)
	res := e.attend(done, cancel)
	if res.failure != nil {
		e.explain(attempt, res.failure)
	}
	r.Outputs, r.Failure, r.Finished = res.outputs, res.failure, time.Now()
	r.Metrics, r.Logs = e.said.close()
	r.Read, r.Written = e.store.read.Load(), e.store.written.Load()
	if e.options.PeakMemory != nil {
		r.PeakMemory = e.options.PeakMemory()
	}
	e.removeDir()
	return r
}

// result is what the step's goroutine leaves behind.
type result struct {
	outputs []artifact.Record
	failure *Failure
}

// call does the work, in a goroutine of its own, so that runtime.Goexit ends only that. What the step has returned is stored also if it is
// asked to stop meanwhile: only the end of ctx, which forces it, prevents that.
func (e *execution) call(ctx, attempt context.Context, done chan<- result) {
	res := result{failure: &Failure{
		Kind: KindGoexit, Permanent: true,
		Message: fmt.Sprintf("step %s ended its goroutine with runtime.Goexit, as testing.T.FailNow does: return an error instead", e.node.Name),
	}}
	defer func() { done <- res }()
	defer e.recovered(&res)
	values, failure := e.invoke(ctx, attempt)
	if failure == nil {
		res.outputs, failure = e.save(ctx, values)
	}
	res.failure = failure
}

// attend waits for the step, stops it when asked, and sends beats.
func (e *execution) attend(done <-chan result, cancel context.CancelCauseFunc) result {
	stop := e.a.Stop
	wake := e.said.wake
	var due <-chan time.Time
	if e.a.BeatEvery > 0 {
		due = time.After(e.a.BeatEvery)
	}
	for {
		select {
		case res := <-done:
			e.said.beat(e.host)
			return res
		case <-stop:
			cancel(errStopped)
			stop = nil
		case <-wake:
			wake, due = nil, time.After(beatPause) // gather what follows at once
		case <-due:
			e.said.beat(e.host)
			wake, due = e.said.wake, nil
			if e.a.BeatEvery > 0 {
				due = time.After(e.a.BeatEvery)
			}
		}
	}
}

// invoke decodes the inputs and calls the step function.
func (e *execution) invoke(ctx, attempt context.Context) ([]any, *Failure) {
	call, failure := e.inputs(attempt)
	if failure != nil {
		return nil, failure
	}
	values, err := e.bind.Invoke(scope.With(attempt, e.scope(e.saver(ctx, attempt))), call)
	if err != nil {
		message := cmp.Or(err.Error(), fmt.Sprintf("an error of type %T, without a message", err))
		return nil, &Failure{Kind: KindError, Message: message, Permanent: step.IsPermanent(err), Err: err}
	}
	return values, nil
}

// recovered turns a panic of the step into a failure.
func (e *execution) recovered(res *result) {
	switch r := recover().(type) {
	case nil:
	case ref.Unresolved:
		res.failure = &Failure{Kind: KindPanic, Permanent: true, Message: r.Error(), Stack: stacktrace.Recovered(), Err: r}
	default:
		err, _ := r.(error)
		res.failure = &Failure{Kind: KindPanic, Message: fmt.Sprintf("panic: %v", r), Stack: stacktrace.Recovered(), Err: err}
	}
}

// explain replaces what a step says after it was stopped by why it was stopped: the error of a step that stops is rarely about itself.
func (e *execution) explain(ctx context.Context, f *Failure) {
	if f.Kind != KindError && f.Kind != KindInput {
		return
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errTimeout):
		f.Kind, f.Permanent = KindTimeout, false
		f.Message = fmt.Sprintf("timed out after %v: %s", e.a.Config.Timeout, f.Message)
		f.Err = component.Errorf(component.DeadlineExceeded, "%s", f.Message)
	case cause != nil:
		f.Kind = KindCancelled
		f.Err = component.Errorf(component.Canceled, "%s", f.Message)
	}
}

func (e *execution) scope(save func(context.Context, any) error) *scope.Scope {
	return &scope.Scope{
		Run: e.a.Run, Pipeline: e.a.Pipeline, Step: e.a.Step, Index: e.a.Index, Attempt: e.a.Number, AttemptID: e.a.Attempt, Key: e.a.Key,
		Logger: e.said.logger, Metric: e.said.metric, Progress: e.said.progress, TempDir: e.tempDir,
		Save: save, Restore: e.restore, Resources: e.options.Resources,
	}
}

// tempDir returns the attempt's own directory, made when it is first asked for.
func (e *execution) tempDir() (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		return "", component.Errorf(component.FailedPrecondition, "the attempt has ended and its directory is gone")
	}
	if e.made != "" {
		return e.made, nil
	}
	if err := os.MkdirAll(e.options.TempDir, 0o700); err != nil {
		return "", component.Errorf(component.Unavailable, "make a directory for the attempt: %w", err)
	}
	dir, err := os.MkdirTemp(e.options.TempDir, "attempt-*")
	if err != nil {
		return "", component.Errorf(component.Unavailable, "make a directory for the attempt: %w", err)
	}
	e.made = dir
	return dir, nil
}

func (e *execution) ended() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.over
}

func (e *execution) removeDir() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = true
	if e.made != "" {
		os.RemoveAll(e.made)
	}
}
