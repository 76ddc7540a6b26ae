//go:build unix

package command_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/command"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
	"github.com/tenon-ml/tenon/step"
)

// shell is a command of a shell script, whose arguments are $1, $2 and so on.
func shell(script string, args ...string) command.Spec {
	return command.Spec{Args: append([]string{"sh", "-c", script, "sh"}, args...)}
}

// fifo makes a named pipe. What a program writes to it is a signal to the test.
func fifo(t *testing.T) (path string, read func() string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip("no named pipes here: ", err)
	}
	return path, func() string {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		line := make([]byte, 100)
		n, err := f.Read(line)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(line[:n]))
	}
}

// gone reports whether there is no process of that number, or only a zombie that waits for its parent.
func gone(t *testing.T, pid string) bool {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	if errors.Is(syscall.Kill(n, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// awaitGone waits for the end of a process that was killed: the kernel takes a moment.
func awaitGone(t *testing.T, pid string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !gone(t, pid); {
		if time.Now().After(deadline) {
			t.Fatalf("process %s lives", pid)
		}
		<-time.After(time.Millisecond)
	}
}

// When the run is cancelled the program is asked to end, with its children, and may tidy up.
func TestCancel(t *testing.T) {
	t.Parallel()
	path, read := fifo(t)
	tidied := filepath.Join(t.TempDir(), "tidied")
	spec := shell(`trap 'echo tidied > "$2"; exit 0' TERM; sleep 1000 & echo $! > "$1"; wait`, path, tidied)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := command.Run[struct{}](ctx, command.With(spec, struct{}{}))
		done <- err
	}()
	child := read()
	cancel()
	if err := <-done; err != nil { // it ended well, and what it had to write is there
		t.Errorf("the error is %v", err)
	}
	if _, err := os.Stat(tidied); err != nil {
		t.Errorf("the program could not tidy up: %v", err)
	}
	awaitGone(t, child)
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	_, err := pipelinetest.Try(t, simple(shell("echo begun; sleep 1000"), step.Config{Timeout: 100 * time.Millisecond}), struct{}{})
	if !errors.Is(err, component.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "timed out after 100ms: sh was stopped (signal: terminated)") {
		t.Errorf("the error is %v", err)
	}
}

// A context that has ended starts nothing.
func TestEndedContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file := filepath.Join(t.TempDir(), "file")
	if _, err := command.Run[struct{}](ctx, command.With(shell(`touch "$1"`, file), struct{}{})); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the program ran")
	}
}

