package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

func foresee(r *rig, p pipeline.Definition, params any) map[string]engine.Expected {
	r.tb.Helper()
	config, job := r.prepare(p, params)
	steps, err := engine.Foresee(context.Background(), config, job)
	if err != nil {
		r.tb.Fatal(err)
	}
	all := make(map[string]engine.Expected, len(steps))
	for _, e := range steps {
		all[e.Step] = e
	}
	return all
}

// TestForesee holds what is said of a run before it runs.
func TestForesee(t *testing.T) {
	t.Parallel()
	type params struct {
		A, B, Mapped string
		N            int
	}
	type element struct {
		Name string
		Item artifact.Ref[int]
	}
	mapped := func(_ context.Context, in element) (artifact.Ref[int], error) { return in.Item, nil }
	p := pipeline.Define("foresee", func(p *pipeline.Builder, ps params) artifact.Ref[int] {
		f := pipeline.Step(p, "decide", decide, struct{ Name string }{ps.A})
		b := pipeline.Step(p, "b", sum, in{Name: ps.B, From: refs(f.N)})
		c := pipeline.Step(p, "c", sum, in{Name: "c", From: refs(b)})
		pipeline.Step(p, "gated", sum, in{Name: "gated"}, pipeline.When(f.Yes))
		skipped := pipeline.Step(p, "skipped", sum, in{Name: "skipped", From: refs(c)}, pipeline.When(f.No))
		pipeline.Step(p, "never", sum, in{Name: "never"}, step.Config{Cache: step.Never})
		list := pipeline.Step(p, "list", numbers, struct{ N int }{ps.N})
		m := pipeline.Map(p, "m", mapped, list, func(e artifact.Ref[int]) element { return element{ps.Mapped, e} })
		then := pipeline.Then(p, "then", mapped, m, func(e artifact.Ref[int]) element { return element{"", e} })
		pipeline.Wait(p, "ask", "go on?", none{}, pipeline.After("then"), pipeline.When(f.No))
		return pipeline.Step(p, "last", sum, in{Name: "last", From: refs(pipeline.FirstOf(p, skipped, c), total2(p, pipeline.Gather(then, same)))})
	})
	r := newRig(t)
	fates := func(ps params) map[string]engine.Fate {
		t.Helper()
		got := map[string]engine.Fate{}
		for name, e := range foresee(r, p, ps) {
			got[name] = e.Fate
		}
		return got
	}
	want := func(ps params, changed map[string]engine.Fate) {
		t.Helper()
		all := map[string]engine.Fate{}
		for _, name := range []string{"decide", "b", "c", "gated", "list", "m", "then", "total", "last"} {
			all[name] = engine.FateCached
		}
		all["skipped"], all["ask"], all["never"] = engine.FateSkipped, engine.FateSkipped, engine.FateRuns
		for name, fate := range changed {
			all[name] = fate
		}
		if diff := cmp.Diff(all, fates(ps)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", ps, diff)
		}
	}
	const (
		runs, follows, open = engine.FateRuns, engine.FateFollows, engine.FateOpen
	)
	first := params{A: "a", B: "b", N: 2}
	want(first, map[string]engine.Fate{"decide": runs, "b": follows, "c": follows, "gated": open, "skipped": open, "list": runs, "m": open, "then": open, "total": follows, "last": follows, "ask": open})
	run(t.Context(), r, p, first)
	want(first, nil)

	second := first
	second.B = "b2"
	want(second, map[string]engine.Fate{"b": runs, "c": follows, "last": follows})

	third := first
	third.Mapped = "other" // m gives the same results, so that nothing after it runs
	want(third, map[string]engine.Fate{"m": runs, "then": follows, "total": follows, "last": follows})

	more := first
	more.N = 3
	run(t.Context(), r, pipeline.Define("list", func(p *pipeline.Builder, _ none) none {
		pipeline.Step(p, "list", numbers, struct{ N int }{3})
		return none{}
	}), none{})
	want(more, map[string]engine.Fate{"m": runs, "then": follows, "total": follows, "last": follows})
	m := foresee(r, p, more)["m"]
	if got := []engine.Fate{m.Elements[0].Fate, m.Elements[1].Fate, m.Elements[2].Fate}; !slices.Equal(got, []engine.Fate{engine.FateCached, engine.FateCached, runs}) {
		t.Errorf("the elements of m: %v", got)
	}
	if got := foresee(r, p, second)["c"]; !cmp.Equal(got.After, []string{"b"}) || got.CacheKey != "" || got.Inputs[0].Digest != "" {
		t.Errorf("c is %+v", got)
	}
	if got := foresee(r, p, first)["never"]; !strings.Contains(got.Reason, "never") {
		t.Errorf("never is %+v", got)
	}
	r.options.NoCache = true
	if got := fates(first); got["decide"] != runs || got["c"] != runs || got["gated"] != open {
		t.Errorf("without a cache: %v", got)
	}
}

