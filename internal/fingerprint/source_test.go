//go:build linux

package fingerprint

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestGoRunUsesTheSource(t *testing.T) {
	t.Parallel()
	m := fixture(t)
	m.write("app/lib/lib.go", "package lib\n\nconst A = 1\n")
	m.write("app/lib/lib_windows.go", "package lib\n\nconst B = 1\n")
	m.write("app/lib/lib_test.go", "package lib\n")
	m.write("app/notes.txt", "not a part of it")
	m.write("app/data/rows.csv", "1,2\n")
	first := m.run("app", "go", "run", ".")
	m.mode("go run", first, ModeSource)
	for _, name := range []string{"generic foo", "generic *bar", "generic method *foo", "made of *foo"} {
		if got := first.Funcs[name].Mode; got != ModeExecutable {
			t.Errorf("%s is fingerprinted from the %s: the source does not tell its instantiations apart", name, got)
		}
	}
	m.same("a second run", first, m.run("app", "go", "run", "."))
	m.same("by import path, from below", first, m.run("app/lib", "go", "run", "github.com/tenon-ml/tenon/app"))
	m.same("with -C", first, m.run(".", "go", "-C", "app", "run", "."))

	files := m.run("app", "go", "run", "main.go")
	m.mode("go run main.go", files, ModeSource)
	if files.plain() != first.plain() {
		t.Error("go run main.go gives another fingerprint than go run .")
	}

	m.write("app/notes.txt", "changed")
	m.write("app/data/rows.csv", "1,3\n")
	m.write("app/data/more.csv", "1,3\n")
	m.write("app/lib/lib_test.go", "package lib\n\nconst T = 1\n")
	now := m.run("app", "go", "run", ".")
	m.mode("after changes beside the source", now, ModeSource)
	if now.plain() != first.plain() {
		t.Error("a text, a test or data changed the fingerprint")
	}

	last := now
	for _, c := range []struct{ what, name, content string }{
		{"an edit of a package that is not even imported", "app/lib/lib.go", "package lib\n\nconst A = 2\n"},
		{"an edit for another platform", "app/lib/lib_windows.go", "package lib\n\nconst B = 2\n"},
		{"a new file", "app/extra.go", "package main\n\nfunc init() {}\n"},
		{"a directory of a name that the go command likes to ignore", "app/_hidden/x.go", "package hidden\n"},
		{"a profile", "app/default.pgo", ""},
	} {
		m.write(c.name, c.content)
		now := m.run("app", "go", "run", ".")
		m.mode(c.what, now, ModeSource)
		m.differs(c.what, last, now)
		last = now
	}
	for _, name := range []string{"app/extra.go", "app/_hidden/x.go", "app/default.pgo"} {
		os.Remove(m.path(name))
	}
	m.write("app/lib/lib.go", "package lib\n\nconst A = 1\n")
	m.write("app/lib/lib_windows.go", "package lib\n\nconst B = 1\n")
	m.same("everything put back", first, m.run("app", "go", "run", "."))

	m.edit("tenon/component/doc.go", "package component", "package component // edited")
	m.differs("an edit of a module that is replaced by a directory", first, m.run("app", "go", "run", "."))
}

func TestEmbeddedFiles(t *testing.T) {
	t.Parallel()
	m := fixture(t)
	m.write("app/embed.go", "package main\n\nimport \"embed\"\n\n//go:embed pages/*.html all:tree\nvar pages embed.FS\n")
	m.write("app/pages/a.html", "a")
	m.write("app/pages/b.html", "b")
	m.write("app/tree/deep/er/x.txt", "x")
	m.write("app/tree/.hidden", "h")
	last := m.run("app", "go", "run", ".")
	m.mode("embedded files", last, ModeSource)
	for _, name := range []string{"app/pages/a.html", "app/tree/deep/er/x.txt", "app/tree/.hidden"} {
		m.write(name, "edited")
		now := m.run("app", "go", "run", ".")
		m.mode("an edit of "+name, now, ModeSource)
		m.differs("an edit of "+name, last, now)
		last = now
	}
	m.mode("a file goes from where a pattern looks", m.during(func() { os.Remove(m.path("app/pages/b.html")) }, "app", "go", "run", "."), ModeExecutable)
	m.mode("a file goes from an embedded directory", m.during(func() { os.Remove(m.path("app/tree/deep/er/x.txt")) }, "app", "go", "run", "."), ModeExecutable)
	m.mode("an embedded file is edited", m.during(func() { m.write("app/pages/a.html", "late") }, "app", "go", "run", "."), ModeExecutable)

	odd := m.path("odd [1] *") // a directory whose name is a pattern
	if err := os.Rename(m.path("app"), odd); err != nil {
		t.Fatal(err)
	}
	last = m.run("odd [1] *", "go", "run", ".")
	m.write("odd [1] */pages/a.html", "edited again")
	m.differs("an edit in a directory whose name is a pattern", last, m.run("odd [1] *", "go", "run", "."))
}

