package workerrpc_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
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

// The engine notices the end of a worker, whether it has finished or not, and whether it was asked to stop.
func TestGone(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(*testing.T, *engine, *workerrpc.Conn, worker.Assignment){
		"at work": func(*testing.T, *engine, *workerrpc.Conn, worker.Assignment) {},
		"finished": func(t *testing.T, _ *engine, c *workerrpc.Conn, _ worker.Assignment) {
			if err := c.Finish(t.Context(), worker.Report{Attempt: "a"}); err != nil {
				t.Error(err)
			}
		},
		"stopped": func(t *testing.T, e *engine, _ *workerrpc.Conn, a worker.Assignment) {
			close(e.attempt("a").stop)
			wait(t, a.Stop, "the request to stop")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := start(t, workerrpc.Options{Body: time.Second})
			conn, a := e.claimed("a")
			before(t, e, conn, a)
			select {
			case <-e.gone:
				t.Error("gone while it is there")
			default:
			}
			conn.Close()
			wait(t, e.gone, "the engine to notice")
		})
	}
}

// A stream outlives the time that a message may take.
func TestStreamsLastLong(t *testing.T) {
	t.Parallel()
	const body = 50 * time.Millisecond
	e := start(t, workerrpc.Options{Body: body, Header: body})
	conn, a := e.claimed("a")
	select {
	case <-e.gone:
		t.Fatal("the engine ended the stream")
	case <-conn.Lost():
		t.Fatal("the worker lost its stream")
	case <-time.After(4 * body):
	}
	close(e.attempt("a").stop)
	wait(t, a.Stop, "the request to stop, later than a message may take")
	if err := conn.Finish(t.Context(), worker.Report{Attempt: "a"}); err != nil {
		t.Error(err)
	}
	select {
	case <-time.After(4 * body): // the second connection is idle
	case <-e.gone:
		t.Fatal("the engine ended the stream")
	}
	if err := conn.Beat(t.Context(), worker.Beat{Attempt: "a"}); err != nil {
		t.Errorf("over a connection that was idle for long: %v", err)
	}
}

// Close answers what has arrived.
func TestCloseWaitsForCalls(t *testing.T) {
	t.Parallel()
	e := start(t, workerrpc.Options{})
	conn, _ := e.claimed("a")
	e.block()
	finished, closed := make(chan error, 1), make(chan error, 1)
	go func() { finished <- conn.Finish(t.Context(), worker.Report{Attempt: "a"}) }()
	wait(t, e.blocked, "the report")
	go func() { closed <- e.Close() }()
	select {
	case err := <-closed:
		t.Errorf("closed with %v while a report waits for its answer", err)
	case <-time.After(50 * time.Millisecond):
	}
	e.unblock()
	if err := wait(t, finished, "the answer"); err != nil {
		t.Error(err)
	}
	if err := wait(t, closed, "the end"); err != nil {
		t.Error(err)
	}
}

func TestPanicsOfTheHost(t *testing.T) {
	t.Parallel()
	e := start(t, workerrpc.Options{})
	conn, _ := e.claimed("a")
	e.mu.Lock()
	e.panics = true
	e.mu.Unlock()
	_, err := conn.Claim(t.Context(), "b")
	for _, err := range []error{err, conn.Beat(t.Context(), worker.Beat{Attempt: "a"}), conn.Finish(t.Context(), worker.Report{Attempt: "a"})} {
		wantCode(t, err, component.Unknown, "the engine panicked: the host is broken")
	}
	if !strings.Contains(e.log.String(), "host_test.go") {
		t.Errorf("the log does not show where:\n%s", e.log)
	}
	e.mu.Lock()
	e.panics = false
	e.mu.Unlock()
	e.worksStill("c")
	if !isOpen(conn.Lost()) {
		t.Error("the panic cost the worker its engine")
	}
}

