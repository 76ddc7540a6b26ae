package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

// TestSplitFails: a list cannot be read, or its elements cannot be stored.
func TestSplitFails(t *testing.T) {
	t.Parallel()
	panics, exits := func() { panic("not today") }, func() { runtime.Goexit() }
	works := func() {}
	for name, c := range map[string]struct {
		read, write func()
		says        []string
	}{
		"read panics":  {panics, works, []string{"not today"}},
		"read exits":   {exits, works, []string{"runtime.Goexit"}},
		"write panics": {works, panics, []string{"element ", "not today"}},
		"write exits":  {works, exits, []string{"element ", "runtime.Goexit"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			splitFails(t, c.read, c.write, c.says)
		})
	}
}

func splitFails(t *testing.T, read, write func(), says []string) {
	t.Helper()
	r := newRig(t)
	r.options.OnFailure = plan.Continue
	nan := func(context.Context, none) (artifact.Ref[[]hostile], error) {
		return artifact.New([]hostile{1, 2}), nil
	}
	type hostileItem struct{ Item artifact.Ref[hostile] }
	codec := artifact.Codec[hostile]{Name: "test/hostile", Version: 1,
		Encode: func(io.Writer, hostile) error { write(); return nil },
		Decode: func(io.Reader) (hostile, error) { return 0, nil },
	}
	list := artifact.Codec[[]hostile]{Name: "test/hostiles", Version: 1,
		Encode: func(io.Writer, []hostile) error { return nil },
		Decode: func(io.Reader) ([]hostile, error) { read(); return []hostile{1, 2}, nil },
	}
	p := pipeline.Define("split", func(p *pipeline.Builder, _ none) none {
		l := pipeline.Step(p, "list", nan, none{})
		m := pipeline.Map(p, "each", func(_ context.Context, i hostileItem) (artifact.Ref[int], error) { return artifact.New(1), nil },
			l, func(e artifact.Ref[hostile]) hostileItem { return hostileItem{e} })
		pipeline.Then(p, "then", one, m, itemOf)
		return none{}
	}, pipeline.Codecs(codec, list))
	o := run(t.Context(), r, p, none{})
	o.want(metadata.RunFailed, "list", succeeded, "each", failed, "then", cancelled)
	for _, want := range append(says, "split the list that it maps over: ") {
		if got := o.step("each").Error; !strings.Contains(got, want) {
			t.Errorf("the step says %q, want %q", got, want)
		}
	}
}

type hostile int

// TestHostileOutputs: codecs that panic, fail and end their goroutine.
func TestHostileOutputs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		encode func(io.Writer, hostile) error
		decode func(io.Reader) (hostile, error)
		says   string
		reason string
	}{
		"encode panics": {func(io.Writer, hostile) error { panic("at the disco") }, nil, "at the disco", "output"},
		"encode fails":  {func(io.Writer, hostile) error { return errBroken }, nil, "it broke", "output"},
		"encode exits":  {func(io.Writer, hostile) error { runtime.Goexit(); return nil }, nil, "runtime.Goexit", ""},
		"decode panics": {nil, func(io.Reader) (hostile, error) { panic("at the disco") }, "at the disco", "input"},
		"decode exits":  {nil, func(io.Reader) (hostile, error) { runtime.Goexit(); return 0, nil }, "runtime.Goexit", ""},
	} {
		for _, many := range []bool{false, true} {
			t.Run(fmt.Sprint(name, many), func(t *testing.T) {
				t.Parallel()
				encode, decode := c.encode, c.decode
				large := bytes.Repeat([]byte("x"), artifact.InlineLimit+1)
				if encode == nil {
					encode = func(w io.Writer, _ hostile) error { _, err := w.Write(large); return err }
				}
				if decode == nil {
					decode = func(io.Reader) (hostile, error) { return 1, nil }
				}
				type two struct{ A, B artifact.Ref[hostile] }
				p := pipeline.Define("hostile", func(p *pipeline.Builder, _ none) none {
					if many {
						out := pipeline.Step(p, "makes", func(context.Context, none) (two, error) {
							return two{artifact.New(hostile(1)), artifact.New(hostile(2))}, nil
						}, none{})
						pipeline.Step(p, "takes", func(context.Context, two) (artifact.Ref[int], error) { return artifact.New(1), nil }, out)
						return none{}
					}
					type single struct{ A artifact.Ref[hostile] }
					out := pipeline.Step(p, "makes", func(context.Context, none) (artifact.Ref[hostile], error) { return artifact.New(hostile(1)), nil }, none{})
					pipeline.Step(p, "takes", func(context.Context, single) (artifact.Ref[int], error) { return artifact.New(1), nil }, single{out})
					return none{}
				}, pipeline.Codecs(artifact.Codec[hostile]{Name: "test/hostile", Version: 1, Encode: encode, Decode: decode}))
				o := run(t.Context(), newRig(t), p, none{})
				who := "makes"
				if c.encode == nil {
					who = "takes"
				}
				o.want(metadata.RunFailed, who, failed)
				if got := o.step(who).Error; !strings.Contains(got, c.says) {
					t.Errorf("the step says %q", got)
				}
				if got := o.attempts(who, -1)[0].Reason; c.reason != "" && got != c.reason {
					t.Errorf("the reason is %q", got)
				}
			})
		}
	}
}
