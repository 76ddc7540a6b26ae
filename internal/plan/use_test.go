package plan_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/transfer"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/sqlite"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

type (
	none  struct{}
	model struct{ W []float64 }
	// renamed has the structure of model.
	renamed struct{ W []float64 }
	wider   struct {
		W    []float64
		Bias float64
	}
	word string
)

func ignore[In any](context.Context, In) (struct{}, error) { return struct{}{}, nil }

// ring is a codec of a user's for words.
func ring(version int) artifact.Codec[word] {
	return artifact.Codec[word]{
		Name: "acme/ring", Version: version,
		Encode: func(w io.Writer, v word) error { _, err := io.WriteString(w, string(v)); return err },
		Decode: func(r io.Reader) (word, error) { b, err := io.ReadAll(r); return word(b), err },
	}
}

// catalog is a metadata store of a run of pipeline "made".
type catalog struct {
	metadata.Store
	tb    testing.TB
	run   string
	asked map[string]int
}

func newCatalog(tb testing.TB) *catalog {
	tb.Helper()
	store, err := sqlite.Open(tb.Context(), filepath.Join(tb.TempDir(), "tenon.db"), sqlite.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { store.Close() })
	c := &catalog{Store: store, tb: tb, run: uuid.Must(uuid.NewV7()).String(), asked: map[string]int{}}
	c.apply(metadata.Batch{Create: []metadata.Run{{ID: c.run, Name: "a run", Pipeline: "made", State: metadata.RunRunning, Stack: "default", Epoch: 1, Created: time.Now()}}})
	return c
}

func (c *catalog) apply(b metadata.Batch) {
	c.tb.Helper()
	if err := c.Apply(context.Background(), b); err != nil {
		c.tb.Fatal(err)
	}
}

// Version counts what is asked for.
func (c *catalog) Version(ctx context.Context, name string, version int) (metadata.Version, error) {
	c.asked[name]++
	return c.Store.Version(ctx, name, version)
}

// name records an artifact as the newest version of a name, and returns its ID.
func (c *catalog) name(name string, r artifact.Record) string {
	c.tb.Helper()
	id := uuid.Must(uuid.NewV7()).String()
	c.apply(metadata.Batch{
		Steps: []metadata.Step{{
			StepKey: metadata.StepKey{Run: c.run, Step: "step " + id, Index: -1}, State: metadata.StepSucceeded,
			Outputs: []metadata.Output{{ID: id, Name: "output", Record: r}},
		}},
		Versions: []metadata.Version{{Name: name, Artifact: id, Created: time.Now()}},
	})
	return id
}

// record is that of a value as a pipeline with these codecs stores it.
func record(tb testing.TB, v any, codecs ...codec.Codec) artifact.Record {
	tb.Helper()
	c, err := codec.For(reflect.TypeOf(v), codecs)
	if err != nil {
		tb.Fatal(err)
	}
	rec, err := transfer.Save(tb.Context(), nil, c, codec.TypeString(reflect.TypeOf(v), codecs), v) // small values need no store
	if err != nil {
		tb.Fatal(err)
	}
	return rec
}

// make plans a pipeline.
func (c *catalog) make(p pipeline.Definition, pinned ...plan.Use) (*plan.Plan, error) {
	c.tb.Helper()
	program, err := p.Build(p.NewParams())
	if err != nil {
		c.tb.Fatal(err)
	}
	return plan.Make(context.Background(), plan.Request{Program: program, Params: none{}, Catalog: c, Pinned: pinned}, prints{}, nil)
}

// using is a pipeline whose only step takes an artifact.
func using[T any](name string, o ...pipeline.Option) pipeline.Definition {
	return pipeline.Define("using", func(p *pipeline.Builder, _ none) struct{} {
		type in struct{ Value artifact.Ref[T] }
		return pipeline.Step(p, "take", ignore[in], in{pipeline.Use[T](p, name)})
	}, o...)
}