// What is on disk when the fingerprint is computed is not always what was built.
func TestSourceThatChangedSinceTheBuild(t *testing.T) {
	t.Parallel()
	m := fixture(t)
	m.write("app/lib/lib.go", "package lib\n")
	m.write("app/old/old.go", "package old\n")
	m.write("app/out/first.txt", "1")
	if got := m.during(func() {}, "app", "go", "run", "."); got.plain().Mode != ModeSource {
		t.Fatalf("nothing changed, and the mode is %s", got.plain().Mode)
	}
	past := time.Now().Add(-time.Hour)
	for _, c := range []struct {
		what string
		do   func()
	}{
		{"a file is saved", func() { m.write("app/lib/lib.go", "package lib // saved\n") }},
		{"a file is saved as it was", func() { m.write("app/lib/lib.go", "package lib // saved\n") }},
		{"a file is saved and its time set back", func() {
			m.write("app/lib/lib.go", "package lib // again\n")
			os.Chtimes(m.path("app/lib/lib.go"), past, past)
		}},
		{"a file is added", func() { m.write("app/lib/more.go", "package lib\n") }},
		{"a file is removed", func() { os.Remove(m.path("app/lib/more.go")) }},
		{"an old file is moved over another", func() { os.Rename(m.path("app/old/old.go"), m.path("app/lib/lib.go")) }},
		{"a replaced module is edited", func() { m.write("tenon/component/more.go", "package component\n") }},
		{"the module file is edited", func() { m.write("app/go.mod", read(t, m.path("app/go.mod"))+"\n") }},
	} {
		m.mode(c.what, m.during(c.do, "app", "go", "run", "."), ModeExecutable)
		m.mode("the run after: "+c.what, m.run("app", "go", "run", "."), ModeSource)
	}
	m.mode("results are written", m.during(func() { m.write("app/out/result.txt", "1") }, "app", "go", "run", "."), ModeSource)
}

