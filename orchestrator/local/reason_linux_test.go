package local_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/orchestrator/local"
)

func TestReasonOfSignal(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"echo hello; kill -SEGV $$":        "killed: signal segmentation fault: hello",
		"kill -TERM $$":                    "killed: signal terminated",
		"kill -KILL $$":                    "killed: signal killed, which was not sent by Tenon",
		"echo a; echo; kill -KILL $$":      "killed: signal killed, which was not sent by Tenon: a",
		"printf '\\033[31mred\\n'; exit 4": "exit status 4: os.Exit(4) was called: [31mred",
	} {
		if exit, _ := run(t, shell(script)); exit.Reason != want {
			t.Errorf("%s: the reason is %q, want %q", script, exit.Reason, want)
		}
	}
}

// A worker that is killed, or loses the engine, before it has claimed its attempt was about to: the attempt failed, and may be made again.
func TestReasonBeforeClaim(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"kill -KILL $$": "killed: signal killed, which was not sent by Tenon",
		// It got to RunWorker.
		"echo '" + orchestrator.WorkerFailed + " no engine answers' >&2; exit 1": "the worker cannot execute its step: no engine answers",
	} {
		a, _ := unclaimed()
		exit, err := newRunner(t, shell(script)).Run(t.Context(), a)
		if err != nil || exit.Reason != want {
			t.Errorf("%s: %+v, %v, want the reason %q", script, exit, err, want)
		}
	}
}

// The Go runtime catches a signal that means a fault, whoever sent it.
func TestReasonOfFault(t *testing.T) {
	t.Parallel()
	a, printed := claimed()
	r := newRunner(t, program("tell and sleep"))
	go func() {
		<-printed.ready
		pid, err := strconv.Atoi(strings.Fields(printed.String())[0])
		if err != nil {
			t.Error(err)
			return
		}
		_ = syscall.Kill(pid, syscall.SIGSEGV)
	}()
	exit, err := r.Run(t.Context(), a)
	if err != nil || exit.Reason != "killed: signal segmentation violation" {
		t.Errorf("Run: %+v, %v", exit, err)
	}
}

// The kernel counts whom it kills for want of memory.
func TestReasonOfKernel(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "memory.events")
	count := func(n string) {
		if err := os.WriteFile(file, []byte("low 0\nhigh 7\noom 4\noom_kill "+n+"\noom_group_kill 0\n"), 0o600); err != nil {
			t.Error(err)
		}
	}
	count("11")
	o, err := local.New(local.Config{Runner: local.RunnerProcess})
	if err != nil {
		t.Fatal(err)
	}
	r, err := local.WithOOMKills(o, file).Runner(t.Context(), orchestrator.Run{ID: "run", Program: program("tell and sleep")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(context.Background())
	for _, want := range []string{"out of memory: the kernel killed the process, as the machine or its container had no more", "killed: signal killed, which was not sent by Tenon: ready"} {
		a, printed := claimed()
		go func() {
			<-printed.ready
			count("12") // from 11 at the first time, and no change then
			pid, err := strconv.Atoi(strings.Fields(printed.String())[0])
			if err != nil {
				t.Error(err)
				return
			}
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}()
		if exit, err := r.Run(t.Context(), a); err != nil || exit.Reason != want {
			t.Errorf("Run: %+v, %v, want %q", exit, err, want)
		}
	}
}
