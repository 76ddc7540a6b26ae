package main

import (
	"context"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

// program is the workflows of this program with what hears of them; its zero value is of use.
type program struct {
	// ran hears when a workflow function was called and when it returned. It may be nil.
	ran func(span)
	// stepped is called in each step of wide. It may be nil.
	stepped func()
}

func (p program) tell(began time.Time) {
	if p.ran != nil {
		p.ran(span{began.UnixNano(), time.Now().UnixNano()})
	}
}

// chain is n steps, each of which takes the result of the one before and adds one.
func (p program) chain(ctx dbos.Context, n int) (int, error) {
	began := time.Now()
	value := 0
	for range n {
		next, err := dbos.RunAsStep(ctx, func(context.Context) (int, error) { return value + 1, nil }, dbos.WithStepName("link"))
		if err != nil {
			return 0, err
		}
		value = next
	}
	p.tell(began)
	return value, nil
}

// atOnce is the number of steps of wide that run at a time: of the numbers from 1 to 10,000 that were tried, the fastest.
const atOnce = 4

// wide is n steps that do not depend on each other. It returns how many there were.
func (p program) wide(ctx dbos.Context, n int) (int, error) {
	began := time.Now()
	free, ended := make(chan struct{}, atOnce), make(chan error, n)
	for i := range n {
		free <- struct{}{}
		outcome, err := dbos.Go(ctx, func(context.Context) (int, error) {
			if p.stepped != nil {
				p.stepped()
			}
			return i, nil
		}, dbos.WithStepName("element"))
		if err != nil {
			return 0, err
		}
		go func() {
			ended <- (<-outcome).Err
			<-free
		}()
	}
	for range n {
		if err := <-ended; err != nil {
			return 0, err
		}
	}
	p.tell(began)
	return n, nil
}

// hello is one step that tells when it runs.
func (program) hello(ctx dbos.Context, _ int) (int, error) {
	now, err := dbos.RunAsStep(ctx, func(context.Context) (int64, error) { return time.Now().UnixNano(), nil }, dbos.WithStepName("hello"))
	return int(now), err
}
