package workerrpc_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/internal/workerrpc"
	"github.com/tenon-ml/tenon/orchestrator"
)

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
