//go:build linux

package fingerprint

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// workspace of modules in a temporary directory: a copy of the packages under test, and programs that use it.
type modules struct {
	*testing.T
	dir string
	env []string
}

type result struct {
	Funcs map[string]Fingerprint
	Build []string
	Parts []Part // of plain
	Error string
}

// fixture makes the module "app" in app/, whose main package prints fingerprints.
func fixture(t *testing.T) modules {
	t.Helper()
	if testing.Short() {
		t.Skip("builds programs")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if !localFileSystem(dir) {
		t.Skipf("the times of files in %s cannot be trusted, so that nothing is fingerprinted by its source", dir)
	}
	m := modules{t, dir, append(os.Environ(), "GOWORK=off", "GOPROXY=off", "GOFLAGS=-mod=mod", "GOENV=off", "GOTOOLCHAIN=local", "CGO_ENABLED=0", "FIXTURE_MEMO="+filepath.Join(dir, "memo"))}
	for _, pkg := range []string{"component", "internal/part", "internal/filememo", "internal/fingerprint", "internal/fingerprint/declgraph"} {
		files, err := filepath.Glob(filepath.Join("..", "..", pkg, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files of %s: %v", pkg, err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				m.write("tenon/"+pkg+"/"+filepath.Base(file), read(t, file))
			}
		}
	}
	sys := ""
	for line := range strings.Lines(read(t, "../../go.mod")) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "golang.org/x/sys" {
			sys = "require golang.org/x/sys " + f[1] + "\n"
		}
	}
	m.write("tenon/go.mod", "module github.com/tenon-ml/tenon\n\ngo 1.26.0\n\n"+sys)
	m.write("tenon/go.sum", read(t, "../../go.sum"))
	m.module("app")
	m.write("app/main.go", read(t, "testdata/main.go.txt"))
	return m
}

// module makes a module that may import the internal packages.
func (m modules) module(name string) {
	m.Helper()
	m.write(name+"/go.mod", "module github.com/tenon-ml/tenon/"+name+"\n\ngo 1.26.0\n\n"+
		"require github.com/tenon-ml/tenon v0.0.0\n\nreplace github.com/tenon-ml/tenon => ../tenon\n\n"+
		strings.Replace(read(m.T, filepath.Join(m.dir, "tenon/go.mod"))[len("module github.com/tenon-ml/tenon\n\ngo 1.26.0\n\n"):], "\n", " // indirect\n", 1))
	m.write(name+"/go.sum", read(m.T, "../../go.sum"))
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (m modules) path(name string) string { return filepath.Join(m.dir, filepath.FromSlash(name)) }

func (m modules) write(name, content string) {
	m.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755); err != nil {
		m.Fatal(err)
	}
	if err := os.WriteFile(m.path(name), []byte(content), 0o644); err != nil {
		m.Fatal(err)
	}
}

func (m modules) edit(name, from, to string) {
	m.Helper()
	content := read(m.T, m.path(name))
	if !strings.Contains(content, from) {
		m.Fatalf("%s does not contain %q", name, from)
	}
	m.write(name, strings.Replace(content, from, to, 1))
}

// settle waits until the clock that stamps files has gone on, as it has between an edit and the run that a person starts.
func settle() { <-time.After(grace + 2*tick) }

func (m modules) command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(m.Context(), name, args...)
	cmd.Dir, cmd.Env = m.path(dir), append(slices.Clone(m.env), "PWD="+m.path(dir))
	return cmd
}

// run runs a program that prints a result: "go run ." and the like.
func (m modules) run(dir, name string, args ...string) result {
	m.Helper()
	settle()
	return m.result(m.command(dir, name, args...))
}

func (m modules) result(cmd *exec.Cmd) result {
	m.Helper()
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		m.Fatalf("%v: %v\n%s", cmd.Args, err, errs.String())
	}
	return m.parse(out)
}

func (m modules) parse(out []byte) result {
	m.Helper()
	var r result
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "{") {
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				m.Fatal(err)
			}
		}
	}
	if len(r.Funcs) == 0 {
		m.Fatalf("no fingerprints in %.300s", out)
	}
	return r
}

// during runs a program, calls do while it runs but has computed nothing yet, and returns what it then computes.
func (m modules) during(do func(), dir, name string, args ...string) result {
	m.Helper()
	settle()
	cmd := m.command(dir, name, args...)
	cmd.Env = append(cmd.Env, "FIXTURE_WAIT=1")
	var errs strings.Builder
	cmd.Stderr = &errs
	in, err := cmd.StdinPipe()
	if err != nil {
		m.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		m.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "running\n" {
		m.Fatalf("%v says %q, %v\n%s", cmd.Args, line, err, errs.String())
	}
	settle() // or a quick build would make it a change at the start of the go command
	do()
	if _, err := io.WriteString(in, "go on\n"); err != nil {
		m.Fatal(err)
	}
	rest, err := io.ReadAll(lines)
	if err != nil {
		m.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		m.Fatalf("%v: %v\n%s", cmd.Args, err, errs.String())
	}
	return m.parse(rest)
}

func (r result) plain() Fingerprint { return r.Funcs["plain"] }

func (m modules) mode(what string, r result, want Mode) {
	m.Helper()
	if got := r.plain().Mode; got != want {
		m.Errorf("%s: the fingerprint is made from the %s, want the %s", what, got, want)
	}
}

func (m modules) same(what string, a, b result) {
	m.Helper()
	for _, name := range slices.Sorted(maps.Keys(a.Funcs)) {
		if a.Funcs[name] != b.Funcs[name] {
			m.Errorf("%s: the fingerprint of %s changed from %v to %v", what, name, a.Funcs[name], b.Funcs[name])
		}
	}
}

func (m modules) differs(what string, a, b result) {
	m.Helper()
	if a.plain().Digest == b.plain().Digest {
		m.Errorf("%s: the fingerprint stayed the same, %v", what, a.plain())
	}
}
