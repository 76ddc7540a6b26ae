package pipeline_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

var update = flag.Bool("update", false, "write golden files")

type none struct{}

type numberIn struct{ X artifact.Ref[int] }

func makeNumber(context.Context, none) (artifact.Ref[int], error) { return artifact.New(1), nil }
func makeNumbers(context.Context, none) (artifact.Ref[[]int], error) {
	return artifact.New([]int{1, 2}), nil
}
func double(_ context.Context, in numberIn) (artifact.Ref[int], error) {
	return artifact.New(2 * in.X.Value()), nil
}

func ignore[In any](context.Context, In) (struct{}, error) { return struct{}{}, nil }

type tree struct {
	X    artifact.Ref[int]
	Next *tree
}

type keeper struct{ w float64 }

type stamped struct {
	time.Time
	Note string
}

// mistakes are pipelines that must not build; each one's golden text tells its reader what to do.
var mistakes = map[string]func(p *pipeline.Builder){
	"unset ref": func(p *pipeline.Builder) {
		pipeline.Step(p, "double", double, numberIn{})
	},
	"literal ref": func(p *pipeline.Builder) {
		pipeline.Step(p, "double", double, numberIn{artifact.New(1)})
	},
	"foreign ref": func(p *pipeline.Builder) {
		var stolen artifact.Ref[int]
		other := pipeline.Define("other", func(p *pipeline.Builder, _ none) struct{} {
			stolen = pipeline.Step(p, "number", makeNumber, none{})
			return struct{}{}
		})
		_, _ = other.Graph(none{})
		pipeline.Step(p, "double", double, numberIn{stolen})
	},
	"duplicate name": func(p *pipeline.Builder) {
		pipeline.Step(p, "number", makeNumber, none{})
		pipeline.Step(p, "number", makeNumber, none{})
	},
	"bad names": func(p *pipeline.Builder) {
		pipeline.Step(p, "", makeNumber, none{})
		pipeline.Step(p, "a/b", makeNumber, none{})
		pipeline.Step(p, "../etc", makeNumber, none{})
		pipeline.Step(p, strings.Repeat("x", 200), makeNumber, none{})
	},
	"nil function": func(p *pipeline.Builder) {
		pipeline.Step[none, struct{}](p, "nothing", nil, none{})
	},
	"value while building": func(p *pipeline.Builder) {
		n := pipeline.Step(p, "number", makeNumber, none{})
		if n.Value() > 0 {
			pipeline.Step(p, "double", double, numberIn{n})
		}
	},
	"panic": func(*pipeline.Builder) { panic("boom") },
	"embedded ref": func(p *pipeline.Builder) {
		type in struct{ artifact.Ref[int] }
		pipeline.Step(p, "use", ignore[in], in{})
	},
	"ref in an interface": func(p *pipeline.Builder) {
		type in struct{ Any any }
		pipeline.Step(p, "use", ignore[in], in{pipeline.Step(p, "number", makeNumber, none{})})
	},
	"ref as a map key": func(p *pipeline.Builder) {
		type in struct{ M map[artifact.Ref[int]]string }
		pipeline.Step(p, "use", ignore[in], in{})
	},
	"ref in an unexported field": func(p *pipeline.Builder) {
		type in struct{ x artifact.Ref[int] } //nolint:unused // the mistake
		pipeline.Step(p, "use", ignore[in], in{})
	},
	"ref in an embedded unexported struct": func(p *pipeline.Builder) {
		type hidden struct{ X artifact.Ref[int] }
		type in struct{ hidden }
		pipeline.Step(p, "use", ignore[in], in{})
	},
	"unexported parameter": func(p *pipeline.Builder) {
		type in struct{ rate float64 } //nolint:unused // the mistake
		pipeline.Step(p, "use", ignore[in], in{})
	},
	"pointer cycle": func(p *pipeline.Builder) {
		n := pipeline.Step(p, "number", makeNumber, none{})
		loop := &tree{X: n}
		loop.Next = loop
		type in struct{ Tree *tree }
		pipeline.Step(p, "use", ignore[in], in{loop})
	},
	"parameter of a type that loses data": func(p *pipeline.Builder) {
		type in struct {
			Model  keeper
			Hook   func()
			Notify chan int
		}
		pipeline.Step(p, "use", ignore[in], in{})
	},
	"promoted marshaler": func(p *pipeline.Builder) {
		type in struct{ At stamped }
		pipeline.Step(p, "use", ignore[in], in{})
	},
	"output of a type that loses data": func(p *pipeline.Builder) {
		pipeline.Step(p, "make", func(context.Context, none) (artifact.Ref[keeper], error) {
			return artifact.New(keeper{1}), nil
		}, none{})
	},
	"output that is no ref": func(p *pipeline.Builder) {
		pipeline.Step(p, "make", func(context.Context, none) (int, error) { return 1, nil }, none{})
	},
	"output with a plain field": func(p *pipeline.Builder) {
		type out struct {
			A artifact.Ref[int]
			B int
		}
		pipeline.Step(p, "make", func(context.Context, none) (out, error) { return out{}, nil }, none{})
	},
	"input that is no struct": func(p *pipeline.Builder) {
		pipeline.Step(p, "use", ignore[int], 1)
	},
	"after an unknown step": func(p *pipeline.Builder) {
		pipeline.Step(p, "number", makeNumber, none{}, pipeline.After("nubmer"))
	},
	"steps that wait for each other": func(p *pipeline.Builder) {
		pipeline.Step(p, "a", makeNumber, none{}, pipeline.After("c"))
		pipeline.Step(p, "b", makeNumber, none{}, pipeline.After("a"))
		pipeline.Step(p, "c", makeNumber, none{}, pipeline.After("b"))
	},
	"condition that is not set": func(p *pipeline.Builder) {
		pipeline.Step(p, "number", makeNumber, none{}, pipeline.When(artifact.Ref[bool]{}))
	},
	"configuration out of range": func(p *pipeline.Builder) {
		pipeline.Step(p, "number", makeNumber, none{}, step.Config{Retry: step.Retry{Attempts: -1}})
		pipeline.Step(p, "other", makeNumber, none{}, step.Config{Tolerate: step.Tolerance{Count: 1}})
		pipeline.Step(p, "third", makeNumber, none{}, nil)
	},
	"step inside a map's input function": func(p *pipeline.Builder) {
		list := pipeline.Step(p, "numbers", makeNumbers, none{})
		pipeline.Map(p, "each", double, list, func(e artifact.Ref[int]) numberIn {
			return numberIn{pipeline.Step(p, "inner", double, numberIn{e})}
		})
	},
	"element outside its map": func(p *pipeline.Builder) {
		list := pipeline.Step(p, "numbers", makeNumbers, none{})
		var leaked artifact.Ref[int]
		pipeline.Map(p, "each", double, list, func(e artifact.Ref[int]) numberIn {
			leaked = e
			return numberIn{e}
		})
		pipeline.Step(p, "double", double, numberIn{leaked})
	},
	"gather of something else": func(p *pipeline.Builder) {
		n := pipeline.Step(p, "number", makeNumber, none{})
		list := pipeline.Step(p, "numbers", makeNumbers, none{})
		each := pipeline.Map(p, "each", double, list, func(e artifact.Ref[int]) numberIn { return numberIn{e} })
		pipeline.Gather(each, func(artifact.Ref[int]) artifact.Ref[int] { return n })
	},
	"zero mapped": func(p *pipeline.Builder) {
		var m pipeline.Mapped[artifact.Ref[int]]
		pipeline.Then(p, "more", double, m, func(e artifact.Ref[int]) numberIn { return numberIn{e} })
	},
	"first of nothing": func(p *pipeline.Builder) {
		pipeline.Step(p, "double", double, numberIn{pipeline.FirstOf[int](p)})
	},
	"nil sub-pipeline": func(p *pipeline.Builder) {
		pipeline.Sub[none, struct{}](p, "again", nil, none{})
	},
	"use with a bad name": func(p *pipeline.Builder) {
		for i, name := range []string{"", "Model", "penguins/Model@0", "penguins/Model@new", "pen guins/Model", "penguins/the model", "a/b/c"} {
			pipeline.Step(p, "double"+strconv.Itoa(i), double, numberIn{pipeline.Use[int](p, name)})
		}
	},
	"use of a type that loses data": func(p *pipeline.Builder) {
		pipeline.Use[keeper](p, "penguins/Model")
		pipeline.Step(p, "again", ignore[struct{ M artifact.Ref[keeper] }], struct{ M artifact.Ref[keeper] }{pipeline.Use[keeper](p, "penguins/Model")})
	},
	"wait without a question": func(p *pipeline.Builder) {
		pipeline.Wait(p, "one", "", none{})
		pipeline.Wait(p, "two", "one line\nand another", none{})
		pipeline.Wait(p, "three", "\xff", none{})
		pipeline.Wait(p, "four", strings.Repeat("why ", 300), none{})
	},
	"wait without an input": func(p *pipeline.Builder) {
		pipeline.Wait(p, "nothing", "Deploy?", any(nil))
		pipeline.Wait[*numberIn](p, "pointer", "Deploy?", nil)
		pipeline.Wait(p, "unset", "Deploy?", numberIn{})
	},
	"wait like a step that runs": func(p *pipeline.Builder) {
		approved := pipeline.Wait(p, "ask", "Deploy?", none{}, step.Config{Timeout: time.Hour}) // this is right
		pipeline.Wait(p, "ask", "Deploy?", none{}, step.Config{Retry: step.Retry{Attempts: 2}})
		pipeline.Wait(p, "other", "Deploy?", none{}, step.Config{Timeout: time.Hour, Cache: step.Never}, nil)
		if approved.Value().By != "" {
			return
		}
	},
	"wait inside a map's input function": func(p *pipeline.Builder) {
		list := pipeline.Step(p, "numbers", makeNumbers, none{})
		pipeline.Map(p, "each", double, list, func(e artifact.Ref[int]) numberIn {
			pipeline.Wait(p, "ask", "This one?", numberIn{e})
			return numberIn{e}
		})
	},
	"several at once": func(p *pipeline.Builder) {
		pipeline.Step(p, "one", double, numberIn{})
		pipeline.Step(p, "two", double, numberIn{artifact.New(2)})
		pipeline.Step(p, "two", makeNumber, none{}, pipeline.After("three"))
	},
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for name, build := range mistakes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pipeline.Define("wrong", func(p *pipeline.Builder, _ none) struct{} {
				build(p)
				return struct{}{}
			})
			_, err := p.Graph(none{})
			if err == nil {
				t.Fatal("the pipeline was built")
			}
			if !errors.Is(err, component.ErrInvalid) {
				t.Errorf("the error's code is %v, want invalid", component.CodeOf(err))
			}
			golden(t, filepath.Join("testdata", "mistakes", strings.ReplaceAll(name, " ", "_")+".txt"), stable(err.Error()))
		})
	}
}

