package newproject

import (
	"bytes"
	"context"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/component"
)

// TestProject builds, tests and runs a project as a person does, without the network.
func TestProject(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds programs")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "my birds")
	p, err := Create(Options{Name: "birds", Dir: dir, Module: "example.com/bird-watch", Replace: root})
	if err != nil {
		t.Fatal(err)
	}
	want := Project{Name: "birds", Dir: dir, Module: "example.com/bird-watch", Files: []string{"go.mod", "README.md", ".github/workflows/ci.yml", "flats.csv", ".gitignore", "main.go", "main_test.go"}}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, name := range p.Files {
		data := read(t, filepath.Join(dir, name))
		if strings.Contains(data, "starter") {
			t.Errorf("%s still speaks of the starter:\n%s", name, data)
		}
		if formatted, err := format.Source([]byte(data)); strings.HasSuffix(name, ".go") && (err != nil || string(formatted) != data) {
			t.Errorf("%s is not formatted: %v", name, err)
		}
	}
	// What "go mod tidy" would fetch.
	if err := os.WriteFile(filepath.Join(dir, "go.sum"), []byte(read(t, filepath.Join(root, "go.sum"))), 0o644); err != nil {
		t.Fatal(err)
	}
	g := goCommand{t, dir, filepath.Join(t.TempDir(), "home")}
	g.run("go", "vet", "./...")
	g.run("go", "test", "./...")
	if out := g.run("go", "run", "."); !strings.Contains(out, "birds succeeded") {
		t.Errorf("go run says\n%s", out)
	}
	g.run("go", "build", ".")
	program := filepath.Join(dir, "bird-watch")
	g.run(program)
	if out := g.run(program); !strings.Contains(out, "3 of 3 steps cached") {
		t.Errorf("the second run says\n%s", out)
	}
	if out := g.run(program, "--set", "ridge=10"); !strings.Contains(out, "1 of 3 steps cached") {
		t.Errorf("a run with another parameter says\n%s", out)
	}
	if out := g.run(program, "--set", "csv=flats.csv"); !strings.Contains(out, "birds succeeded") {
		t.Errorf("a run of the file says\n%s", out)
	}
}

type goCommand struct {
	t         *testing.T
	dir, home string
}

