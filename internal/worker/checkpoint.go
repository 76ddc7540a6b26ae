package worker

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/transfer"
	"github.com/tenon-ml/tenon/step"
)

// saver returns what saves checkpoints of a step, whose context is attempt. A step that was asked to stop may still save where it is: what
// ends the saving is the end of ctx, which forces the attempt, or of a context of the step's own.
func (e *execution) saver(ctx, attempt context.Context) func(context.Context, any) error {
	return func(own context.Context, v any) error {
		saving, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		defer context.AfterFunc(own, func() {
			if attempt.Err() == nil {
				cancel(context.Cause(own))
			}
		})()
		err := e.saveCheckpoint(saving, v)
		if err == nil {
			return nil
		}
		if saving.Err() != nil {
			err = context.Cause(saving)
		}
		return fmt.Errorf("checkpoint: %w", err)
	}
}

// saveCheckpoint stores a checkpoint and waits until the host has recorded it. One is saved after the other, so that the last one is the newest.
func (e *execution) saveCheckpoint(ctx context.Context, v any) (err error) {
	e.saving.Lock()
	defer e.saving.Unlock()
	if e.ended() {
		return component.Errorf(component.FailedPrecondition, "the attempt has ended")
	}
	held, err := e.held(reflect.ValueOf(v))
	if err != nil {
		return step.Permanent(err)
	}
	c, typ, err := e.coding(held.Type())
	if err != nil {
		return step.Permanent(err)
	}
	rec, err := e.put(ctx, c, typ, held.Interface())
	if err != nil {
		return err
	}
	if err := e.host.Beat(ctx, Beat{Attempt: e.a.Attempt, Done: -1, Total: -1, Checkpoint: &rec}); err != nil {
		return fmt.Errorf("record it: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.checkpoint = &rec
	return nil
}

// restore reads the newest checkpoint into what target points to.
func (e *execution) restore(ctx context.Context, target any) (bool, error) {
	found, err := e.restoreCheckpoint(ctx, reflect.ValueOf(target))
	if err != nil {
		return found, fmt.Errorf("restore the checkpoint: %w", err)
	}
	return found, nil
}

func (e *execution) restoreCheckpoint(ctx context.Context, target reflect.Value) (bool, error) {
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return false, step.Permanent(component.Errorf(component.Invalid, "the target is no pointer to a variable: pass the address of one"))
	}
	e.mu.Lock()
	rec := e.checkpoint
	e.mu.Unlock()
	if rec == nil {
		return false, nil
	}
	t := target.Type().Elem()
	for e.indirect(t) {
		t = t.Elem()
	}
	c, typ, err := e.coding(t)
	if err != nil {
		return false, step.Permanent(err)
	}
	if typ != rec.Type {
		return false, step.Permanent(component.Errorf(component.Invalid, "a value of type %s was saved, which does not fit one of type %s", rec.Type, typ))
	}
	v, err := e.get(*rec, func() (any, error) { return transfer.Load(ctx, e.store, c, *rec, e.tempDir) })
	if err != nil {
		return false, err
	}
	for target = target.Elem(); target.Type() != t; target = target.Elem() {
		target.Set(reflect.New(target.Type().Elem()))
	}
	if v != nil { // of an interface type it may be nil
		target.Set(reflect.ValueOf(v))
	}
	return true, nil
}

// held returns the value behind pointers.
func (e *execution) held(v reflect.Value) (reflect.Value, error) {
	for v.IsValid() && e.indirect(v.Type()) {
		v = v.Elem()
	}
	if !v.IsValid() {
		return v, component.Errorf(component.Invalid, "the value is nil")
	}
	return v, nil
}

// indirect reports whether t is a pointer that stands for what it points to: it has no codec of its own.
func (e *execution) indirect(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer && !slices.ContainsFunc(e.program.Codecs, func(c codec.Codec) bool { return c.Type == t })
}

// coding is how values of type t are written, and the structural form of the type.
func (e *execution) coding(t reflect.Type) (codec.Codec, string, error) {
	c, err := codec.For(t, e.program.Codecs)
	if err != nil {
		return c, "", err
	}
	return c, codec.TypeString(t, e.program.Codecs), nil
}
