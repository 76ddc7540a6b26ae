package simulate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/internal/scope"
)

// site is where a function is executed: a step, or an element of a mapped one.
type site struct {
	step  string
	index int
}

// String names the site.
func (s site) String() string {
	if s.index < 0 {
		return s.step
	}
	return fmt.Sprintf("%s[%d]", s.step, s.index)
}

// execution is one call of a step's function.
type execution struct {
	w      *World
	r      *Run
	at     site
	number int // in its run, from 1, in the order in which they began
	driver int

	interrupt chan struct{} // closed when the word has been said that interrupts it
	freed     chan struct{} // closed when who said it may go on
	word      int
	stop      context.CancelCauseFunc

	// Guarded by the lock of the world.
	start, end time.Time
	words      int    // that the function said to its surroundings
	killed     string // why; the function has no effect any more
	excused    bool   // a failure of it says nothing about the step
	stopped    time.Time
	err        error
	outputs    []string // identities; empty while unknown

	once, free sync.Once
}

// String names the execution.
func (x *execution) String() string {
	return fmt.Sprintf("%s: execution %d", x.at, x.number)
}

// execution counts an execution.
func (d *Driver) execution(ctx context.Context, outputs int) *execution {
	s := scope.From(ctx)
	x := &execution{
		w: d.r.w, r: d.r, at: site{s.Step, s.Index}, driver: d.n, outputs: make([]string, outputs),
		interrupt: make(chan struct{}), freed: make(chan struct{}),
	}
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	x.r.begun[x.at]++
	x.number = x.r.begun[x.at]
	return x
}

// begin lets the execution count as one that calls its function.
func (x *execution) begin(f fate, stop context.CancelCauseFunc) {
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	x.word, x.stop, x.start = f.word, stop, time.Now()
	x.r.executions[x.at] = append(x.r.executions[x.at], x)
	x.w.going++
}

// ending is how a function ended: it returned, it panicked, or it ended its goroutine.
type ending struct {
	values   []any
	err      error
	panicked any
	left     bool // by runtime.Goexit
}

type executionKey struct{}

// call calls the function. Its name is known to [ownGoroutine].
func (x *execution) call(ctx context.Context, fn func(context.Context) ([]any, error), done chan<- ending) {
	e := ending{left: true}
	unhook := context.AfterFunc(ctx, func() {
		x.w.mu.Lock()
		defer x.w.mu.Unlock()
		if x.stopped.IsZero() {
			x.stopped = time.Now()
		}
	})
	defer func() {
		if e.left {
			e.panicked = recover()
		}
		unhook()
		x.ended(ctx, e)
		done <- e
	}()
	e.values, e.err = fn(context.WithValue(x.surround(ctx), executionKey{}, x))
	e.left = false
}

// ended writes down how the function ended.
func (x *execution) ended(ctx context.Context, e ending) {
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	x.end = time.Now()
	switch {
	case e.err != nil:
		x.err = e.err
	case e.panicked != nil:
		x.err = fmt.Errorf("panic: %v", e.panicked)
	case e.left:
		x.err = errors.New("it ended its goroutine")
	}
	if ctx.Err() != nil {
		x.excused = true
		if x.stopped.IsZero() {
			x.stopped = x.end
		}
	}
	x.w.rest()
}

// pass hands an ending on as if the function had been called directly.
func (x *execution) pass(e ending) ([]any, error) {
	if e.panicked != nil {
		panic(e.panicked) // it is the step's own
	}
	if e.left {
		runtime.Goexit()
	}
	if e.err != nil {
		return nil, e.err
	}
	return x.watch(e.values), nil
}

// kill ends an execution as far as that can be: its context ends, and so does its goroutine when it speaks next.
func (x *execution) kill(why string) {
	x.w.mu.Lock()
	x.killed, x.excused = why, true
	x.w.mu.Unlock()
	x.stop(fmt.Errorf("simulated: %s", why))
	x.release()
}

// release lets the function go on that waits with the word that interrupted it.
func (x *execution) release() { x.free.Do(func() { close(x.freed) }) }

// stoppedBefore reports whether the context of the execution ended before the function did.
func (x *execution) stoppedBefore() bool {
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	return !x.stopped.IsZero()
}

// excuse says that a store failed which the function uses.
func excuse(ctx context.Context) {
	x, ok := ctx.Value(executionKey{}).(*execution)
	if !ok {
		return
	}
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	x.excused = true
}

// usual returns how often the function of a site speaks, and how long it takes, as the first execution did.
func (w *World) usual(at site) (words int, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.runs {
		if all := r.executions[at]; !r.disturbed && len(all) > 0 {
			return all[0].words, all[0].end.Sub(all[0].start)
		}
	}
	return 0, 0
}

// say is called whenever the function says something to its surroundings, or asks them. The goroutine of a killed one ends here, as that of a
// process that dies does anywhere.
func (x *execution) say() {
	x.w.mu.Lock()
	x.words++
	interrupts := x.word > 0 && x.words == x.word
	x.w.mu.Unlock()
	if interrupts {
		x.once.Do(func() { close(x.interrupt) })
		<-x.freed
	}
	x.w.mu.Lock()
	killed := x.killed != ""
	x.w.mu.Unlock()
	if killed && ownGoroutine() {
		runtime.Goexit()
	}
}

// surround replaces the surroundings of the function by ones that listen.
func (x *execution) surround(ctx context.Context) context.Context {
	s := *scope.From(ctx)
	inner := s
	s.Logger = slog.New(&handler{inner.Logger.Handler(), x})
	s.Metric = func(name string, value float64) { x.say(); inner.Metric(name, value) }
	s.Progress = func(done, total int64) { x.say(); inner.Progress(done, total) }
	s.TempDir = func() (string, error) { x.say(); return inner.TempDir() }
	s.Save = func(ctx context.Context, v any) error {
		x.say()
		err := inner.Save(ctx, v)
		if err != nil {
			excuse(ctx)
		}
		return err
	}
	s.Restore = func(ctx context.Context, target any) (bool, error) {
		x.say()
		found, err := inner.Restore(ctx, target)
		if err != nil {
			excuse(ctx)
		}
		return found, err
	}
	return scope.With(ctx, &s)
}

// handler listens to the log.
type handler struct {
	slog.Handler
	x *execution
}

// Handle implements [slog.Handler].
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	h.x.say()
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.Handler.WithAttrs(attrs), h.x}
}

// WithGroup implements [slog.Handler].
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.Handler.WithGroup(name), h.x}
}
