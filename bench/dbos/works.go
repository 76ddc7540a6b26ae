package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

// fresh measures a workflow of n steps that is new to its database. The program is warm: it has run another workflow before.
func fresh(ctx context.Context, o options, n int, pick func(program) dbos.Workflow[int, int]) (span, error) {
	var p program
	return with(ctx, o, p, func(c dbos.Context) (span, error) {
		if err := run(c, p.chain, 1); err != nil {
			return span{}, err
		}
		return timed(func() error { return run(c, pick(p), n) })
	})
}

// rerun measures what it takes to run a finished workflow of n steps again by its ID: DBOS returns what it returned.
func rerun(ctx context.Context, o options, n int) (span, error) {
	var p program
	return with(ctx, o, p, func(c dbos.Context) (span, error) {
		if err := run(c, p.chain, n, dbos.WithWorkflowID("once")); err != nil {
			return span{}, err
		}
		return timed(func() error { return run(c, p.chain, n, dbos.WithWorkflowID("once")) })
	})
}

// replay measures a workflow whose n steps are all recorded, because it was forked after them.
func replay(ctx context.Context, o options, n int) (span, error) {
	ran := make(chan span, 2)
	p := program{ran: func(s span) { ran <- s }}
	return with(ctx, o, p, func(c dbos.Context) (span, error) {
		if err := run(c, p.chain, n, dbos.WithWorkflowID("once")); err != nil {
			return span{}, err
		}
		<-ran
		if _, err := dbos.ForkWorkflow[int](c, dbos.ForkWorkflowInput{OriginalWorkflowID: "once", StartStep: uint(n)}); err != nil {
			return span{}, err
		}
		return hear(ctx, ran)
	})
}

// resume ends DBOS when half of n steps are done, and measures the workflow after it was launched again.
func resume(ctx context.Context, o options, n int) (span, error) {
	if err := interrupt(ctx, o, n); err != nil {
		return span{}, err
	}
	ran := make(chan span, 1)
	var again atomic.Int64
	p := program{ran: func(s span) { ran <- s }, stepped: func() { again.Add(1) }}
	return with(ctx, o, p, func(dbos.Context) (span, error) {
		s, err := hear(ctx, ran)
		if left := again.Load(); err == nil && (left == 0 || left > int64(n/2)) {
			err = fmt.Errorf("%d of %d steps ran after the resume", left, n)
		}
		return s, err
	})
}

func interrupt(ctx context.Context, o options, n int) error {
	half := make(chan struct{})
	var done atomic.Int64
	p := program{stepped: func() {
		if done.Add(1) == int64(n/2+atOnce) { // some of those in flight are not recorded
			close(half)
		}
	}}
	c, end, err := open(ctx, o, p)
	if err != nil {
		return err
	}
	handle, err := dbos.RunWorkflow(c, p.wide, n)
	if err != nil {
		return errors.Join(err, end())
	}
	<-half
	if err := end(); err != nil {
		return err
	}
	if _, err := handle.GetResult(); err == nil {
		return errors.New("the workflow ended before it could be interrupted")
	}
	return nil
}

// start runs one step, and gives the time at which it ran as the end. The beginning is known to whoever started this process.
func start(ctx context.Context, o options) (span, error) {
	var p program
	return with(ctx, o, p, func(c dbos.Context) (span, error) {
		handle, err := dbos.RunWorkflow(c, p.hello, 0)
		if err != nil {
			return span{}, err
		}
		ran, err := handle.GetResult()
		return span{Ended: int64(ran)}, err
	})
}

// with launches DBOS for the time of fn.
func with(ctx context.Context, o options, p program, fn func(dbos.Context) (span, error)) (span, error) {
	c, end, err := open(ctx, o, p)
	if err != nil {
		return span{}, err
	}
	s, err := fn(c)
	return s, errors.Join(err, end())
}

// run runs a workflow of n steps to its end and checks that it returned n.
func run(c dbos.Context, workflow dbos.Workflow[int, int], n int, options ...dbos.WorkflowOption) error {
	handle, err := dbos.RunWorkflow(c, workflow, n, options...)
	if err != nil {
		return err
	}
	got, err := handle.GetResult()
	if err == nil && got != n {
		err = fmt.Errorf("a workflow of %d steps returned %d", n, got)
	}
	return err
}

// hear waits for a workflow that the queue starts.
func hear(ctx context.Context, ran <-chan span) (span, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	select {
	case s := <-ran:
		return s, nil
	case <-ctx.Done():
		return span{}, fmt.Errorf("the workflow was not run: %w", ctx.Err())
	}
}