func total2(p *pipeline.Builder, list artifact.Ref[[]int]) artifact.Ref[int] {
	return pipeline.Step(p, "total", func(_ context.Context, in struct{ List artifact.Ref[[]int] }) (artifact.Ref[int], error) {
		return artifact.New(len(in.List.Value())), nil
	}, struct{ List artifact.Ref[[]int] }{list})
}

// keep are the parameters of a pipeline that says how long its results last.
type keep struct{ TTL time.Duration }

// A result that is recorded and of no use is told from one that is not recorded.
func TestForeseeUnusable(t *testing.T) {
	t.Parallel()
	big := func(context.Context, struct{ Name string }) (artifact.Ref[[]byte], error) {
		return artifact.New(make([]byte, 1<<20)), nil
	}
	p := pipeline.Define("p", func(p *pipeline.Builder, ps keep) none {
		pipeline.Step(p, "big", big, struct{ Name string }{""}, step.Config{Cache: step.Cache{TTL: ps.TTL}})
		return none{}
	})
	r := newRig(t)
	o := run(t.Context(), r, p, keep{time.Hour})
	if e := foresee(r, p, keep{time.Nanosecond})["big"]; e.Fate != engine.FateRuns || !strings.Contains(e.Reason, "older than 1ns") {
		t.Errorf("an old result: %+v", e)
	}
	if e := foresee(r, p, keep{time.Hour})["big"]; e.Fate != engine.FateCached || e.From == nil || e.From.Run != o.Run.ID {
		t.Errorf("a result: %+v", e)
	}
	if err := r.artifacts.Delete(t.Context(), o.step("big").Outputs[0].Record.Digest); err != nil {
		t.Fatal(err)
	}
	if e := foresee(r, p, keep{time.Hour})["big"]; e.Fate != engine.FateRuns || !strings.Contains(e.Reason, "bytes of its recorded output") {
		t.Errorf("a result without its bytes: %+v", e)
	}
}

// TestForeseeModel forgets results of random runs, and compares what is foreseen with what happens then.
func TestForeseeModel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rapid.Check(t, func(rt *rapid.T) {
		specs := drawGraph(rt)
		one := *r
		one.tb = &checked{TB: t, rt: rt}
		one.options = plan.Options{OnFailure: plan.Continue}
		p := wire(specs, seeds.Add(1))
		first := run(t.Context(), &one, p, none{})
		var forgotten []string
		rows := pages(one.tb, func(c metadata.Cursor) (metadata.Page[metadata.Step], error) {
			return one.meta.Steps(t.Context(), metadata.StepQuery{Run: first.Run.ID, Cursor: c})
		})
		for row := range rows {
			if row.CacheKey != "" && rapid.IntRange(0, 3).Draw(rt, "forget "+row.Step) == 0 {
				forgotten = append(forgotten, row.CacheKey)
			}
		}
		if _, err := one.meta.Forget(t.Context(), forgotten, time.Time{}); err != nil {
			rt.Fatal(err)
		}
		foreseen := foresee(&one, p, none{})
		again := foresee(&one, p, none{})
		if diff := cmp.Diff(foreseen, again, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("what is foreseen changed (-first +second):\n%s", diff)
		}
		o := run(t.Context(), &one, p, none{})
		for name, e := range foreseen {
			tasks := []engine.Expected{e}
			if e.Mapped {
				tasks = e.Elements
			}
			if e.Mapped && e.Elements != nil && o.step(name).State != cancelled && o.step(name).State != skipped && o.step(name).Elements != len(tasks) {
				rt.Errorf("step %s has %d elements, foreseen were %d", name, o.step(name).Elements, len(tasks))
			}
			for _, task := range tasks {
				st, ok := o.steps[metadata.StepKey{Step: name, Index: task.Index}]
				if !ok {
					continue // what it waits for failed
				}
				if !agrees(task.Fate, st.State) {
					rt.Errorf("step %s (%d) is %s, foreseen was %+v; its key is %s", name, task.Index, st.State, task, st.CacheKey)
				}
			}
		}
	})
}

// agrees reports whether what became of a step could be told by what was foreseen. What comes after a failure is cancelled, whatever it was.
func agrees(fate engine.Fate, state metadata.StepState) bool {
	switch fate {
	case engine.FateCached:
		return state == metadata.StepCached || state == cancelled
	case engine.FateRuns:
		return state == succeeded || state == failed || state == cancelled
	case engine.FateSkipped:
		return state == skipped || state == cancelled
	}
	return true
}
