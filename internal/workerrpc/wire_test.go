package workerrpc_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/logs"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/internal/workerrpc"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// proxy stands between a worker and its engine, and counts what passes.
type proxy struct {
	*engine
	address string

	mu    sync.Mutex
	calls map[string]int
	// cut says how many of the first calls of a name lose their connection after the engine has answered.
	cut map[string]int
}

func (e *engine) behindProxy(cut map[string]int) *proxy {
	p := &proxy{engine: e, calls: map[string]int{}, cut: cut}
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return e.dial(), nil }}
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "engine"})
	forward.Transport, forward.FlushInterval, forward.ErrorLog = transport, -1, slog.NewLogLogger(slog.DiscardHandler, 0)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := path.Base(r.URL.Path)
		p.mu.Lock()
		p.calls[name]++
		lost := p.calls[name] <= p.cut[name]
		p.mu.Unlock()
		if lost {
			forward.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		forward.ServeHTTP(w, r)
	}))
	e.t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
		transport.CloseIdleConnections()
	})
	p.address = srv.URL
	return p
}

func (p *proxy) connect(attempt string) *workerrpc.Conn {
	p.t.Helper()
	return workerOf(p.t, p.env(attempt).with(orchestrator.EnvWorker, p.address))
}

func (p *proxy) counted() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

type addIn struct {
	A artifact.Ref[int]
	B int
}

func quiet(_ context.Context, in addIn) (artifact.Ref[int], error) {
	return artifact.New(in.A.Value() + in.B), nil
}

func talkative(ctx context.Context, in addIn) (artifact.Ref[int], error) {
	step.Logger(ctx).Info("adding")
	step.Metric(ctx, "sum", float64(in.A.Value()+in.B))
	step.Progress(ctx, 1, 1)
	return artifact.New(in.A.Value() + in.B), nil
}

// program builds a pipeline whose second step is fn.
func program(t *testing.T, fn func(context.Context, addIn) (artifact.Ref[int], error)) *graph.Program {
	t.Helper()
	p := pipeline.Define("sum", func(b *pipeline.Builder, _ struct{}) artifact.Ref[int] {
		one := pipeline.Step(b, "one", func(context.Context, struct{}) (artifact.Ref[int], error) { return artifact.New(1), nil }, struct{}{})
		return pipeline.Step(b, "add", fn, addIn{A: one, B: 2})
	})
	built, err := p.Build(p.NewParams())
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// A step costs as many round trips as it must.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fn   func(context.Context, addIn) (artifact.Ref[int], error)
		want map[string]int
	}{
		"quiet":     {quiet, map[string]int{"Claim": 1, "Finish": 1}},
		"talkative": {talkative, map[string]int{"Claim": 1, "Beat": 1, "Finish": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, err := local.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			built := program(t, c.fn)
			node := len(built.Graph.Nodes) - 1
			p := start(t, workerrpc.Options{}).behindProxy(nil)
			// The input is what a first step would have left.
			one := newHost()
			one.add(worker.Assignment{Attempt: "one", Run: runID, Step: "one", Index: -1, Number: 1, Node: 0})
			worker.Execute(t.Context(), one, built, store, worker.Options{TempDir: t.TempDir()}, "one")
			_, first := one.heard("one")

			p.add(worker.Assignment{Attempt: "a", Run: runID, Step: "add", Index: -1, Number: 1, Node: node, Inputs: first[0].Outputs})
			conn := p.connect("a")
			since := time.Now()
			if exit := worker.Execute(t.Context(), conn, built, store, worker.Options{TempDir: t.TempDir()}, "a"); exit.Reason != "" {
				t.Fatal(exit.Reason)
			}
			slow := time.Since(since) > 100*time.Millisecond // then what it says goes in more than one beat
			if diff := cmp.Diff(c.want, p.counted()); diff != "" && !slow {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			_, reports := p.heard("a")
			if len(reports) != 1 || reports[0].Failure != nil || len(reports[0].Outputs) != 1 || string(reports[0].Outputs[0].Inline) != "\x03" {
				t.Errorf("reports %+v", reports)
			}
		})
	}
}

// A report whose answer is lost is sent again; what must not be said twice is not.
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	checkpoint := inline("1")
	for name, c := range map[string]struct {
		call  string
		send  func(context.Context, *workerrpc.Conn) error
		times int // that the engine hears it
		code  component.Code
	}{
		"report": {"Finish", func(ctx context.Context, c *workerrpc.Conn) error {
			return c.Finish(ctx, worker.Report{Attempt: "a"})
		}, 2, component.Unknown},
		"checkpoint": {"Beat", func(ctx context.Context, c *workerrpc.Conn) error {
			return c.Beat(ctx, worker.Beat{Attempt: "a", Done: -1, Total: -1, Checkpoint: &checkpoint})
		}, 2, component.Unknown},
		"log lines": {"Beat", func(ctx context.Context, c *workerrpc.Conn) error {
			return c.Beat(ctx, worker.Beat{Attempt: "a", Lines: []logs.Line{{Message: "once"}}})
		}, 1, component.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, workerrpc.Options{}).behindProxy(map[string]int{c.call: 1})
			p.offer("a")
			conn := p.connect("a")
			if _, err := conn.Claim(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
			if err := c.send(t.Context(), conn); component.CodeOf(err) != c.code {
				t.Errorf("error %v", err)
			}
			beats, reports := p.heard("a")
			if len(beats)+len(reports) != c.times {
				t.Errorf("the engine heard %v and %v", beats, reports)
			}
		})
	}
	t.Run("always", func(t *testing.T) {
		t.Parallel()
		p := start(t, workerrpc.Options{}).behindProxy(map[string]int{"Finish": 1000})
		p.offer("a")
		conn, err := workerrpc.ConnectWith(t.Context(), p.env("a").with(orchestrator.EnvWorker, p.address).get, 300*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Claim(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		err = conn.Finish(t.Context(), worker.Report{Attempt: "a"})
		if !errors.Is(err, component.ErrUnavailable) || p.counted()["Finish"] < 2 {
			t.Errorf("error %v after %d tries", err, p.counted()["Finish"])
		}
	})
}
