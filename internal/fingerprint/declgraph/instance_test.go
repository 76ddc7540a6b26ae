package declgraph

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const instances = `package main

import (
	"context"
	"example.com/lib"
	"github.com/tenon-ml/tenon/pipeline"
)

type small struct{ a int }

type large struct{ b int }

func (large) size() int { return 1 }

func Fit[T any](_ context.Context, in int) (T, error) { return fit[T](in), nil }

func fit[T any](int) (zero T) { return }

func Other(_ context.Context, in int) (int, error) { return in, nil }

var Pipe = pipeline.Define("p", func(p *pipeline.Builder, in int) int {
	pipeline.Step(p, "small", Fit[small], in)
	pipeline.Step(p, "large", Fit[large],
		in)
	pipeline.Step(p, "inferred", Fit, in)
	pipeline.Step(p, "other", Other, in)
	pipeline.Step(p, "foreign", lib.Run[large], in); pipeline.Step(p, "second", lib.Run[large], in)
	pipeline.Step(p, "x", Fit[small], in); pipeline.Step(p, "y", Fit[large], in)
	pipeline.Step(args(p, in))
	return in
})

func wireAll[T any](p *pipeline.Builder, in int) {
	pipeline.Step(p, "generic", Fit[T], in)
}

func wireLocal(p *pipeline.Builder, in int) {
	type small int
	pipeline.Step(p, "local", Fit[small], in)
}

func wireGiven(p *pipeline.Builder, given func(context.Context, int) (int, error), in int) {
	pipeline.Step(p, "given", given, in)
}

func (h holder[T]) wire(p *pipeline.Builder, in int) {
	pipeline.Step(p, "method", Fit[T], in)
}

type holder[T any] struct{}

func args(p *pipeline.Builder, in int) (*pipeline.Builder, string, func(context.Context, int) (int, error), int) { return p, "", Other, in }

func main() { lib.Main(Pipe) }
`

// instancePrint fingerprints what is wired where a mark is.
func instancePrint(t *testing.T, src, path, name, mark string, types ...TypeName) (string, bool) {
	t.Helper()
	before, _, ok := strings.Cut(src, mark)
	if !ok {
		t.Fatalf("no %s", mark)
	}
	g := graphOf(t, map[string]string{"m/main.go": src})
	parts, identity, ok := g.ReachInstance(Instance{Path: path, Name: name, Generic: true, File: "m/main.go", Line: 1 + strings.Count(before, "\n"), Types: types})
	var b strings.Builder
	b.WriteString(identity)
	for _, p := range parts {
		fmt.Fprintf(&b, "\n%s %x", p.Name, p.Digest[:6])
	}
	return b.String(), ok
}

func TestInstances(t *testing.T) {
	t.Parallel()
	all := func(src string) map[string]string {
		prints := map[string]string{}
		for _, mark := range []string{`"small", Fit`, `"large", Fit`, `"inferred", Fit`} {
			prints[mark[1:6]], _ = instancePrint(t, src, "m", "Fit", mark)
		}
		prints["typed"], _ = instancePrint(t, src, "m", "Fit", `"inferred", Fit`, TypeName{"m", "large"}, TypeName{"", "int"}, TypeName{"example.com/lib", "T"})
		prints["forei"], _ = instancePrint(t, src, "example.com/lib", "Run", `"foreign"`)
		return prints
	}
	before := all(instances)
	for a, x := range before {
		for b, y := range before {
			if a != b && x == y {
				t.Errorf("%s and %s are told apart by nothing", a, b)
			}
		}
	}
	for _, e := range []struct{ from, to, changed string }{
		{"type small struct{ a int }", "type small struct{ a int8 }", "small"},
		{"size() int { return 1 }", "size() int { return 2 }", "forei large typed"},
		{"Fit[T any](_", "Fit[T comparable](_", "infer large small typed"},
		{"func fit[T any](int) (zero T) { return }", "func fit[T any](int) (one T) { return }", "infer large small typed"},
		{`"small", Fit[small], in`, `"little", Fit[small], in+1`, ""},
		{"{ return in, nil }", "{ return -in, nil }", ""},
	} {
		src := strings.Replace(instances, e.from, e.to, 1)
		var changed []string
		for name, one := range all(strings.Replace(src, `"little"`, `"small"`, 1)) {
			if one != before[name] {
				changed = append(changed, name)
			}
		}
		slices.Sort(changed)
		if got := strings.Join(changed, " "); got != e.changed {
			t.Errorf("%s: the edit changes %q, want %q", e.to, got, e.changed)
		}
	}
}

// What cannot be told is not told.
func TestInstancesThatAreUnclear(t *testing.T) {
	t.Parallel()
	for mark, why := range map[string]string{
		`"x", Fit`: "two instances on one line", `"generic", Fit`: "a type parameter", `"local", Fit`: "a local type", `"given", given`: "a function that is handed on",
		`"method", Fit`: "the type parameter of a receiver", `Step(args`: "arguments of another call", `"other", Other`: "another function", "func main": "no call",
	} {
		if _, ok := instancePrint(t, instances, "m", "Fit", mark); ok {
			t.Errorf("%s: an instance is found", why)
		}
	}
	if _, ok := instancePrint(t, instances, "m", "Fit", `"small", Fit`, TypeName{"m", "unknown"}); ok {
		t.Error("a type that is declared nowhere is found")
	}
	for what, src := range map[string]string{
		"a variable that holds Step":      instances + "\nvar indirect = pipeline.Step[int, int]\n",
		"a variable with Step in a field": instances + "\nvar steps = []any{pipeline.Map[int, int, int]}\n",
		"a dot import": strings.Replace(instances, `	"github.com/tenon-ml/tenon/pipeline"`,
			"\t\"github.com/tenon-ml/tenon/pipeline\"\n\t. \"github.com/tenon-ml/tenon/pipeline\"", 1),
	} {
		if _, ok := instancePrint(t, src, "m", "Fit", `"small", Fit`); ok {
			t.Errorf("%s: an instance is found", what)
		}
	}
	shadow := strings.Replace(instances, "in int) int {\n", "in int) int {\n\tFit := something()\n", 1)
	if _, ok := instancePrint(t, shadow, "m", "Fit", `"inferred", Fit`); ok {
		t.Error("a local variable of the function's name is taken for it")
	}
}

func TestTypeNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]TypeName{
		"int": nil, "main.T": {{"main", "T"}}, "example.com/a.b/c.T": {{"example.com/a.b/c", "T"}},
		"x.Pair[int,map[a/b.K][]*c.V]":                     {{"x", "Pair"}, {"a/b", "K"}, {"c", "V"}},
		"x.F[func(...main.T) <-chan y.U]":                  {{"x", "F"}, {"main", "T"}, {"y", "U"}},
		"x.S[struct { A main.T; B interface { M(z.V) } }]": {{"x", "S"}, {"main", "T"}, {"z", "V"}},
		"x.Outer[y.Inner[z.T,struct {}],interface {}]":     {{"x", "Outer"}, {"y", "Inner"}, {"z", "T"}},
	} {
		got, ok := TypeNames(name)
		if d := cmp.Diff(want, got); d != "" || !ok {
			t.Errorf("%s: %v\n%s", name, ok, d)
		}
	}
	for _, name := range []string{"main.G[main.local·1]", "a/b%2ec.T"} {
		if _, ok := TypeNames(name); ok {
			t.Errorf("%s: it is told which type that is", name)
		}
	}
}