func TestUsesArePinned(t *testing.T) {
	t.Parallel()
	c := newCatalog(t)
	first := c.name("made/Model", record(t, model{[]float64{1}}))
	second := c.name("made/Model", record(t, model{[]float64{2}}))
	good := c.name("made/Good", record(t, true))
	type in struct{ A, B artifact.Ref[model] }
	p := pipeline.Define("using", func(p *pipeline.Builder, _ none) artifact.Ref[model] {
		newest, old := pipeline.Use[model](p, "made/Model"), pipeline.Use[model](p, "made/Model@1")
		pipeline.Step(p, "take", ignore[in], in{newest, pipeline.FirstOf(p, old, newest)}, pipeline.When(pipeline.Use[bool](p, "made/Good@latest")))
		return pipeline.Use[model](p, "made/Model@latest")
	})
	planned, err := c.make(p)
	if err != nil {
		t.Fatal(err)
	}
	want := []plan.Use{
		{Name: "made/Model@latest", Version: 2, Artifact: second, Record: record(t, model{[]float64{2}})},
		{Name: "made/Model@1", Version: 1, Artifact: first, Record: record(t, model{[]float64{1}})},
		{Name: "made/Good@latest", Version: 1, Artifact: good, Record: record(t, true)},
	}
	if diff := cmp.Diff(want, planned.Uses); diff != "" {
		t.Error(diff)
	}
	if c.asked["made/Model"] != 2 { // once for the newest and once for the first
		t.Errorf("made/Model was looked for %d times in one run: two steps may see two versions of it", c.asked["made/Model"])
	}
	for _, u := range want {
		if got := planned.Used(u.Name); got == nil || got.Artifact != u.Artifact {
			t.Errorf("%s is %+v", u.Name, got)
		}
	}
	if got := planned.Used("made/Model"); got != nil {
		t.Errorf("a name without a version is %+v", got)
	}

	// Planned again, it keeps what it was pinned to, and finds only what is new.
	c.name("made/Model", record(t, model{[]float64{3}}))
	again, err := c.make(p, planned.Uses[0])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, again.Uses); diff != "" {
		t.Error(diff)
	}
}