// TestPanicAlone: what a panic left unset is no mistake of its own, and the stack shows the user's functions alone.
func TestPanicAlone(t *testing.T) {
	t.Parallel()
	inner := pipeline.Define("inner", func(p *pipeline.Builder, _ none) artifact.Ref[int] { panic("boom") })
	for name, build := range map[string]func(*pipeline.Builder) artifact.Ref[int]{
		"panic": func(*pipeline.Builder) artifact.Ref[int] { panic("boom") },
		"value": func(p *pipeline.Builder) artifact.Ref[int] {
			pipeline.Step(p, "number", makeNumber, none{}).Value()
			panic("boom")
		},
		"in sub-pipeline": func(p *pipeline.Builder) artifact.Ref[int] { return pipeline.Sub(p, "inner", inner, none{}) },
		"in input of a map": func(p *pipeline.Builder) artifact.Ref[int] {
			pipeline.Map(p, "each", double, pipeline.Step(p, "list", makeNumbers, none{}), func(artifact.Ref[int]) numberIn { panic("boom") })
			return artifact.Ref[int]{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := pipeline.Define("wrong", func(p *pipeline.Builder, _ none) artifact.Ref[int] { return build(p) }).Graph(none{})
			var all *pipeline.Error
			if !errors.As(err, &all) || len(all.Problems) != 1 {
				t.Fatalf("want one mistake, got %v", err)
			}
			if text := err.Error(); !strings.Contains(all.Problems[0].At, "errors_test.go:") || strings.Contains(text, "runtime.") || strings.Contains(text, "/pipeline.go:") {
				t.Errorf("it shows more than the user's code: %s", text)
			}
		})
	}
}

