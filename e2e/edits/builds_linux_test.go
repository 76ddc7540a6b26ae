package edits

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// step makes one change and says which steps must run then.
func (w workspace) step(what, file, from, to string, ran ...string) {
	w.Helper()
	old := read(w, w.path(file))
	if !strings.Contains(old, from) {
		w.Fatalf("%s: %s does not contain %q", what, file, from)
	}
	w.write(file, strings.Replace(old, from, to, 1))
	got := w.goRun(".").ran(declared)
	slices.Sort(ran)
	slices.Sort(got)
	if !slices.Equal(got, ran) {
		w.Errorf("%s: %v ran, want %v", what, got, ran)
	}
}

// warm runs the program as it is, twice.
func (w workspace) warm() {
	w.Helper()
	if r := w.goRun("."); len(r.ran(declared)) != len(declared) {
		w.Fatalf("in the first run %v ran", r.ran(declared))
	}
	if r := w.goRun("."); len(r.ran(declared)) > 0 {
		w.Fatalf("in the second run %v ran again", r.ran(declared))
	}
}

// with returns the workspace with other variables of the environment.
func (w workspace) with(env ...string) workspace {
	w.env = append(slices.Clone(w.env), env...)
	return w
}

// A workspace has a second module, which go.work names.
func TestGoWork(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	w = w.with("GOFLAGS=", "GOWORK="+w.path("go.work"))
	mod := read(t, w.path("program/go.mod"))
	w.write("program/go.mod", strings.NewReplacer("require example.com/lib v0.0.0\n", "", "replace example.com/lib => ../lib\n", "").Replace(mod))
	w.write("go.work", "go 1.26.0\n\nuse (\n\t./program\n\t./lib\n)\n")
	w.warm()
	w.step("helper", "program/features/features.go", "return x * by", "return x * by * 2", "numbers")
	w.step("comment in go.work", "go.work", "use (", "// members\nuse (")
	w.step("another module of the workspace", "lib/lib.go", "42", "43", declared...)
	if testing.Short() {
		return
	}
	w.step("version of the language in go.work", "go.work", "go 1.26.0", "go 1.26.1", declared...)
}

// Vendored modules are built from copies.
func TestVendored(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds everything that Tenon depends on; the same is done to a smaller program in internal/fingerprint")
	}
	w := newWorkspace(t).with("GOFLAGS=")
	w.command("go", "mod", "vendor")
	w.warm()
	w.step("helper", "program/features/features.go", "return x * by", "return x * by * 2", "numbers")
	w.step("vendored module", "program/vendor/example.com/versioned/versioned.go", "Version = 1", "Version = 3", declared...)
	w.step("vendored module that is replaced by a directory", "program/vendor/example.com/lib/lib.go", "42", "43", declared...)
}

// command runs a command in the program's directory.
func (w workspace) command(name string, args ...string) {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), name, args...)
	cmd.Dir, cmd.Env = w.path("program"), w.env
	if out, err := cmd.CombinedOutput(); err != nil {
		w.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// Another version of Go may compile the same code to something else.
func TestToolchain(t *testing.T) {
	t.Parallel()
	const other = "go1.26.0"
	if testing.Short() || runtime.Version() == other {
		t.Skip("builds everything with " + other)
	}
	w := newWorkspace(t)
	cmd := exec.CommandContext(t.Context(), "go", "version")
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+other)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("%s cannot be had: %v\n%s", other, err, out)
	}
	w.warm()
	w.with("GOTOOLCHAIN=" + other).warm()
}

// The linker takes a while: what is saved meanwhile is not in the program that it links.
func TestSavedDuringTheLink(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	w.warm()
	w.write("program/fresh.go", fmt.Sprintf("package main\n\nconst fresh = %d\n", time.Now().UnixNano())) // or it is not linked again
	settle()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if r, err := w.try("go", "run", "."); err != "" || len(r.ran(declared)) != len(declared) {
			t.Errorf("saved during the link: %v ran; %s", r.ran(declared), err)
		}
	}()
	w.awaitLink(done)
	w.write("program/features/features.go", strings.Replace(read(t, w.path("program/features/features.go")), "return x * by", "return x * by * 2", 1))
	<-done
	if r := w.goRun("."); !slices.Equal(r.ran(declared), []string{"numbers"}) {
		t.Errorf("after that: %v ran, want numbers", r.ran(declared))
	}
	w.step("reverted", "program/features/features.go", "return x * by * 2", "return x * by")
}

// awaitLink returns when a linker runs in the workspace's program directory.
func (w workspace) awaitLink(done <-chan struct{}) {
	w.Helper()
	for tick := time.Tick(2 * time.Millisecond); ; {
		links, err := filepath.Glob("/proc/[0-9]*/comm")
		if err != nil {
			w.Fatal(err)
		}
		for _, comm := range links {
			if name, err := os.ReadFile(comm); err != nil || string(name) != "link\n" {
				continue
			}
			env, err := os.ReadFile(filepath.Join(filepath.Dir(comm), "environ"))
			if err == nil && strings.Contains(string(env), "EDITS_HOME="+filepath.Join(w.dir, "home")) {
				return
			}
		}
		select {
		case <-done:
			w.Fatal("the program was not linked")
		case <-tick:
		}
	}
}