// One structure is one type, whatever it is called, and a list may have been gathered.
func TestUsesThatFit(t *testing.T) {
	t.Parallel()
	c := newCatalog(t)
	one, err := ring(1).TenonAnyCodec(ref.Access{})
	if err != nil {
		t.Fatal(err)
	}
	c.name("made/Model", record(t, model{[]float64{1}}))
	c.name("made/Word", record(t, word("a"), one))
	c.name("made/Models", transfer.Gather([]artifact.Record{record(t, model{}), record(t, model{})}, "[]struct{W []float64}"))
	c.name("made/Words", transfer.Gather([]artifact.Record{record(t, word("a"), one)}, "[]acme/ring"))
	c.name("made/None", transfer.Gather(nil, "[]struct{W []float64}"))
	for name, p := range map[string]pipeline.Definition{
		"same":              using[model]("made/Model"),
		"renamed":           using[renamed]("made/Model"),
		"own codec":         using[word]("made/Word", pipeline.Codecs(ring(1))),
		"newer own codec":   using[word]("made/Word", pipeline.Codecs(ring(2))),
		"gathered":          using[[]model]("made/Models"),
		"gathered, renamed": using[[]renamed]("made/Models"),
		"gathered words":    using[[]word]("made/Words", pipeline.Codecs(ring(1))),
		"gathered nothing":  using[[]model]("made/None"),
	} {
		if _, err := c.make(p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUsesThatDoNotFit(t *testing.T) {
	t.Parallel()
	c := newCatalog(t)
	two, err := ring(2).TenonAnyCodec(ref.Access{})
	if err != nil {
		t.Fatal(err)
	}
	c.name("made/Model", record(t, model{[]float64{1}}))
	c.name("made/Word", record(t, word("a"), two))
	c.name("made/Text", record(t, "a"))
	c.name("made/Number", record(t, 1))
	c.name("made/List", record(t, []int{1}))
	c.name("made/Models", transfer.Gather([]artifact.Record{record(t, model{}), record(t, model{})}, "[]struct{W []float64}"))
	c.name("made/Words", transfer.Gather([]artifact.Record{record(t, word("a"), two)}, "[]acme/ring"))
	each := pipeline.Define("using", func(p *pipeline.Builder, _ none) struct{} {
		type in struct{ Value artifact.Ref[string] }
		pipeline.Map(p, "each", ignore[in], pipeline.Use[[]string](p, "made/List"), func(e artifact.Ref[string]) in { return in{e} })
		return struct{}{}
	})
	when := pipeline.Define("using", func(p *pipeline.Builder, _ none) struct{} {
		return pipeline.Step(p, "take", ignore[none], none{}, pipeline.When(pipeline.Use[bool](p, "made/Number")))
	})
	result := pipeline.Define("using", func(p *pipeline.Builder, _ none) struct{ A, B artifact.Ref[string] } {
		text := pipeline.Use[string](p, "made/Text")
		return struct{ A, B artifact.Ref[string] }{text, pipeline.FirstOf(p, text, pipeline.Use[string](p, "made/Number"))}
	})
	for name, test := range map[string]struct {
		p    pipeline.Definition
		want string
		code component.Code
	}{
		"other structure":       {using[wider]("made/Model"), "step take: field Value: artifact made/Model@latest (version 1) is of type struct{W []float64}, want struct{W []float64; Bias float64}: give pipeline.Use that type, or another version", component.Invalid},
		"other kind":            {using[string]("made/Model@1"), "step take: field Value: artifact made/Model@1 is of type struct{W []float64}, want string: ", component.Invalid},
		"older codec":           {using[word]("made/Word", pipeline.Codecs(ring(1))), "written by codec acme/ring/2, and this program reads up to version 1: use a newer one", component.Unsupported},
		"no own codec":          {using[word]("made/Word"), "is of type acme/ring, want string: ", component.Invalid},
		"own codec":             {using[word]("made/Text", pipeline.Codecs(ring(1))), "is of type string, want acme/ring: ", component.Invalid},
		"gathered, no list":     {using[model]("made/Models"), "is of type []struct{W []float64}, want struct{W []float64}: ", component.Invalid},
		"gathered, other":       {using[[]int]("made/Models"), "is of type []struct{W []float64}, want []int: ", component.Invalid},
		"gathered, older codec": {using[[]word]("made/Words", pipeline.Codecs(ring(1))), "this program reads up to version 1", component.Unsupported},
		"map":                   {each, "step each: the list to map over: artifact made/List@latest (version 1) is of type []int, want []string: ", component.Invalid},
		"condition":             {when, "step take: condition: artifact made/Number@latest (version 1) is of type int, want bool: ", component.Invalid},
		"result":                {result, "result B: artifact made/Number@latest (version 1) is of type int, want string: ", component.Invalid},
	} {
		_, err := c.make(test.p)
		if err == nil || !strings.Contains(err.Error(), test.want) || component.CodeOf(err) != test.code {
			t.Errorf("%s: the error is %v (%v), want %s (%v)", name, err, component.CodeOf(err), test.want, test.code)
		}
	}
}

func TestUsesThatDoNotExist(t *testing.T) {
	t.Parallel()
	c := newCatalog(t)
	for i := range 12 {
		c.name("made/Number", record(t, i))
		c.name(fmt.Sprintf("many/N%02d", i), record(t, i))
	}
	c.name("made/Model", record(t, model{}))
	for name, test := range map[string]struct{ use, want string }{
		"version":  {"made/Number@13", "use artifact made/Number@13: there is no such version; there is 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, ..."},
		"one":      {"made/Model@2", "use artifact made/Model@2: there is no such version; there is 1"},
		"name":     {"made/model", "use artifact made/model@latest: no run of pipeline made has made it; there is made/Model, made/Number"},
		"of many":  {"many/None", "there is many/N00, many/N01, many/N02, many/N03, many/N04, many/N05, many/N06, many/N07, many/N08, many/N09, ..."},
		"pipeline": {"maid/Model@1", "use artifact maid/Model@1: no run of pipeline maid has made a named artifact yet: run it first; its results are named when it succeeds, but for lists that pipeline.Gather made"},
	} {
		_, err := c.make(using[int](test.use))
		if err == nil || !strings.Contains(err.Error(), test.want) || !errors.Is(err, component.ErrNotFound) {
			t.Errorf("%s: the error is %v (%v), want %s", name, err, component.CodeOf(err), test.want)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.make(using[int]("made/Number")); !errors.Is(err, component.ErrFailedPrecondition) {
		t.Errorf("with a store that is closed: %v", err)
	}
}

func TestUseWithoutCatalog(t *testing.T) {
	t.Parallel()
	p := using[int]("made/Number")
	program, err := p.Build(p.NewParams())
	if err != nil {
		t.Fatal(err)
	}
	_, err = plan.Make(t.Context(), plan.Request{Program: program, Params: none{}}, prints{}, nil)
	if !errors.Is(err, component.ErrFailedPrecondition) || !strings.Contains(err.Error(), "made/Number@latest") {
		t.Errorf("the error is %v", err)
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	stored := func(digest string) artifact.Record {
		return artifact.Record{Digest: artifact.Digest(digest), Codec: "cbor/1"}
	}
	small := stored("inline")
	small.Inline = []byte{}
	p := plan.Plan{
		Steps: []plan.Step{{}, {Pins: make([]plan.Pin, 2)}},
		Uses:  []plan.Use{{Record: stored("a")}, {Record: small}, {Record: transfer.Gather([]artifact.Record{stored("b"), small, stored("a")}, "")}},
	}
	p.Steps[1].Pins[0].Digest = "local file"
	p.Steps[1].Pins[1].Digest, p.Steps[1].Pins[1].Stored = "upload", true
	if diff := cmp.Diff([]artifact.Digest{"upload", "a", "b", "a"}, p.Holds()); diff != "" {
		t.Error(diff)
	}
}

// A step that waits has no code, and of its configuration only how long it waits.
func TestWait(t *testing.T) {
	t.Parallel()
	p := pipeline.Define("asking", func(p *pipeline.Builder, _ none) artifact.Ref[pipeline.Approval] {
		return pipeline.Wait(p, "ask", "Deploy?", none{})
	}, pipeline.StepDefaults(step.Config{Timeout: time.Hour, Retry: step.Retry{Attempts: 3}, Cache: step.Pure, Runner: "process", Limits: []string{"gpu"}}))
	program, err := p.Build(&none{})
	if err != nil {
		t.Fatal(err)
	}
	r := plan.Request{Program: program, Params: none{}, Steps: step.Configs{"*": {Resources: step.Resources{GPU: 1}}, "ask": {Timeout: time.Minute}}}
	planned, err := plan.Make(t.Context(), r, noPrints{errors.New("there is no code")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := planned.Steps[0]
	want := plan.Step{
		Name: "ask", Wired: s.Wired, Uncached: "a person answers it each time",
		Config: step.Config{Timeout: time.Minute, Cache: step.Never, External: step.On},
	}
	if diff := cmp.Diff(want, s); diff != "" || !strings.Contains(s.Wired, "use_test.go:") {
		t.Errorf("wired at %s; %s", s.Wired, diff)
	}
	r.Steps = step.Configs{"ask": {Retry: step.NoRetry}}
	_, err = plan.Make(t.Context(), r, prints{}, nil)
	if !errors.Is(err, component.ErrInvalid) || err.Error() != "steps: step ask waits for a person and runs no code: only its timeout can be set" {
		t.Errorf("the error is %v", err)
	}
}
