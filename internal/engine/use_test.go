package engine_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

type madeParams struct {
	N    int
	Good bool
}

type madeOut struct {
	Number artifact.Ref[int]
	List   artifact.Ref[[]int]
	Good   artifact.Ref[bool]
	Text   artifact.Ref[string]
}

// made names artifacts that other pipelines use.
var made = pipeline.Define("made", func(p *pipeline.Builder, in madeParams) madeOut {
	return pipeline.Step(p, "make", func(_ context.Context, in madeParams) (madeOut, error) {
		list := make([]int, in.N)
		for i := range list {
			list[i] = 10 * i
		}
		return madeOut{artifact.New(in.N), artifact.New(list), artifact.New(in.Good), artifact.New(strings.Repeat("x", 5000))}, nil
	}, in)
})

// newest returns the ID of the newest artifact of a name.
func newest(r *rig, name string) string {
	r.tb.Helper()
	v, err := r.meta.Version(context.Background(), name, 0)
	if err != nil {
		r.tb.Fatal(err)
	}
	return v.Artifact
}

type usingOut struct {
	Sum, Old, First artifact.Ref[int]
	Each            artifact.Ref[[]int]
}

// using takes used artifacts in every place where a Ref may stand.
var using = pipeline.Define("using", func(p *pipeline.Builder, _ none) usingOut {
	number, good := pipeline.Use[int](p, "made/Number"), pipeline.Use[bool](p, "made/Good@latest")
	added := pipeline.Step(p, "sum", sum, in{"sum", []artifact.Ref[int]{number}})
	each := pipeline.Map(p, "each", func(_ context.Context, in item) (artifact.Ref[int], error) {
		return artifact.New(in.Item.Value() + 1), nil
	}, pipeline.Use[[]int](p, "made/List"), itemOf)
	maybe := pipeline.Step(p, "maybe", sum, in{"maybe", []artifact.Ref[int]{added}}, pipeline.When(good))
	return usingOut{added, number, pipeline.FirstOf(p, maybe, number), pipeline.Gather(each, same)}
})

func TestUse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	run(t.Context(), r, made, madeParams{3, true})
	first := newest(r, "made/Number")
	o := run(t.Context(), r, using, none{})
	o.want(metadata.RunSucceeded, "sum", metadata.StepSucceeded, "maybe", metadata.StepSucceeded, "each", metadata.StepSucceeded)
	if got := [3]int{result[int](o, 0), result[int](o, 1), result[int](o, 2)}; got != [3]int{4, 3, 5} {
		t.Errorf("the results are %v", got)
	}
	if got := result[[]int](o, 3); !slices.Equal(got, []int{1, 11, 21}) {
		t.Errorf("each is %v", got)
	}
	if got := o.step("sum").Inputs; len(got) != 1 || got[0].Artifact != first || got[0].Name != "From[0]" {
		t.Errorf("the lineage is %+v, want artifact %s", got, first)
	}

	// Another version: what it is like decides, and not what it is called.
	run(t.Context(), r, made, madeParams{2, false})
	o = run(t.Context(), r, using, none{})
	o.want(metadata.RunSucceeded, "sum", metadata.StepSucceeded, "maybe", metadata.StepSkipped, "each", metadata.StepCached)
	if got := [3]int{result[int](o, 0), result[int](o, 1), result[int](o, 2)}; got != [3]int{3, 2, 2} {
		t.Errorf("the results of another version are %v", got)
	}
	run(t.Context(), r, made, madeParams{3, true})
	o = run(t.Context(), r, using, none{})
	o.want(metadata.RunSucceeded, "sum", metadata.StepCached, "maybe", metadata.StepCached, "each", metadata.StepCached)
	if got := o.step("sum").Inputs; len(got) != 1 || got[0].Artifact != newest(r, "made/Number") || got[0].Artifact == first {
		t.Errorf("the lineage of the third version is %+v", got)
	}
}

// A run goes on with the version that it was pinned to.
func TestUseIsPinned(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	run(t.Context(), r, made, madeParams{1, true})
	config, job := r.prepare(using, none{})
	run(t.Context(), r, made, madeParams{7, true})
	o := &outcome{r: r, program: job.Program}
	config.Observer = func(e engine.Event) { o.events = append(o.events, e) }
	var err error
	if o.Outcome, err = engine.Run(t.Context(), config, job); err != nil {
		t.Fatal(err)
	}
	o.check()
	if got := result[int](o, 1); got != 1 {
		t.Errorf("a run that was planned before version 2 uses %d", got)
	}
}

