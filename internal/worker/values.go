package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/transfer"
	"github.com/tenon-ml/tenon/step"
)

// parallel is how many values of one attempt are moved at once.
const parallel = 4

// inputs decodes the inputs of one call. Small ones are decoded in place, larger ones concurrently.
func (e *execution) inputs(ctx context.Context) (graph.Call, *Failure) {
	call := graph.Call{Inputs: make([]any, len(e.a.Inputs)), Sources: e.sources()}
	large := func(i int) bool { return e.a.Inputs[i].Inline == nil }
	err := each(len(e.a.Inputs), large, func(i int) (err error) {
		call.Inputs[i], err = e.load(ctx, i, e.a.Inputs[i])
		return err
	})
	if err != nil {
		return call, &Failure{Kind: KindInput, Message: err.Error(), Err: err}
	}
	return call, nil
}

// each calls do for 0 to n-1, concurrently where that is worth it, and returns the first error.
func each(n int, worth func(int) bool, do func(int) error) error {
	many := 0
	for i := range n {
		if worth(i) {
			many++
		}
	}
	if many < 2 {
		for i := range n {
			if err := do(i); err != nil {
				return err
			}
		}
		return nil
	}
	var group errgroup.Group
	group.SetLimit(parallel)
	var returned atomic.Int64
	var inPlace error
	for i := range n {
		if worth(i) {
			group.Go(func() error {
				err := do(i)
				returned.Add(1)
				return err
			})
		} else if inPlace == nil {
			inPlace = do(i)
		}
	}
	err := cmp.Or(group.Wait(), inPlace)
	if err == nil && returned.Load() < int64(many) {
		return errors.New("a codec ended its goroutine with runtime.Goexit") // which errgroup takes for success
	}
	return err
}

func (e *execution) load(ctx context.Context, i int, rec artifact.Record) (any, error) {
	port := e.bind.Inputs[i]
	read := func(ctx context.Context, dir func() (string, error)) (any, error) {
		return e.get(rec, func() (any, error) { return port.Load(ctx, e.store, rec, dir) })
	}
	var v any
	var err error
	if e.a.Shared != nil && e.a.Config.ShareInputs == step.On && !e.perElement(i) {
		v, err = e.a.Shared.value(ctx, i, rec, read)
	} else {
		v, err = read(ctx, e.tempDir)
	}
	if err != nil {
		return nil, fmt.Errorf("input %s (%s): %w", e.node.Inputs[i].Name, rec.Digest.Short(), err)
	}
	return v, nil
}

// get reads a value of the attempt.
func (e *execution) get(rec artifact.Record, read func() (any, error)) (v any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the codec panicked: %v", r)
		}
	}()
	e.store.read.Add(inlineSize(rec))
	return read()
}

// perElement reports whether an input of a mapped step differs between elements.
func (e *execution) perElement(i int) bool {
	from := e.node.Inputs[i].From
	return from.Item || from.Each
}

func (e *execution) sources() []*ref.SourceHandle {
	if len(e.bind.Sources) == 0 {
		return nil
	}
	opener := &countedOpener{e.options.Sources(e.tempDir), &e.store.read}
	handles := make([]*ref.SourceHandle, len(e.bind.Sources))
	for i := range handles {
		handles[i] = &ref.SourceHandle{Pin: e.a.Pins[i], Opener: opener}
	}
	return handles
}

// save encodes and stores the outputs. A value that cannot be encoded now cannot be encoded by another attempt.
func (e *execution) save(ctx context.Context, values []any) ([]artifact.Record, *Failure) {
	records := make([]artifact.Record, len(values))
	write := func(i int) (err error) {
		records[i], err = e.put(ctx, e.bind.Outputs[i].Codec, e.node.Outputs[i].Type, values[i])
		if err != nil {
			return fmt.Errorf("output %s: %w", e.node.Outputs[i].Name, err)
		}
		return nil
	}
	if failure := outputFailure(each(len(values), func(int) bool { return true }, write)); failure != nil {
		return nil, failure // a report of half of them would be refused, and hide why
	}
	return records, nil
}

// put encodes and stores a value of the attempt.
func (e *execution) put(ctx context.Context, c codec.Codec, typ string, v any) (rec artifact.Record, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = step.Permanent(fmt.Errorf("the codec panicked: %v", r))
		}
	}()
	rec, err = transfer.Save(ctx, e.store, c, typ, v)
	e.store.written.Add(int64(len(rec.Inline)))
	return rec, err
}

func outputFailure(err error) *Failure {
	if err == nil {
		return nil
	}
	return &Failure{Kind: KindOutput, Message: err.Error(), Permanent: step.IsPermanent(err), Err: err}
}
