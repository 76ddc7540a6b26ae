package simulate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/tenon-ml/tenon/internal/graph"
)

var errStopped = errors.New("simulated: the attempt was asked to stop")

// Program returns a program whose functions are executed as the driver's attempts are: they may be lost, given up, or stopped.
func (d *Driver) Program(p *graph.Program) *graph.Program {
	q := *p
	q.Bindings = slices.Clone(p.Bindings)
	for i := range q.Bindings {
		b := &q.Bindings[i]
		if b.Invoke == nil {
			continue
		}
		b.Outputs = observed(b.Outputs)
		outputs, invoke := b.Outputs, b.Invoke
		b.Invoke = func(ctx context.Context, call graph.Call) ([]any, error) {
			return d.execute(ctx, d.execution(ctx, len(outputs)), outputs, func(ctx context.Context) ([]any, error) { return invoke(ctx, call) })
		}
	}
	return &q
}

// fate is what happens to one execution.
type fate struct {
	kind Faults // 0: nothing
	late bool   // it goes on after it was given up
	// When it happens: at that word of the function to its surroundings, counted from 1; after that time; or, if neither is set, when it returns.
	word  int
	after time.Duration
}

// fateOf draws what happens to an execution. Where it is interrupted depends on what was seen of undisturbed ones.
func (d *Driver) fateOf(x *execution) (f fate, delay time.Duration) {
	r := d.r.w.rand("execution", d.r.name, x.at, x.number)
	delay = d.delay(r)
	dies, crashes := d.happens(Deaths, r, 0.3), d.happens(Crashes, r, 1)
	late, stops := d.happens(Duplicates, r, 0.5), d.happens(Timeouts, r, 0.7)
	switch {
	case dies:
		f.kind = Deaths
	case crashes:
		f.kind = Crashes
	case late:
		f.kind, f.late = Duplicates, true
	case stops:
		f.kind = Timeouts
	}
	if f.kind != 0 {
		words, took := d.r.w.usual(x.at)
		f.interrupt(r, words, took)
	}
	return f, delay
}

func (f *fate) interrupt(r *rand.Rand, words int, took time.Duration) {
	moments, moment, fraction := words+1, r.Int(), r.Float64()
	if took > 0 {
		moments += words + 1 // as likely as all others
	}
	switch moment %= moments; {
	case moment < words:
		f.word = moment + 1
	case moment > words:
		f.after = max(1, time.Duration(fraction*float64(took)))
	}
}

// execute calls the function of a step.
func (d *Driver) execute(ctx context.Context, x *execution, outputs []graph.Port, fn func(context.Context) ([]any, error)) ([]any, error) {
	f, delay := d.fateOf(x)
	stopped := f.kind == Timeouts && f.word == 0 && f.after == 0  // before it begins
	if deadline, ok := ctx.Deadline(); ok && f.kind == Timeouts { // hold it up, so that its own timeout passes while its function runs
		delay = time.Until(deadline) - f.after
		stopped, f.word, f.after = false, 0, 0
	}
	held := d.r.w.hold() // what is held up is waited for, too: that may take as long as a timeout
	pause(ctx, delay)
	if d.isDead() {
		held()
		return nil, errDead
	}
	inner, stop := f.context(ctx)
	x.begin(f, stop)
	held()
	if stopped {
		x.stop(errStopped)
	}
	done := make(chan ending, 1)
	go x.call(inner, fn, done)
	var due <-chan time.Time
	if f.kind != 0 && f.after > 0 {
		t := time.NewTimer(f.after)
		defer t.Stop()
		due = t.C
	}
	select {
	case e := <-done:
		return d.returned(ctx, x, f, outputs, e)
	case <-x.interrupt:
	case <-due:
	case <-d.dead:
		x.kill("its driver died")
		return nil, errDead
	}
	return d.interrupted(ctx, x, f, outputs, done)
}

// context returns that of the function. What goes on when it was given up hears of nothing, but its own timeout passes.
func (f fate) context(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	if !f.late {
		return context.WithCancelCause(ctx)
	}
	inner, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	deadline, ok := ctx.Deadline()
	if !ok {
		return inner, stop
	}
	inner, release := context.WithDeadline(inner, deadline)
	return inner, func(cause error) {
		stop(cause)
		release()
	}
}

// returned handles an execution whose function returned before it was interrupted.
func (d *Driver) returned(ctx context.Context, x *execution, f fate, outputs []graph.Port, e ending) ([]any, error) {
	defer x.stop(nil)
	x.release()
	switch f.kind {
	case Deaths:
		d.r.w.note(Deaths, x.at.step, "%s: driver %d dies when the function has returned", x, d.n)
		x.discard(ctx, outputs, e)
		d.die()
		return nil, errDead
	case Crashes, Duplicates:
		d.r.w.note(f.kind, x.at.step, "%s crashes when the function has returned", x)
		x.discard(ctx, outputs, e)
		return nil, injected("the attempt crashed when its function had returned")
	case Timeouts:
		if x.stoppedBefore() {
			d.r.w.note(Timeouts, x.at.step, "%s: its context ends before the function does", x)
		}
	}
	return x.pass(e)
}

// interrupted handles an execution whose time has come while its function runs.
func (d *Driver) interrupted(ctx context.Context, x *execution, f fate, outputs []graph.Port, done <-chan ending) ([]any, error) {
	when := fmt.Sprintf("%v after it began", f.after)
	if f.word > 0 {
		when = "when it says something for the " + ordinal(f.word) + " time"
	}
	switch f.kind {
	case Deaths:
		d.r.w.note(Deaths, x.at.step, "%s: driver %d dies, %s", x, d.n, when)
		x.kill("its driver died")
		d.die()
		return nil, errDead
	case Crashes:
		d.r.w.note(Crashes, x.at.step, "%s crashes %s", x, when)
		x.kill("it crashed")
		return nil, injected("the attempt crashed while its function ran")
	case Duplicates:
		d.r.w.note(Duplicates, x.at.step, "%s is given up %s, and goes on", x, when)
		x.lose(context.WithoutCancel(ctx), outputs, done)
		return nil, injected("the attempt was lost sight of, and goes on")
	}
	d.r.w.note(Timeouts, x.at.step, "%s is asked to stop %s", x, when)
	x.stop(errStopped)
	x.release()
	return x.pass(<-done)
}

func ordinal(n int) string {
	switch n {
	case 1:
		return "first"
	case 2:
		return "second"
	case 3:
		return "third"
	}
	return fmt.Sprintf("%dth", n)
}

// frame is the function whose frame is on the stack of the goroutine that called a step's function.
const frame = "internal/simulate.(*execution).call"

// ownGoroutine reports whether it is called from the goroutine that called the step's function, and not from one that the function started.
func ownGoroutine() bool {
	pcs := make([]uintptr, 1024)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if strings.HasSuffix(f.Function, frame) {
			return true
		}
		if !more {
			return false
		}
	}
}
