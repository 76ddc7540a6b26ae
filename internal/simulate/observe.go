package simulate

import (
	"context"
	"crypto/sha256"
	"io"
	"slices"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/transfer"
)

// seen is an output on its way to its codec.
type seen struct {
	value any
	x     *execution
	i     int
}

// plain is a [codec.Plain].
type plain struct{ io.Writer }

// Plain implements [codec.Plain].
func (plain) Plain() {}

// observed returns ports whose codecs note what they encode: values are encoded once, since some can be read only once.
func observed(ports []graph.Port) []graph.Port {
	ports = slices.Clone(ports)
	for i := range ports {
		c := &ports[i].Codec
		encode, id := c.Encode, c.ID()
		c.Encode = func(ctx context.Context, w io.Writer, v any) (codec.Info, error) {
			s, ok := v.(*seen)
			if !ok {
				return encode(ctx, w, v)
			}
			h := sha256.New()
			info, err := encode(ctx, plain{io.MultiWriter(w, h)}, s.value)
			if err == nil {
				rec := artifact.Record{Codec: id, Digest: artifact.NewDigest([32]byte(h.Sum(nil))), Meta: info.Meta}
				s.x.saw(s.i, transfer.Identity(rec))
			}
			return info, err
		}
	}
	return ports
}

func (x *execution) saw(i int, identity string) {
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	x.outputs[i] = identity
}

// watch makes the values of an execution known to the codecs.
func (x *execution) watch(values []any) []any {
	watched := make([]any, len(values))
	for i, v := range values {
		watched[i] = &seen{v, x, i}
	}
	return watched
}

// discard looks at what an execution returned whose result is lost. What can no longer be encoded stays unknown.
func (x *execution) discard(ctx context.Context, outputs []graph.Port, e ending) {
	if e.err != nil || e.left || len(e.values) != len(outputs) {
		return
	}
	for i, v := range x.watch(e.values) {
		func() {
			defer func() { _ = recover() }() // a codec may panic, as it does where results are stored
			_, _ = outputs[i].Codec.Encode(ctx, io.Discard, v)
		}()
	}
}

// lose lets an execution go on that was given up, and looks at what it returns.
func (x *execution) lose(ctx context.Context, outputs []graph.Port, done <-chan ending) {
	x.w.mu.Lock()
	x.excused = true
	x.w.going++
	x.w.mu.Unlock()
	x.release()
	go func() {
		x.discard(ctx, outputs, <-done)
		x.stop(nil)
		x.w.mu.Lock()
		defer x.w.mu.Unlock()
		x.w.rest()
	}()
}