// A tree that was ready before the program started takes the place of the one that it was built from.
func TestTreeThatWasReplaced(t *testing.T) {
	t.Parallel()
	m := fixture(t)
	if err := os.CopyFS(m.path("other"), os.DirFS(m.path("app"))); err != nil {
		t.Fatal(err)
	}
	m.edit("other/main.go", `bar{"literal"}`, `bar{"another"}`)
	if err := os.Symlink("app", m.path("current")); err != nil {
		t.Fatal(err)
	}
	through := m.run("current", "go", "run", ".")
	m.mode("through a symbolic link", through, ModeSource)
	if direct := m.run("app", "go", "run", "."); direct.plain() != through.plain() {
		t.Errorf("through a symbolic link the fingerprint is %v, not %v", through.plain(), direct.plain())
	}
	flip := func(to string) func() {
		return func() {
			os.Remove(m.path("current"))
			if err := os.Symlink(to, m.path("current")); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := m.during(flip("other"), "current", "go", "run", ".")
	after := m.run("current", "go", "run", ".")
	if before.plain().Mode == ModeSource && before.plain() == after.plain() {
		t.Error("a link was turned to another tree, and the old program claims the new source")
	}
	swap := func() {
		if os.Rename(m.path("app"), m.path("app.old")) != nil || os.Rename(m.path("other"), m.path("app")) != nil {
			t.Error("cannot rename")
		}
	}
	before = m.during(swap, "app", "go", "run", ".")
	after = m.run("app", "go", "run", ".")
	if before.plain().Mode == ModeSource && before.plain() == after.plain() {
		t.Error("another tree was moved to the place of the program's, and the old program claims the new source")
	}
}

// Wherever the files of the module may not be all of the program, the executable speaks.
func TestSourceThatIsNotTheProgram(t *testing.T) {
	t.Parallel()
	m := fixture(t)
	m.mode("nothing unusual", m.run("app", "go", "run", "."), ModeSource)

	bin := m.path("bin")
	if out, err := m.command("app", "go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	m.mode("a built program", m.run("app", bin), ModeExecutable)
	m.write("app/gen/gen.go", "package gen\n\n//go:generate "+bin+"\n")
	m.mode("go generate, which starts what was built earlier", m.run("app", "go", "generate", "./gen"), ModeExecutable)
	os.RemoveAll(m.path("app/gen"))

	m.write("overlay.json", `{"Replace": {"`+m.path("app/main.go")+`": "`+m.path("changed.go")+`"}}`)
	m.write("changed.go", strings.Replace(read(t, m.path("app/main.go")), `"literal"`, `"overlaid"`, 1))
	m.mode("-overlay", m.run("app", "go", "run", "-overlay", m.path("overlay.json"), "."), ModeExecutable)
	flags := m
	flags.env = append(slices.Clone(m.env), "GOFLAGS=-mod=mod -overlay="+m.path("overlay.json"))
	m.mode("-overlay in GOFLAGS", flags.run("app", "go", "run", "."), ModeExecutable)
	m.write("goenv", "GOFLAGS=-mod=mod -overlay="+m.path("overlay.json")+"\n")
	flags.env = append(slices.DeleteFunc(slices.Clone(m.env), func(v string) bool { return strings.HasPrefix(v, "GOFLAGS=") }), "GOENV="+m.path("goenv"))
	m.mode("-overlay by go env -w", flags.run("app", "go", "run", "."), ModeExecutable)
	m.mode("-trimpath", m.run("app", "go", "run", "-trimpath", "."), ModeExecutable) // nothing says where the files were
	m.mode("-exec", m.run("app", "go", "run", "-exec", "env", "."), ModeExecutable)

	m.write("app/prog/prog.go", strings.NewReplacer("package main", "package prog", "func main()", "func Main()").Replace(read(t, m.path("app/main.go"))))
	m.write("elsewhere/main.go", "package main\n\nimport \"github.com/tenon-ml/tenon/app/prog\"\n\nfunc main() { prog.Main() }\n")
	m.mode("a file outside the module", m.run("app", "go", "run", "../elsewhere/main.go"), ModeExecutable)

	for what, change := range map[string]func() (undo func()){
		"a symbolic link to a directory": func() func() {
			os.Symlink(m.path("tenon/component"), m.path("app/linked"))
			return func() { os.Remove(m.path("app/linked")) }
		},
		"a source file that is a symbolic link": func() func() {
			m.write("elsewhere/extra.txt", "package main\n")
			os.Symlink(m.path("elsewhere/extra.txt"), m.path("app/none_windows.go"))
			return func() { os.Remove(m.path("app/none_windows.go")) }
		},
		"C": func() func() {
			m.write("app/c/c.go", "package c\n\nimport (\n\t\"C\"\n)\n")
			return func() { os.RemoveAll(m.path("app/c")) }
		},
		"assembly": func() func() {
			m.write("app/asm/a.go", "package asm\n")
			m.write("app/asm/a_amd64.s", "#include \"any.inc\"\n")
			return func() { os.RemoveAll(m.path("app/asm")) }
		},
		"an embedding that cannot be followed": func() func() {
			m.write("app/q/q.go", "package q\n\nimport _ \"embed\"\n\n//go:embed \"a file\"\nvar S string\n")
			return func() { os.RemoveAll(m.path("app/q")) }
		},
		"a file that cannot be parsed and may embed": func() func() {
			m.write("app/broken/b.go", "package b\n\n//go:embed x\nvar S string = {\n")
			return func() { os.RemoveAll(m.path("app/broken")) }
		},
	} {
		undo := change()
		m.mode(what, m.run("app", "go", "run", "."), ModeExecutable)
		undo()
	}
	if os.Getuid() != 0 { // root reads everything
		m.write("app/locked/x.go", "package locked\n")
		os.Chmod(m.path("app/locked/x.go"), 0)
		m.mode("an unreadable file", m.run("app", "go", "run", "."), ModeExecutable)
		os.Chmod(m.path("app/locked/x.go"), 0o644)
	}
	for what, harmless := range map[string]string{"a C file without a package": "app/python/ext.c", "a module of its own": "app/inner/go.mod"} {
		m.write(harmless, "module inner\n")
		m.mode(what, m.run("app", "go", "run", "."), ModeSource)
	}
}

func TestTestsAreFingerprintedByTheirExecutable(t *testing.T) {
	t.Parallel()
	m := fixture(t)
	m.write("app/main_test.go", "package main\n\nimport \"testing\"\n\nfunc TestMain(m *testing.M) { main() }\n")
	settle()
	one := m.result(m.command("app", "go", "test", "-v", "-count=1"))
	m.mode("go test", one, ModeExecutable)
	m.edit("app/main_test.go", "{ main() }", "{ main(); changed() }\n\nfunc changed() { println(1) }")
	m.differs("an edit of a test", one, m.result(m.command("app", "go", "test", "-v", "-count=1")))
}

func TestWorkspacesAndVendoring(t *testing.T) {
	t.Parallel()
	workspacesAndVendoring(t, fixture(t))
}

func TestDeclaredWorkspacesAndVendoring(t *testing.T) {
	t.Parallel()
	workspacesAndVendoring(t, declaredFixture(t))
}

func workspacesAndVendoring(t *testing.T, m modules) {
	t.Helper()
	m.env = append(m.env, "GOWORK=", "GOFLAGS=")
	m.module("lib")
	m.write("lib/lib.go", "package lib\n\nconst A = 1\n")
	m.write("app/use.go", "package main\n\nimport _ \"github.com/tenon-ml/tenon/lib\"\n")
	m.write("copy/go.mod", "module github.com/tenon-ml/tenon/lib\n")
	m.write("go.work", "go 1.26.0\n\nuse (\n\t./app\n\t./lib // not ./copy\n)\n")
	first := m.run("app", "go", "run", ".")
	m.mode("a workspace", first, ModeSource)
	m.same("started at its root", first, m.run(".", "go", "run", "./app"))
	m.same("started in another member", first, m.run("lib", "go", "run", "../app"))
	m.write("lib/lib.go", "package lib\n\nconst A = 2\n")
	second := m.run("app", "go", "run", ".")
	m.mode("an edit of a member", second, ModeSource)
	m.differs("an edit of a member", first, second)

	os.Remove(m.path("go.work"))
	os.Remove(m.path("app/use.go"))
	if out, err := m.command("app", "go", "mod", "vendor").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	first = m.run("app", "go", "run", ".")
	m.mode("vendored modules, which have no sums", first, ModeSource)
	m.same("a second run", first, m.run("app", "go", "run", "."))
	for _, file := range []string{"app/vendor/github.com/tenon-ml/tenon/component/doc.go", "app/vendor/golang.org/x/sys/unix/dev_linux.go"} {
		m.write(file, read(t, m.path(file))+"\nvar Edited int\n\nfunc init() { Edited = 1 }\n")
		second := m.run("app", "go", "run", ".")
		m.differs("an edit of "+file, first, second)
		first = second
	}
}

func TestBuildSettings(t *testing.T) {
	t.Parallel()
	m := fixture(t)
	plain := m.run("app", "go", "run", ".").Build
	flagged := m.run("app", "go", "run", "-tags=fast,small", "-ldflags=-X main.version=2", "-gcflags=-N", ".").Build
	for _, want := range []string{"-tags=fast,small", "-ldflags=-X main.version=2", "-gcflags=-N"} {
		if slices.Contains(plain, want) || !slices.Contains(flagged, want) {
			t.Errorf("%s is in %v and in %v", want, plain, flagged)
		}
	}
	for _, want := range []string{"GOARCH=", "GOOS=", "CGO_ENABLED=0", "go=go1."} {
		if !slices.ContainsFunc(plain, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("%s is not in %v", want, plain)
		}
	}
	if i := slices.IndexFunc(plain, func(s string) bool { return strings.HasPrefix(s, "vcs") }); i >= 0 || !slices.IsSorted(plain) {
		t.Errorf("settings %v", plain)
	}
}

// A new version may be installed while the old one runs.
func TestExecutableThatWasReplaced(t *testing.T) {
	t.Parallel()
	m := fixture(t)
	bin := m.path("bin")
	build := func(to string) {
		t.Helper()
		if out, err := m.command("app", "go", "build", "-o", to, ".").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	build(bin)
	old := m.run("app", bin)
	m.same("a second run", old, m.run("app", bin))
	m.edit("app/main.go", `bar{"literal"}`, `bar{"new"}`)
	replace := func() {
		build(bin + ".new")
		if err := os.Rename(bin+".new", bin); err != nil {
			t.Fatal(err)
		}
	}
	m.same("the executable was replaced while it ran", old, m.during(replace, "app", bin))
	now := m.run("app", bin)
	m.differs("the new executable", old, now)
	m.same("the executable was deleted while it ran", now, m.during(func() { os.Remove(bin) }, "app", bin))
}

// Two main packages of one module may look alike.
func TestProgramsOfOneModule(t *testing.T) {
	t.Parallel()
	m := fixture(t)
	m.write("app/cmd/a/main.go", read(t, m.path("app/main.go")))
	m.write("app/cmd/b/main.go", strings.Replace(read(t, m.path("app/main.go")), `bar{}, nil`, `bar{"b"}, nil`, 1))
	a, b := m.run("app", "go", "run", "./cmd/a"), m.run("app", "go", "run", "./cmd/b")
	m.mode("a", a, ModeSource)
	m.differs("the same name at the same line of another program", a, b)
}

// A script clones a repository and runs a program of it at once, twice: the second run must find the results of the first.
func TestScriptThatWritesAndRuns(t *testing.T) {
	t.Parallel()
	m := fixture(t)
	m.run("app", "go", "run", ".") // so that the build is quick
	for i := range 5 {
		m.write("app/extra.go", "package main\n\nfunc init() {"+strings.Repeat("println();", i)+"}\n")
		first := m.result(m.command("app", "go", "run", "."))
		m.same("the second run", first, m.run("app", "go", "run", "."))
	}
}