func (g goCommand) run(name string, args ...string) string {
	g.t.Helper()
	cmd := exec.CommandContext(g.t.Context(), name, args...)
	cmd.Dir = g.dir
	cmd.Env = append(os.Environ(), "PWD="+g.dir, "TENON_HOME="+g.home, "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off", "GOTOOLCHAIN=local", "GOENV=off")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		g.t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, errs.String())
	}
	return string(out)
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// source makes a directory that looks like a checkout of Tenon.
func source(t *testing.T, dir string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("// a comment\nmodule "+tenon+" // and one\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestGoMod(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	checkout := source(t, filepath.Join(parent, "tenon"))
	spaced := source(t, filepath.Join(parent, "a \"checkout\""))
	head := "module birds\n\ngo " + goVersion + "\n"
	for _, test := range []struct {
		name string
		o    Options
		want string
	}{
		{"nothing", Options{}, head},
		{"version", Options{Version: "v1.2.3"}, head + "\nrequire github.com/tenon-ml/tenon v1.2.3\n"},
		{"replaced", Options{Replace: checkout}, head + "\nrequire github.com/tenon-ml/tenon v0.0.0\n\nreplace github.com/tenon-ml/tenon => " + filepath.ToSlash(checkout) + "\n"},
		{"both", Options{Version: "v1.2.3", Replace: checkout}, head + "\nrequire github.com/tenon-ml/tenon v1.2.3\n\nreplace github.com/tenon-ml/tenon => " + filepath.ToSlash(checkout) + "\n"},
		{"spaces", Options{Version: "v1.2.3", Replace: spaced}, head + "\nrequire github.com/tenon-ml/tenon v1.2.3\n\nreplace github.com/tenon-ml/tenon => \"" + filepath.ToSlash(parent) + "/a \\\"checkout\\\"\"\n"},
	} {
		test.o.Name, test.o.Dir = "birds", filepath.Join(parent, test.name)
		if _, err := Create(test.o); err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(test.want, read(t, filepath.Join(test.o.Dir, "go.mod"))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestRelative works in a directory of its own, with a symbolic link in the way.
func TestRelative(t *testing.T) {
	parent := t.TempDir()
	source(t, filepath.Join(parent, "real", "tenon"))
	if err := os.MkdirAll(filepath.Join(parent, "real", "deep", "work"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join("real", "deep", "work"), filepath.Join(parent, "link")); err != nil {
		t.Skipf("no symbolic links: %v", err)
	}
	t.Chdir(parent)
	for dir, want := range map[string]string{"birds": "../real/tenon", "link/birds": "../../../tenon"} {
		if _, err := Create(Options{Name: "birds", Dir: filepath.FromSlash(dir), Replace: "real/tenon"}); err != nil {
			t.Fatal(err)
		}
		if mod := read(t, filepath.Join(dir, "go.mod")); !strings.HasSuffix(mod, " => "+want+"\n") {
			t.Errorf("%s: %s", dir, mod)
		}
		if _, err := os.Stat(dir + "/" + want + "/go.mod"); err != nil {
			t.Error(err)
		}
	}
	if _, err := Create(Options{Name: "birds", Dir: "."}); component.CodeOf(err) != component.AlreadyExists {
		t.Errorf("a directory with something in it: %v", err)
	}
	t.Chdir(filepath.Join(parent, "link"))
	if err := os.RemoveAll("birds"); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(Options{Name: "birds", Dir: "."}); component.CodeOf(err) != component.Invalid || !strings.Contains(err.Error(), "the current one") {
		t.Errorf("the current directory: %v", err)
	}
}

func TestEmptyDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Create(Options{Name: "birds", Dir: dir}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".github", "workflows", "ci.yml")); err != nil {
		t.Error(err)
	}
}

// TestRefused: what is refused leaves nothing behind, neither a project nor a part of one.
func TestRefused(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	full := filepath.Join(parent, "full")
	file := filepath.Join(parent, "file")
	other := filepath.Join(parent, "other")
	link := filepath.Join(parent, "link")
	for path, text := range map[string]string{filepath.Join(full, "kept"): "", file: "", filepath.Join(other, "go.mod"): "module example.com/other\n"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", link); err != nil {
		t.Skipf("no symbolic links: %v", err)
	}
	before := names(t, parent)
	birds := Options{Name: "birds", Dir: filepath.Join(parent, "birds")}
	with := func(change func(*Options)) Options { o := birds; change(&o); return o }
	type test struct {
		what string
		o    Options
		want string // in the error
	}
	tests := []test{
		{"a directory that is not empty", with(func(o *Options) { o.Dir = full }), "exists and is not empty"},
		{"a file", with(func(o *Options) { o.Dir = file }), "not a directory"},
		{"below a file", with(func(o *Options) { o.Dir = filepath.Join(file, "birds") }), "not a directory"},
		{"below nothing", with(func(o *Options) { o.Dir = filepath.Join(parent, "no", "birds") }), "no such directory: make it first"},
		{"a link to nothing", with(func(o *Options) { o.Dir = link }), "is a symbolic link to nothing"},
		{"no source", with(func(o *Options) { o.Replace = filepath.Join(parent, "none") }), "holds no go.mod"},
		{"another source", with(func(o *Options) { o.Replace = other }), "holds another module"},
		{"a source that is a file", with(func(o *Options) { o.Replace = file }), ""},
	}
	for _, name := range []string{"", ".", "..", "../birds", "a/b", `a\b`, "-x", "_x", ".x", "3birds", "x.", "a b", "a\x1b[2J", "ä", "con", "NUL.txt", strings.Repeat("x", 101), "fmt", "log", "main", "cmd"} {
		tests = append(tests, test{"name " + name, with(func(o *Options) { o.Name = name }), ""})
	}
	for _, module := range []string{"/", "a//b", "/a", "a/", "a/../b", "log/slog", "example.com/a b", "example.com/a\n", "example.com/con", "example.com/x/v1", tenon, tenon + "/x", strings.Repeat("x/", 300) + "x"} {
		tests = append(tests, test{"module " + module, with(func(o *Options) { o.Module = module }), "module"})
	}
	for _, test := range tests {
		p, err := Create(test.o)
		if err == nil || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 400 || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%.100s: %v, %+v", test.what, err, p)
		}
		if diff := cmp.Diff(before, names(t, parent)); diff != "" {
			t.Fatalf("%.100s left something:\n%s", test.what, diff)
		}
	}
	for _, module := range []string{"birds", "example.com/birds", "git.sr.ht/~user/birds", "example.com/birds/v2"} {
		if err := (Options{Name: "birds", Module: module}).check(); err != nil {
			t.Error(err)
		}
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// TestProgram: .gitignore names what "go build" makes.
func TestProgram(t *testing.T) {
	t.Parallel()
	for module, want := range map[string]string{"birds": "birds", "example.com/watch": "watch", "example.com/watch/v2": "watch", "v2": "v2", "example.com/v": "v", "example.com/vault": "vault"} {
		if got := (Options{Module: module}).program(); got != want {
			t.Errorf("%s makes %s, want %s", module, got, want)
		}
	}
}

// TestFollows holds what is written down here against where it comes from.
func TestFollows(t *testing.T) {
	t.Parallel()
	if mod := read(t, filepath.Join("..", "..", "go.mod")); !regexp.MustCompile(`(?m)^go ` + regexp.QuoteMeta(goVersion) + `$`).MatchString(mod) {
		t.Errorf("Tenon needs another Go than %s", goVersion)
	}
	if testing.Short() {
		return
	}
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "go", "list", "std").Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		if first, _, _ := strings.Cut(path, "/"); !slices.Contains(standard(), first) {
			t.Errorf("the standard library has %s: add it", first)
		}
	}
}
