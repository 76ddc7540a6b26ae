package orchestratortest

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/tenon-ml/tenon/orchestrator"
)

// engine stands in for the engine: workers connect to it, and the executor of their run decides what they do.
type engine struct {
	s        *suite
	listener net.Listener
	address  string // as in orchestrator.EnvWorker

	mu       sync.Mutex
	tasks    map[string]*task // by attempt
	conns    map[net.Conn]struct{}
	handlers sync.WaitGroup
	served   chan struct{} // closed when no connection is accepted any more
}

// task is an attempt that is outside.
type task struct {
	attempt orchestrator.Attempt
	inside  orchestrator.Executor
	claimed chan struct{}
	gone    chan struct{} // closed when the worker's connection has ended, and with it the worker
	child   chan (<-chan struct{})

	once sync.Once // it is claimed
}

// serve starts an engine, which ends with the test.
func serve(s *suite) *engine {
	network, address := "tcp", "127.0.0.1:0"
	if runtime.GOOS != "windows" {
		dir, err := os.MkdirTemp("", "suite") // the path of a socket must be short
		if err != nil {
			s.Fatal(err)
		}
		s.Cleanup(func() { os.RemoveAll(dir) })
		network, address = "unix", filepath.Join(dir, "socket")
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		s.Fatal(err)
	}
	e := &engine{
		s: s, listener: listener, address: "http://" + listener.Addr().String(),
		tasks: map[string]*task{}, conns: map[net.Conn]struct{}{}, served: make(chan struct{}),
	}
	if network == "unix" {
		e.address = "unix://" + address
	}
	go e.accept()
	s.Cleanup(e.close)
	return e
}

func (e *engine) close() {
	e.listener.Close()
	<-e.served
	e.mu.Lock()
	for conn := range e.conns {
		conn.Close()
	}
	e.mu.Unlock()
	e.handlers.Wait()
}

func (e *engine) accept() {
	defer close(e.served)
	for {
		conn, err := e.listener.Accept()
		if err != nil {
			return
		}
		e.mu.Lock()
		e.conns[conn] = struct{}{}
		e.mu.Unlock()
		e.handlers.Go(func() {
			defer conn.Close()
			e.handle(conn)
		})
	}
}

// add makes an attempt known, and returns it with the news of its claim.
func (e *engine) add(a orchestrator.Attempt, inside orchestrator.Executor) orchestrator.Attempt {
	t := &task{attempt: a, inside: inside, claimed: make(chan struct{}), gone: make(chan struct{}), child: make(chan (<-chan struct{}), 1)}
	a.Claimed = t.claimed
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tasks[a.ID] = t
	return a
}

func (e *engine) task(id string) *task {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.tasks[id]
}

// handle serves a worker, or a child of one, until its end.
func (e *engine) handle(conn net.Conn) {
	in := json.NewDecoder(conn)
	var h hello
	if err := in.Decode(&h); err != nil {
		return // it was killed before it said anything
	}
	t := e.task(h.Attempt)
	switch {
	case t == nil:
		e.s.Errorf("a worker came for attempt %q, which is not known", h.Attempt)
	case h.Child:
		gone := make(chan struct{})
		defer close(gone)
		t.child <- gone
		_ = in.Decode(&h) // ends with the child
	case t.claim():
		e.guide(t, &remote{hello: h, task: t, out: json.NewEncoder(conn), replies: make(chan struct{}, 1)}, in)
	default:
		e.s.Errorf("attempt %s was claimed twice", h.Attempt)
	}
}

// claim reports whether it is the first.
func (t *task) claim() bool {
	first := false
	t.once.Do(func() {
		first = true
		close(t.claimed)
	})
	return first
}

// guide lets the executor decide what the worker does. Its context ends with the worker.
func (e *engine) guide(t *task, r *remote, in *json.Decoder) {
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), remoteKey{}, r))
	defer cancel()
	e.handlers.Go(func() {
		defer close(t.gone)
		defer cancel()
		for {
			var done struct{}
			if err := in.Decode(&done); err != nil {
				return
			}
			r.replies <- done
		}
	})
	exit := t.inside(ctx, t.attempt)
	last := order{Do: doExit}
	if exit.Reason != "" {
		last.Code, last.Say = 1, exit.Reason
	}
	_ = r.out.Encode(last) // it may have ended
	<-t.gone
}

// remote is a worker, as its executor sees it.
type remote struct {
	hello
	task    *task
	out     *json.Encoder
	replies chan struct{}
}

type remoteKey struct{}

// remoteOf returns the worker of an executor's context.
func remoteOf(ctx context.Context) *remote { return ctx.Value(remoteKey{}).(*remote) }

// do lets the worker do something, and returns when it has, or when it ended.
func (r *remote) do(o order) {
	_ = r.out.Encode(o)
	select {
	case <-r.replies:
	case <-r.task.gone:
	}
}

// dial connects to the engine with the given address.
func dial(address string) (net.Conn, error) {
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		return net.Dial("unix", path)
	}
	return net.Dial("tcp", strings.TrimPrefix(address, "http://"))
}