func TestUseThatIsNotPlanned(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	run(t.Context(), r, made, madeParams{1, true})
	config, job := r.prepare(using, none{})
	job.Plan.Uses = job.Plan.Uses[:1]
	_, err := engine.Run(t.Context(), config, job)
	if component.CodeOf(err) != component.Invalid || !strings.Contains(err.Error(), "the plan does not say which artifact made/List@latest is") {
		t.Errorf("a plan without a used artifact: %v", err)
	}
}

// Lists that were gathered are read element by element.
func TestUseOfGatheredList(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	squares := pipeline.Define("squares", func(p *pipeline.Builder, _ none) artifact.Ref[[]int] {
		list := pipeline.Step(p, "numbers", numbers, struct{ N int }{4})
		return pipeline.Gather(pipeline.Map(p, "square", func(_ context.Context, in item) (artifact.Ref[int], error) {
			return artifact.New(in.Item.Value() * in.Item.Value()), nil
		}, list, itemOf), same)
	})
	source := run(t.Context(), r, squares, none{})
	nameOutput(r, source.Run.ID, "lists/Squares", source.Run.Outputs["output"])
	total := func(_ context.Context, in struct{ List artifact.Ref[[]int] }) (artifact.Ref[int], error) {
		n := 0
		for _, v := range in.List.Value() {
			n += v
		}
		return artifact.New(n), nil
	}
	type out struct {
		Total      artifact.Ref[int]
		List, Each artifact.Ref[[]int]
	}
	p := pipeline.Define("p", func(p *pipeline.Builder, _ none) out {
		list := pipeline.Use[[]int](p, "lists/Squares")
		each := pipeline.Map(p, "each", func(_ context.Context, in item) (artifact.Ref[int], error) {
			return artifact.New(in.Item.Value() + 1), nil
		}, list, itemOf)
		return out{pipeline.Step(p, "total", total, struct{ List artifact.Ref[[]int] }{list}), list, pipeline.Gather(each, same)}
	})
	o := run(t.Context(), r, p, none{})
	o.want(metadata.RunSucceeded, "total", metadata.StepSucceeded, "each", metadata.StepSucceeded)
	got := fmt.Sprint(result[int](o, 0), result[[]int](o, 1), result[[]int](o, 2))
	if want := "14 [0 1 4 9] [1 2 5 10]"; got != want {
		t.Errorf("the results are %s, want %s", got, want)
	}
}

// nameOutput records an artifact of a run and gives it a name.
func nameOutput(r *rig, run, name string, rec artifact.Record) {
	r.tb.Helper()
	id := uuid.Must(uuid.NewV7()).String()
	err := r.meta.Apply(context.Background(), metadata.Batch{
		Steps: []metadata.Step{{
			StepKey: metadata.StepKey{Run: run, Step: "extra", Index: -1}, State: metadata.StepSucceeded,
			Outputs: []metadata.Output{{ID: id, Name: "output", Record: rec}},
		}},
		Versions: []metadata.Version{{Name: name, Artifact: id, Created: time.Now()}},
	})
	if err != nil {
		r.tb.Fatal(err)
	}
}

// Nothing in a run can compute again what an earlier one made.
func TestUseOfDamagedContent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := run(t.Context(), r, made, madeParams{1, true})
	rec := o.Run.Outputs["Text"]
	length := func(_ context.Context, in struct{ Text artifact.Ref[string] }) (artifact.Ref[int], error) {
		return artifact.New(len(in.Text.Value())), nil
	}
	p := pipeline.Define("p", func(p *pipeline.Builder, _ none) artifact.Ref[int] {
		return pipeline.Step(p, "length", length, struct{ Text artifact.Ref[string] }{pipeline.Use[string](p, "made/Text@1")})
	})
	if err := os.Remove(r.file(rec.Digest)); err != nil {
		t.Fatal(err)
	}
	o = run(t.Context(), r, p, none{})
	o.want(metadata.RunFailed, "length", metadata.StepFailed)
	if want := "input Text (" + rec.Digest.Short() + ")"; !strings.Contains(o.Run.Error, want) {
		t.Errorf("the error is %q, want %q in it", o.Run.Error, want)
	}
}

// A used artifact is no result of the run's own steps, and stays what it is.
func TestUseAsResult(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	run(t.Context(), r, made, madeParams{5, true})
	p := pipeline.Define("promoted", func(p *pipeline.Builder, _ none) artifact.Ref[int] { return pipeline.Use[int](p, "made/Number@1") })
	o := run(t.Context(), r, p, none{})
	if got := result[int](o, 0); got != 5 {
		t.Errorf("the result is %d", got)
	}
	if diff := cmp.Diff(newest(r, "made/Number"), newest(r, "promoted/output")); diff != "" {
		t.Error(diff)
	}
}
