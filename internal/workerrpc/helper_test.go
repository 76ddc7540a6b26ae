package workerrpc_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/internal/workerrpc"
	"github.com/tenon-ml/tenon/orchestrator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// runID is the run of all servers here.
const runID = "01a2138a-bfc5-7b85-be73-22d10543ca37"

// testWait is how long a test waits for what must happen.
const testWait = 20 * time.Second

// environment is that of a worker.
type environment map[string]string

func (e environment) get(name string) string { return e[name] }

// with returns the environment with one variable changed.
func (e environment) with(name, value string) environment {
	next := environment{name: value}
	for k, v := range e {
		if k != name {
			next[k] = v
		}
	}
	return next
}

// engine is a server with its host.
type engine struct {
	*host
	*workerrpc.Server
	t    testing.TB
	log  *record
	gone chan string // attempts whose stream ended
}

// record is a log that is safe to read while it is written.
type record struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

func start(t testing.TB, o workerrpc.Options) *engine {
	t.Helper()
	return startIn(t, t.TempDir(), o)
}

func startIn(t testing.TB, dir string, o workerrpc.Options) *engine {
	t.Helper()
	e := &engine{host: newHost(), t: t, log: &record{}, gone: make(chan string, 10)}
	srv, err := workerrpc.ServeWith(t.Context(), workerrpc.Config{
		Host: e.host, Run: runID, Job: testJob(), Dir: dir, Logger: slog.New(slog.NewTextHandler(e.log, nil)),
		Gone: func(attempt string) {
			select {
			case e.gone <- attempt:
			default: // nobody asks
			}
		},
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	e.Server = srv
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// env is the environment of the worker of an attempt.
func (e *engine) env(attempt string) environment {
	env := environment{orchestrator.EnvAttempt: attempt}
	for _, v := range e.Env() {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	return env
}

// offer adds an attempt that may be claimed.
func (e *engine) offer(id string) *attempt {
	return e.add(worker.Assignment{Attempt: id, Run: runID, Step: "train", Index: -1, Number: 1})
}

// connect is the worker of an attempt.
func (e *engine) connect(attempt string) *workerrpc.Conn {
	e.t.Helper()
	return workerOf(e.t, e.env(attempt))
}

func workerOf(t testing.TB, env environment) *workerrpc.Conn {
	t.Helper()
	conn, err := workerrpc.Connect(t.Context(), env.get)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// claimed is the worker of an attempt that it has claimed.
func (e *engine) claimed(id string) (*workerrpc.Conn, worker.Assignment) {
	e.t.Helper()
	e.offer(id)
	conn := e.connect(id)
	a, err := conn.Claim(e.t.Context(), id)
	if err != nil {
		e.t.Fatal(err)
	}
	return conn, a
}

// worksStill fails the test if a worker cannot do its work.
func (e *engine) worksStill(id string) {
	e.t.Helper()
	conn, _ := e.claimed(id)
	if err := conn.Finish(e.t.Context(), worker.Report{Attempt: id}); err != nil {
		e.t.Errorf("another worker: %v", err)
	}
	conn.Close()
}

func wait[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(testWait):
		t.Fatalf("waited %v for %s", testWait, what)
		panic("not reached")
	}
}

func isOpen(c <-chan struct{}) bool {
	select {
	case <-c:
		return false
	default:
		return true
	}
}

func wantCode(t testing.TB, err error, want component.Code, parts ...string) {
	t.Helper()
	if component.CodeOf(err) != want || err == nil {
		t.Errorf("error %v with code %v, want %v", err, component.CodeOf(err), want)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func testJob() workerrpc.Job {
	return workerrpc.Job{
		Pipeline: "penguins", Params: []byte{0xa0}, Graph: artifact.Digest("sha256:" + strings.Repeat("0123456789abcdef", 4)), Home: "/home/ada/.tenon", TempDir: "/tmp/x",
		Executable: workerrpc.Executable{Digest: artifact.Digest("sha256:" + strings.Repeat("fedcba9876543210", 4)), Size: 7, Modified: time.Unix(1_700_000_000, 5)},
		Stack:      []byte("name: production\n"), StackName: "production",
	}
}