// Only their owner can reach socket and token.
func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("permissions there are those of the directory")
	}
	e := start(t, workerrpc.Options{})
	env := e.env("a")
	socket := strings.TrimPrefix(env[orchestrator.EnvWorker], "unix://")
	for path, want := range map[string]fs.FileMode{
		socket: 0o600, env[orchestrator.EnvToken]: 0o600,
		filepath.Dir(socket): 0o700, filepath.Dir(env[orchestrator.EnvToken]): 0o700,
	} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	token, err := os.ReadFile(env[orchestrator.EnvToken])
	if err != nil || len(strings.TrimSpace(string(token))) != 64 {
		t.Errorf("token %q, %v", token, err)
	}
	if strings.Contains(strings.Join(e.Env(), "\n"), strings.TrimSpace(string(token))) {
		t.Error("the token is in the environment")
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]workerrpc.Options{"unix": {}, "loopback": {Loopback: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			e := startIn(t, dir, o)
			env := e.env("a")
			for range 2 {
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
			if socket, ok := strings.CutPrefix(env[orchestrator.EnvWorker], "unix://"); ok {
				if _, err := os.Stat(filepath.Dir(socket)); err == nil {
					t.Errorf("%s is left behind", filepath.Dir(socket))
				}
			}
		})
	}
}

// The path of a socket is limited by the system.
func TestLongPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 40))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	e := startIn(t, dir, workerrpc.Options{})
	if address := e.env("a")[orchestrator.EnvWorker]; !strings.HasPrefix(address, "unix://") || len(address) > 110 {
		t.Errorf("address %s", address)
	}
	e.worksStill("a")
}

func TestServeWithoutDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "missing")
	_, err := workerrpc.Serve(t.Context(), workerrpc.Config{Host: newHost(), Run: runID, Dir: dir})
	wantCode(t, err, component.Unavailable, "serve the workers of run "+runID, dir)
}

// A worker that is started later finds the engine at the address that was told before, also if somebody deleted the socket, the token, or both.
func TestSocketIsDeleted(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(env environment) error{
		"socket": func(env environment) error {
			return os.Remove(strings.TrimPrefix(env[orchestrator.EnvWorker], "unix://"))
		},
		"token":     func(env environment) error { return os.Remove(env[orchestrator.EnvToken]) },
		"directory": func(env environment) error { return os.RemoveAll(filepath.Dir(env[orchestrator.EnvToken])) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := start(t, workerrpc.Options{Watch: 10 * time.Millisecond})
			before, _ := e.claimed("before")
			env := e.env("")
			if err := remove(env); err != nil {
				t.Fatal(err)
			}
			e.offer("after")
			after := workerOf(t, env.with(orchestrator.EnvAttempt, "after"))
			if _, err := after.Claim(t.Context(), "after"); err != nil {
				t.Fatalf("a worker that started later: %v", err)
			}
			for id, conn := range map[string]*workerrpc.Conn{"before": before, "after": after} {
				if !isOpen(conn.Lost()) {
					t.Errorf("the worker of attempt %s lost the engine", id)
				}
				if err := conn.Finish(t.Context(), worker.Report{Attempt: id}); err != nil {
					t.Errorf("attempt %s: %v", id, err)
				}
			}
		})
	}
}

// If the state directory was moved away, the server does not make another in its place. Who asks again is led elsewhere, and connections that
// are open go on.
func TestDirectoryIsMoved(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	e := startIn(t, home, workerrpc.Options{Watch: time.Millisecond})
	spoken, _ := e.claimed("spoken")
	if err := spoken.Beat(t.Context(), worker.Beat{Attempt: "spoken"}); err != nil {
		t.Fatal(err)
	}
	old := e.env("")
	e.offer("silent")
	silent, err := workerrpc.ConnectWith(t.Context(), old.with(orchestrator.EnvAttempt, "silent").get, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if _, err := silent.Claim(t.Context(), "silent"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(home, home+"-moved"); err != nil {
		t.Fatal(err)
	}
	e.worksStill("after")
	if _, err := os.Stat(home); err == nil {
		t.Error("the directory was made again")
	}
	if now := e.env(""); now[orchestrator.EnvToken] == old[orchestrator.EnvToken] {
		t.Errorf("environment %v", now)
	}
	if err := spoken.Finish(t.Context(), worker.Report{Attempt: "spoken"}); err != nil {
		t.Errorf("over a connection that is open: %v", err)
	}
	wantCode(t, silent.Finish(t.Context(), worker.Report{Attempt: "silent"}), component.Unavailable, "no engine answers: dial unix "+home)
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
