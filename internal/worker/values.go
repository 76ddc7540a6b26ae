package worker

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/tenon-ml/tenon/artifact"
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
	var group errgroup.Group
	group.SetLimit(parallel)
	var failed error
	for i, rec := range e.a.Inputs {
		load := func() (err error) {
			call.Inputs[i], err = e.load(ctx, i, rec)
			return err
		}
		if rec.Inline == nil {
			group.Go(load)
		} else if err := load(); err != nil && failed == nil {
			failed = err
		}
	}
	if err := group.Wait(); err != nil {
		failed = err
	}
	if failed != nil {
		return call, &Failure{Kind: KindInput, Message: failed.Error(), Err: failed}
	}
	return call, nil
}

func (e *execution) load(ctx context.Context, i int, rec artifact.Record) (any, error) {
	port := e.bind.Inputs[i]
	read := func(ctx context.Context, dir func() (string, error)) (v any, err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("the codec panicked: %v", r)
			}
		}()
		return load(ctx, e.store, port, rec, dir)
	}
	var v any
	var err error
	if e.a.Shared != nil && e.a.Config.ShareInputs == step.On && !e.perElement(i) {
		v, err = e.a.Shared.value(ctx, sharedKey{i, rec.Digest}, read)
	} else {
		v, err = read(ctx, e.dir)
	}
	if err != nil {
		return nil, fmt.Errorf("input %s (%s): %w", e.node.Inputs[i].Name, rec.Digest.Short(), err)
	}
	return v, nil
}

func load(ctx context.Context, store artifact.Store, port graph.Port, rec artifact.Record, dir func() (string, error)) (any, error) {
	if rec.Codec == artifact.GatherCodec {
		return transfer.LoadList(ctx, store, port.Elem, port.Type, rec, dir)
	}
	return transfer.Load(ctx, store, port.Codec, rec, dir)
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
	opener := e.options.Sources(e.tempDir)
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
		defer func() {
			if r := recover(); r != nil {
				err = step.Permanent(fmt.Errorf("output %s: the codec panicked: %v", e.node.Outputs[i].Name, r))
			}
		}()
		records[i], err = transfer.Save(ctx, e.store, e.bind.Outputs[i].Codec, e.node.Outputs[i].Type, values[i])
		if err != nil {
			return fmt.Errorf("output %s: %w", e.node.Outputs[i].Name, err)
		}
		return nil
	}
	if len(values) == 1 {
		return records, outputFailure(write(0))
	}
	var group errgroup.Group
	group.SetLimit(parallel)
	for i := range values {
		group.Go(func() error { return write(i) })
	}
	return records, outputFailure(group.Wait())
}

func outputFailure(err error) *Failure {
	if err == nil {
		return nil
	}
	return &Failure{Kind: KindOutput, Message: err.Error(), Permanent: step.IsPermanent(err), Err: err}
}
