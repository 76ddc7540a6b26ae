package workerrpc_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/internal/workerrpc"
)

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