// stable replaces line numbers and stacks, which change with every edit of this file.
func stable(text string) string {
	text, _, _ = strings.Cut(text, "\n"+reflect.TypeFor[none]().PkgPath()+".")
	return regexp.MustCompile(`(\w+\.go):\d+`).ReplaceAllString(text, "$1:LINE") + "\n"
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run the test with -update to write it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestDefinitionMistakes(t *testing.T) {
	t.Parallel()
	type params struct{ Rate float64 }
	nothing := func(*pipeline.Builder, params) struct{} { return struct{}{} }
	graph := func(p *pipeline.Pipeline[params, struct{}]) error {
		_, err := p.Graph(params{})
		return err
	}
	_, notStruct := pipeline.Define("p", func(*pipeline.Builder, int) struct{} { return struct{}{} }).Graph(1)
	_, plainResult := pipeline.Define("p", func(*pipeline.Builder, params) int { return 1 }).Graph(params{})
	_, unsetResult := pipeline.Define("p", func(*pipeline.Builder, params) artifact.Ref[int] { return artifact.Ref[int]{} }).Graph(params{})
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"empty name":      {graph(pipeline.Define("", nothing)), "name is empty"},
		"bad name":        {graph(pipeline.Define("a b", nothing)), "use at most 100 letters"},
		"nil function":    {graph(pipeline.Define[params, struct{}]("p", nil)), "nil function"},
		"wrong defaults":  {graph(pipeline.Define("p", nothing, pipeline.Defaults(1))), "pipeline.Defaults has values of type int"},
		"no struct":       {notStruct, "the parameters are of type int"},
		"plain result":    {plainResult, "the output is of type int"},
		"unset result":    {unsetResult, "field result output: the Ref is not set"},
		"step defaults":   {graph(pipeline.Define("p", nothing, pipeline.StepDefaults(step.Config{Timeout: -5}))), "timeout"},
		"codec unnamed":   {graph(pipeline.Define("p", nothing, pipeline.Codecs(artifact.Codec[keeper]{}))), "codec"},
		"validate params": {validated(-1), "parameter rate: must not be negative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.err == nil || !strings.Contains(test.err.Error(), test.want) {
				t.Errorf("error %q does not contain %q", test.err, test.want)
			}
		})
	}
}

type checked struct{ Rate float64 }

func (c checked) Validate() error {
	if c.Rate < 0 {
		return errors.New("rate: must not be negative")
	}
	return nil
}

func validated(rate float64) error {
	_, err := pipeline.Define("p", func(*pipeline.Builder, checked) struct{} { return struct{}{} }).Graph(checked{rate})
	return err
}
