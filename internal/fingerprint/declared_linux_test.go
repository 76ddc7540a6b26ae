package fingerprint

import (
	"os"
	"strings"
	"testing"
	"time"
)

// declaredFixture is a fixture whose program prints fingerprints by declarations.
func declaredFixture(t *testing.T) modules {
	t.Helper()
	m := fixture(t)
	m.env = append(m.env, "FIXTURE_DECLARED=1")
	return m
}

// Functions are found by file and line, also where the runtime's names do not tell them apart, and what syntax does not tell falls back.
func TestDeclaredFunctions(t *testing.T) {
	t.Parallel()
	m := declaredFixture(t)
	first := m.run("app", "go", "run", ".")
	m.mode("go run", first, ModeSource)
	m.same("a second run", first, m.run("app", "go", "run", "."))
	digests := map[string]string{}
	for name, f := range first.Funcs {
		if name == "indirect" || name == "from map" || f.Captured != "" {
			continue
		}
		if twin := digests[f.Digest]; twin != "" {
			t.Errorf("%s and %s have one fingerprint", name, twin)
		}
		digests[f.Digest] = name
	}
	if first.Funcs["indirect"] != first.plain() || first.Funcs["from map"] != first.plain() {
		t.Error("a function that comes from a variable is another")
	}

	// Here main mentions every function, so that an edit of one may change all. It must change itself.
	for _, c := range []struct{ from, to, changed string }{
		{
			"func plain(context.Context, foo) (bar, error) { return bar{}, nil }", "func plain(context.Context, foo) (bar, error) { return bar{\"x\"}, nil }",
			"plain, indirect, from map, decorated plain, generic foo",
		},
		{`bar{"literal"}`, `bar{"Literal"}`, "literal"},
		{`bar{"local"}`, `bar{"Local"}`, "local literal"},
		{
			"func (t trainer) train(context.Context, foo) (bar, error) { return bar{", "func (t trainer) train(context.Context, foo) (bar, error) { return bar{\"x\" + ",
			"method expression, method value, interface method, interface expression",
		},
		{`bar{"always"}`, `bar{"ever"}`, "made without state"},
	} {
		m.edit("app/main.go", c.from, c.to)
		now := m.run("app", "go", "run", ".")
		m.mode("an edit of "+c.changed, now, ModeSource)
		for name := range strings.SplitSeq(c.changed, ", ") {
			if first.Funcs[name] == now.Funcs[name] {
				t.Errorf("an edit of %s leaves it as it was", name)
			}
		}
		m.edit("app/main.go", c.to, c.from)
	}
	m.same("everything put back", first, m.run("app", "go", "run", "."))
}

// Declarations are looked at only where the source is that of the program.
func TestDeclaredIsAsCertainAsCoarse(t *testing.T) {
	t.Parallel()
	m := declaredFixture(t)
	m.write("app/lib/lib.go", "package lib\n")
	m.mode("nothing changed", m.during(func() {}, "app", "go", "run", "."), ModeSource)
	past := time.Now().Add(-time.Hour)
	m.mode("a file is saved", m.during(func() { m.write("app/lib/lib.go", "package lib // saved\n") }, "app", "go", "run", "."), ModeExecutable)
	m.mode("a file is saved and its time set back", m.during(func() {
		m.write("app/lib/lib.go", "package lib // again\n")
		os.Chtimes(m.path("app/lib/lib.go"), past, past)
	}, "app", "go", "run", "."), ModeExecutable)
	m.mode("-trimpath", m.run("app", "go", "run", "-trimpath", "."), ModeExecutable)

	before := m.run("app", "go", "run", ".")
	m.mode("put back", before, ModeSource)
	m.write("app/odd/odd.go", "package odd\n\nimport _ \"unsafe\"\n\n//go:linkname f os.f\nfunc f()\n")
	m.write("app/use.go", "package main\n\nimport _ \"github.com/tenon-ml/tenon/app/lib\"\n")
	odd := m.run("app", "go", "run", ".")
	if odd.plain() != before.plain() {
		t.Error("packages that nothing needs change the fingerprint")
	}
	m.edit("tenon/component/doc.go", "package component", "package component // edited")
	m.differs("an edit of a module that is replaced by a directory", odd, m.run("app", "go", "run", "."))

	m.write("tenon/component/back.go", "package component\n\nimport _ \"github.com/tenon-ml/tenon/app/lib\"\n")
	m.write("tenon/go.mod", read(t, m.path("tenon/go.mod"))+"\nrequire github.com/tenon-ml/tenon/app v0.0.0\n\nreplace github.com/tenon-ml/tenon/app => ../app\n")
	first := m.run("app", "go", "run", ".")
	m.write("app/notlinked/n.go", "package notlinked\n")
	m.differs("an edit anywhere, where another module imports this one", first, m.run("app", "go", "run", "."))
}

// The files on the command line are the program: others beside them may declare the same.
func TestFilesOnTheCommandLine(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]modules{"by declarations": declaredFixture(t), "coarse": fixture(t)} {
		m.edit("app/main.go", "(bar, error) { return bar{}, nil }", "(bar, error) { return bar{version()}, nil }")
		m.write("app/one.go", "package main\n\nfunc version() string { return \"one\" }\n")
		m.write("app/two.go", "package main\n\nfunc version() string { return \"two\" }\n")
		one := m.run("app", "go", "run", "main.go", "one.go")
		m.mode(name, one, ModeSource)
		if again := m.run("app", "go", "run", "./one.go", "main.go"); again.plain() != one.plain() {
			t.Errorf("%s: in another order, the same files have another fingerprint", name)
		}
		m.differs(name, one, m.run("app", "go", "run", "main.go", "two.go"))
	}
}

// Two lists of parts name the declaration that was edited.
func TestExplain(t *testing.T) {
	t.Parallel()
	m := declaredFixture(t)
	m.write("app/lib/lib.go", "package lib\n\nfunc Scale(x int) int { return scale * x }\n\nconst scale = 2\n")
	m.edit("app/main.go", "\"reflect\"\n", "\"reflect\"\n\n\t\"github.com/tenon-ml/tenon/app/lib\"\n")
	m.edit("app/main.go", "{ return bar{}, nil }", "{ return bar{fmt.Sprint(lib.Scale(1))}, nil }")
	before := m.run("app", "go", "run", ".").Parts
	m.edit("app/lib/lib.go", "= 2", "= 3")
	m.edit("app/lib/lib.go", "package lib", "// Package lib has a comment now.\npackage lib")
	after := m.run("app", "go", "run", ".").Parts
	changes := Compare(before, after)
	if len(changes) != 1 || changes[0].Old == nil || changes[0].New == nil || *changes[0].New != (Part{
		"github.com/tenon-ml/tenon/app/lib.scale", "github.com/tenon-ml/tenon/app/lib/lib.go", 6, changes[0].New.Digest,
	}) {
		t.Errorf("one constant was edited, and these differ: %+v", changes)
	}
}
