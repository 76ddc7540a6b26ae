package workerrpc_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/internal/workerrpc"
	"github.com/tenon-ml/tenon/orchestrator"
)

func TestJobComesWithTheAssignment(t *testing.T) {
	t.Parallel()
	e := start(t, workerrpc.Options{})
	conn, _ := e.claimed("a")
	if diff := cmp.Diff(testJob(), conn.Job()); diff != "" {
		t.Errorf("job (-want +got):\n%s", diff)
	}
	if conn.Attempt() != "a" {
		t.Errorf("attempt %q", conn.Attempt())
	}
}

// A worker whose engine is gone learns it at once; one that has finished is not concerned.
func TestLost(t *testing.T) {
	t.Parallel()
	e := start(t, workerrpc.Options{})
	running, _ := e.claimed("running")
	finished, _ := e.claimed("finished")
	if err := finished.Finish(t.Context(), worker.Report{Attempt: "finished"}); err != nil {
		t.Fatal(err)
	}
	if !isOpen(running.Lost()) {
		t.Error("lost while the engine is there")
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	wait(t, running.Lost(), "the worker to learn that the engine is gone")
	wantCode(t, running.Finish(t.Context(), worker.Report{Attempt: "running"}), component.Unavailable)
	finished.Close()
	if !isOpen(finished.Lost()) {
		t.Error("a worker that has finished is told that it was lost")
	}
}

func TestConnThatIsClosedIsNotLost(t *testing.T) {
	t.Parallel()
	e := start(t, workerrpc.Options{})
	conn, _ := e.claimed("a")
	conn.Close()
	conn.Close()
	if !isOpen(conn.Lost()) {
		t.Error("closing is told as the loss of the engine")
	}
	if attempt := wait(t, e.gone, "the engine to notice"); attempt != "a" {
		t.Errorf("attempt %q is gone", attempt)
	}
}

func TestConnectWithoutEnvironment(t *testing.T) {
	t.Parallel()
	e := start(t, workerrpc.Options{})
	good := e.env("a")
	empty := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(empty, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	huge := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(huge, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env  environment
		want string
		code component.Code
	}{
		"no address":       {good.with(orchestrator.EnvWorker, ""), "TENON_WORKER: \"\" is no address", component.Invalid},
		"other address":    {good.with(orchestrator.EnvWorker, "ftp://x"), "TENON_WORKER: \"ftp://x\" is no address", component.Invalid},
		"no run":           {good.with(orchestrator.EnvRun, ""), "TENON_WORKER_RUN is not set", component.Invalid},
		"no attempt":       {good.with(orchestrator.EnvAttempt, ""), "TENON_WORKER_ATTEMPT is not set", component.Invalid},
		"no token":         {good.with(orchestrator.EnvToken, ""), "TENON_WORKER_TOKEN: it is not set", component.Invalid},
		"empty token":      {good.with(orchestrator.EnvToken, empty), "holds no token", component.Invalid},
		"huge token":       {good.with(orchestrator.EnvToken, huge), "holds no token", component.Invalid},
		"token is missing": {good.with(orchestrator.EnvToken, empty+"-missing"), "TENON_WORKER_TOKEN: open ", component.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := workerrpc.ConnectWith(t.Context(), c.env.get, 50*time.Millisecond)
			wantCode(t, err, c.code, c.want)
		})
	}
}

// A worker does not wait forever for an engine that is not there, or does not answer.
func TestNoHandshake(t *testing.T) {
	t.Parallel()
	e := start(t, workerrpc.Options{})
	e.offer("a")
	nobody := filepath.Join(t.TempDir(), "nobody")
	for name, c := range map[string]struct {
		env  environment
		want string
		code component.Code
	}{
		"no engine":  {e.env("a").with(orchestrator.EnvWorker, "unix://"+nobody), "dial unix " + nobody, component.Unavailable},
		"no port":    {e.env("a").with(orchestrator.EnvWorker, "http://127.0.0.1:1"), "127.0.0.1:1", component.Unavailable},
		"it is busy": {e.env("a"), "the engine did not answer within 200ms", component.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "it is busy" {
				e.block()
				defer e.unblock()
			}
			conn, err := workerrpc.ConnectWith(t.Context(), c.env.get, 200*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, err = conn.Claim(t.Context(), "a")
			wantCode(t, err, c.code, c.want)
			if !isOpen(conn.Lost()) {
				t.Error("nothing was claimed, and yet lost")
			}
		})
	}
}

// Who gives up a claim is not left with a stream.
func TestClaimIsGivenUp(t *testing.T) {
	t.Parallel()
	e := start(t, workerrpc.Options{})
	e.offer("a")
	conn := e.connect("a")
	e.block()
	defer e.unblock()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := conn.Claim(ctx, "a")
		done <- err
	}()
	wait(t, e.blocked, "the claim")
	cancel()
	wantCode(t, wait(t, done, "the end of the claim"), component.Canceled)
}

// All that a worker says after its claim goes over one connection, whatever the answers.
func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	e := start(t, workerrpc.Options{})
	conn, _ := e.claimed("a")
	for range 5 {
		if err := conn.Beat(t.Context(), worker.Beat{Attempt: "a"}); err != nil {
			t.Error(err)
		}
		wantCode(t, conn.Beat(t.Context(), worker.Beat{Attempt: "nobody"}), component.FailedPrecondition)
	}
	if err := conn.Finish(t.Context(), worker.Report{Attempt: "a"}); err != nil {
		t.Error(err)
	}
	if n := workerrpc.Connections(e.Server); n != 2 {
		t.Errorf("%d connections", n)
	}
}
