package workers_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

type thriftyIn struct {
	Gate string // a file that the first step waits for
}

type bytesIn struct{ Bytes artifact.Ref[[]byte] }

// thrifty has two steps in processes of their own: one that says nothing, and then one that says all that a step can say.
var thrifty = pipeline.Define("thrifty", func(p *pipeline.Builder, in thriftyIn) artifact.Ref[[]byte] {
	outside := step.Config{Runner: "process"}
	ready := pipeline.Step(p, "ready", waitForGate, in)
	silent := pipeline.Step(p, "silent", silentStep, bytesIn{ready}, outside)
	return pipeline.Step(p, "talkative", talkativeStep, bytesIn{silent}, outside)
})

func waitForGate(_ context.Context, in thriftyIn) (artifact.Ref[[]byte], error) {
	for deadline := time.Now().Add(trial.Patience); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		if _, err := os.Stat(in.Gate); err == nil {
			return artifact.New(make([]byte, 3<<20)), nil
		}
	}
	return artifact.Ref[[]byte]{}, errors.New("nobody opens the gate")
}

func silentStep(_ context.Context, in bytesIn) (artifact.Ref[[]byte], error) {
	return artifact.New(append(in.Bytes.Value(), 1)), nil
}

func talkativeStep(ctx context.Context, in bytesIn) (artifact.Ref[[]byte], error) {
	for i := range 20 {
		step.Logger(ctx).Info("a line", "number", i)
		step.Metric(ctx, "number", float64(i))
		step.Progress(ctx, int64(i), 20)
	}
	return artifact.New(append(in.Bytes.Value(), 2)), nil
}

// TestRoundTrips counts what a worker asks its engine on the socket: large artifacts go straight to the store, and a step costs two requests,
// or three if it says much.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	home, gate := t.TempDir(), filepath.Join(t.TempDir(), "gate")
	client, err := tenon.Open(t.Context(), tenon.Config{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	run, err := thrifty.Run(t.Context(), client, thriftyIn{gate})
	if err != nil {
		t.Fatal(err)
	}
	w := tap(t, home)
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.close()
	requests := slices.DeleteFunc(slices.Clone(w.requests), func(call string) bool { return call == "Beat" })
	if diff := cmp.Diff([]string{"Claim", "Finish", "Claim", "Finish"}, requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if beats := len(w.requests) - len(requests); beats > 1 { // the talkative one has only just begun to talk when it ends
		t.Errorf("there were %d beats: %v", beats, w.requests)
	}
	if w.bytes > 1<<20 {
		t.Errorf("%d bytes went through the engine, of artifacts of 3 MiB", w.bytes)
	}
	t.Logf("%v, %d bytes", w.requests, w.bytes)
}

// wire is between workers and the engine, and counts.
type wire struct {
	listener net.Listener
	real     string
	all      sync.WaitGroup

	mu       sync.Mutex
	requests []string
	bytes    int64
}

// tap puts a wire in the place of the engine's socket.
func tap(t *testing.T, home string) *wire {
	t.Helper()
	var socket string
	trial.Eventually(t, "the socket for workers", func() bool {
		found, err := filepath.Glob(filepath.Join(home, "tmp", "*", "rpc*", "socket"))
		if err != nil || len(found) == 0 {
			return false
		}
		socket = found[0]
		return true
	})
	w := &wire{real: socket + "1"}
	l, err := net.Listen("unix", socket+"2")
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	w.listener = l
	// At no moment is there nothing, which the engine would repair.
	if err := errors.Join(os.Link(socket, w.real), os.Rename(socket+"2", socket)); err != nil {
		t.Fatal(err)
	}
	w.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.all.Go(func() { w.pass(t, c) })
		}
	})
	return w
}

func (w *wire) close() {
	_ = w.listener.Close()
	w.all.Wait()
}

// pass passes on what both sides of a connection say, and listens to the worker.
func (w *wire) pass(t *testing.T, worker net.Conn) {
	defer worker.Close()
	engine, err := net.Dial("unix", w.real)
	if err != nil {
		t.Error(err)
		return
	}
	defer engine.Close()
	heard, said := io.Pipe()
	var both sync.WaitGroup
	both.Go(func() {
		n, _ := io.Copy(io.MultiWriter(engine, said), worker)
		said.Close()
		engine.(*net.UnixConn).CloseWrite()
		w.add("", n)
	})
	both.Go(func() {
		n, _ := io.Copy(worker, engine)
		worker.(*net.UnixConn).CloseWrite()
		w.add("", n)
	})
	both.Go(func() {
		requests := bufio.NewReader(heard)
		for {
			r, err := http.ReadRequest(requests)
			if err != nil {
				break
			}
			w.add(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], 0)
			_, _ = io.Copy(io.Discard, r.Body)
		}
		_, _ = io.Copy(io.Discard, heard)
	})
	both.Wait()
}

func (w *wire) add(request string, n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if request != "" {
		w.requests = append(w.requests, request)
	}
	w.bytes += n
}