// What a program leaves running ends with it, and does not hold up the step.
func TestNothingStays(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"background":         `sleep 1000 & echo $! > "$1"`,
		"deaf":               `(trap '' TERM HUP INT; while :; do sleep 1; done) & echo $! > "$1"`,
		"grandchild":         `sh -c 'sleep 1000 & echo $! > "$1"; sleep 1000' sh "$1" & wait %1 2>/dev/null & while ! [ -s "$1" ]; do sleep 0.01; done`,
		"closed its streams": `sleep 1000 >/dev/null 2>&1 & echo $! > "$1"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := command.Run[artifact.Ref[string]](t.Context(), command.With(shell(script, "{out}"), struct{}{}))
			if err != nil {
				t.Fatal(err)
			}
			awaitGone(t, strings.TrimSpace(got.Value()))
		})
	}
}

// What a program has sent away on purpose holds its output open: the step does not wait for it.
func TestSentAway(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip(err)
	}
	path, read := fifo(t)
	const away = `setsid sh -c 'echo $$ > "$1"; exec sleep 1000' sh "$1" & `
	spec := shell(away+`while ! [ -e "$1.go" ]; do sleep 0.01; done; echo done > "$2"`, path, "{out}")
	done := make(chan error, 1)
	go func() {
		_, err := command.Run[artifact.Ref[string]](t.Context(), command.With(spec, struct{}{}))
		done <- err
	}()
	pid := read()
	t.Cleanup(func() {
		n, _ := strconv.Atoi(pid)
		_ = syscall.Kill(n, syscall.SIGKILL)
	})
	if err := os.WriteFile(path+".go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if gone(t, pid) {
		t.Errorf("process %s was ended", pid)
	}
}

// A program that is killed says so.
func TestKilled(t *testing.T) {
	t.Parallel()
	_, err := command.Run[struct{}](t.Context(), command.With(shell("echo last words >&2; kill -KILL $$"), struct{}{}))
	if err == nil || err.Error() != "sh failed (signal: killed); the last it printed:\n    last words" || step.IsPermanent(err) {
		t.Errorf("the error is %v", err)
	}
	_, err = command.Run[struct{}](t.Context(), command.With(shell("exit 1"), struct{}{}))
	if err == nil || err.Error() != "sh failed (exit status 1), and printed nothing" {
		t.Errorf("the error is %v", err)
	}
	_, err = command.Run[struct{}](t.Context(), command.With(shell("echo on stdout; exit 2"), struct{}{}))
	if err == nil || err.Error() != "sh failed (exit status 2); the last it printed:\n    on stdout" {
		t.Errorf("the error is %v", err)
	}
}

// Files are in the working directory, executable; what the program changes there is its own.
func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/lib")); err != nil {
		t.Fatal(err)
	}
	linked := filepath.Join(t.TempDir(), "c.txt")
	if err := errors.Join(os.WriteFile(linked, []byte("c\n"), 0o600), os.Symlink(linked, filepath.Join(dir, "link.txt"))); err != nil {
		t.Fatal(err)
	}
	spec := command.Spec{
		Args: []string{"./bin/main.sh", "{out.Text}", "{out.Dir}"},
		Files: map[string]artifact.Source{
			"bin/main.sh": artifact.FromBytes("main.sh", []byte("#!/bin/sh\nset -e\necho >> lib/a.txt\ncat lib/a.txt lib/sub/b.txt lib/link.txt > \"$1\"\npwd > \"$2/pwd\"\nls \"$TMPDIR\" > \"$2/tmp\"\n")),
			"lib":         artifact.From(dir),
		},
	}
	type out struct {
		Text artifact.Ref[string]
		Dir  artifact.Ref[artifact.Dir]
	}
	got, err := command.Run[out](t.Context(), command.With(spec, struct{}{}))
	if err != nil {
		t.Fatal(err)
	}
	if got.Text.Value() != "a\n\nb\nc\n" {
		t.Errorf("it is %q", got.Text.Value())
	}
	if text, err := os.ReadFile(filepath.Join(dir, "a.txt")); string(text) != "a\n" {
		t.Errorf("the source is now %q, %v", text, err)
	}
	pwd, _ := os.ReadFile(filepath.Join(string(got.Dir.Value()), "pwd"))
	tmp, err := os.ReadFile(filepath.Join(string(got.Dir.Value()), "tmp"))
	if len(tmp) > 0 || err != nil || filepath.Base(strings.TrimSpace(string(pwd))) != "work" {
		t.Errorf("it ran in %s with %q in TMPDIR, %v", pwd, tmp, err)
	}
}

func TestStandardStreams(t *testing.T) {
	t.Parallel()
	type in struct{ Text artifact.Ref[string] }
	spec := deed("upper")
	spec.Stdin, spec.Stdout = "{Text}", "{out}"
	got, err := command.Run[artifact.Ref[string]](t.Context(), command.With(spec, in{artifact.New("::tenon text\n")}))
	if err != nil || got.Value() != "::TENON TEXT\n" {
		t.Errorf("it is %q, %v", got.Value(), err)
	}
	// Without Stdin there is nothing to read, and nobody to wait for.
	none, err := command.Run[artifact.Ref[string]](t.Context(), command.With(shell(`cat > "$1"`, "{out}"), struct{}{}))
	if err != nil || none.Value() != "" {
		t.Errorf("it is %q, %v", none.Value(), err)
	}
}

// Outside a run the files of outputs live until the context ends.
func TestOutsideARun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	got, err := command.Run[artifact.Ref[artifact.File]](ctx, command.With(shell(`echo x > "$1"`, "{out}"), struct{}{}))
	if err != nil {
		t.Fatal(err)
	}
	path := string(got.Value())
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	removed := make(chan struct{})
	cancel()
	context.AfterFunc(ctx, func() { close(removed) }) // called after the functions that were there before, in goroutines of their own
	<-removed
	for range 1000 {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return
		}
		<-time.After(time.Millisecond)
	}
	t.Errorf("%s is still there", path)
}
