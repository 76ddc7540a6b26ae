package local_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/orchestrator"
)

// What left the worker's group and keeps its output open does not keep Run, and what was printed before is not lost.
func TestOutputHeldOpen(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p := shell(`setsid sh -c 'echo $$; echo >"$FIFO"; exec sleep 600' & read line <"$FIFO"; echo end`)
	p.Env = append(p.Env, "FIFO="+fifo)
	begin := time.Now()
	exit, printed := run(t, p)
	if exit.Reason != "" || time.Since(begin) > time.Minute || !strings.HasSuffix(printed, "\nend\n") {
		t.Errorf("Run: %+v after %v; it printed %q", exit, time.Since(begin), printed)
	}
	pid, err := strconv.Atoi(strings.Fields(printed)[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}

// hostCommand is a copy of this binary, to do an act.
func hostCommand(t *testing.T, act string) *exec.Cmd {
	t.Helper()
	self, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	dir := t.TempDir()
	path := filepath.Join(dir, "program")
	copied, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(copied, self); err != nil {
		t.Fatal(err)
	}
	if err := copied.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path)
	cmd.Args = []string{"program"}
	cmd.Env = append(os.Environ(), actEnv+"="+act)
	return cmd
}

// A program that was removed, or built anew, while it runs is its own worker nevertheless.
func TestProgramIsReplaced(t *testing.T) {
	t.Parallel()
	cmd := hostCommand(t, "host")
	out, err := cmd.CombinedOutput()
	want := strings.Repeat(fmt.Sprintln("the test binary as", []string{"program"}, "from", cmd.Path), 3)
	if err != nil || string(out) != want {
		t.Errorf("it ended with %v and printed\n%swant\n%s", err, out, want)
	}
}

func TestTooManyFiles(t *testing.T) {
	t.Parallel()
	out, err := hostCommand(t, "host without files").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "unavailable | start ") || !strings.HasSuffix(string(out), "too many open files\n") {
		t.Errorf("it ended with %v and printed %s", err, out)
	}
}

// Not parallel, so that the files and threads are its own.
func TestNothingLeaks(t *testing.T) { //nolint:paralleltest // see above
	ends := newRunner(t, shell(":"))
	fails := newRunner(t, orchestrator.Program{Path: "/does/not/exist"})
	forks := newRunner(t, shell("sleep 1000 & exit 1"))
	killed := newRunner(t, shell("sleep 1000 & echo ready; sleep 1000"))
	round := func(n int) {
		for i := range n {
			a, printed := claimed()
			a.ID = strconv.Itoa(i)
			ctx, cancel := context.WithCancel(t.Context())
			switch i % 10 {
			case 0:
				go func() {
					<-printed.ready
					cancel()
				}()
				_, _ = killed.Run(ctx, a)
			case 1:
				_, _ = forks.Run(ctx, a)
			case 2:
				_, _ = fails.Run(ctx, a)
			default:
				_, _ = ends.Run(ctx, a)
			}
			cancel()
		}
	}
	round(10) // what is opened once
	files, children := count(t, "/proc/self/fd"), childrenOfSelf(t)
	round(200)
	if now := count(t, "/proc/self/fd"); now > files {
		t.Errorf("%d files are open, %d before", now, files)
	}
	if now := childrenOfSelf(t); now != children {
		t.Errorf("the children are %q, before %q", now, children)
	}
}

func count(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// childrenOfSelf are the processes, zombies included, whose parent is this one.
func childrenOfSelf(t *testing.T) string {
	t.Helper()
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		all.Write(text)
	}
	return all.String()
}

// While the host is suspended no worker can claim its attempt.
func TestHostIsSuspended(t *testing.T) {
	t.Parallel()
	cmd := hostCommand(t, "patient host")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(out)
	if line, err := said.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the host's worker says %q, %v", line, err)
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(patientHost * 3 / 2)
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(said)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || string(rest) != "claimed\n<nil>\n" {
		t.Errorf("the host ended with %v and said %q", err, rest)
	}
}
