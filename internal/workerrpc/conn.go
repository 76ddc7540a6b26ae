package workerrpc

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/orchestrator"
	workerv1 "github.com/tenon-ml/tenon/proto/tenon/worker/v1"
)

// handshakeTimeout is how long a worker looks for the engine, and waits for its assignment.
const handshakeTimeout = 10 * time.Second

// Conn is a worker's connection to what started it. All methods are safe for concurrent use.
type Conn struct {
	run, attempt string
	patience     time.Duration // with which it waits for the engine
	client       workerv1.WorkerServiceClient
	transport    *transport

	// over ends the streams.
	over    context.Context //nolint:containedctx // it is the connection's life
	end     context.CancelFunc
	streams sync.WaitGroup
	lost    chan struct{}
	lose    func()

	mu       sync.Mutex // guards what follows
	job      Job
	finished map[string]bool // attempts whose report was taken
}

var _ worker.Host = (*Conn)(nil)

// Connect prepares the connection that the environment of a worker leads to. Nothing is sent before Claim. The context is that of
// Connect alone; Close ends the connection. The error's code is Invalid if the environment is not that of a worker.
func Connect(ctx context.Context, getenv func(string) string) (*Conn, error) {
	return connectTo(ctx, getenv, handshakeTimeout)
}

func connectTo(ctx context.Context, getenv func(string) string, patience time.Duration) (*Conn, error) {
	c := &Conn{run: getenv(orchestrator.EnvRun), attempt: getenv(orchestrator.EnvAttempt), lost: make(chan struct{}), patience: patience, finished: map[string]bool{}}
	network, target, err := dialTarget(getenv(orchestrator.EnvWorker))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", orchestrator.EnvWorker, err)
	}
	for name, value := range map[string]string{orchestrator.EnvRun: c.run, orchestrator.EnvAttempt: c.attempt} {
		if value == "" {
			return nil, component.Errorf(component.Invalid, "%s is not set: an engine sets it for the workers that it starts", name)
		}
	}
	token, err := readToken(ctx, getenv(orchestrator.EnvToken), patience)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", orchestrator.EnvToken, err)
	}
	c.lose = sync.OnceFunc(func() { close(c.lost) })
	c.over, c.end = context.WithCancel(context.WithoutCancel(ctx))
	c.transport = &transport{network: network, address: target, token: token}
	c.client = workerv1.NewWorkerServiceClient(c.transport, "http://engine",
		connect.WithReadMaxBytes(answerLimit),
		connect.WithSendMaxBytes(requestLimit),
		connect.WithAcceptCompression("gzip", nil, nil),
	)
	return c, nil
}

// Attempt returns the ID of the attempt that the worker was started for.
func (c *Conn) Attempt() string { return c.attempt }

// Job returns what came with the assignment, after Claim.
func (c *Conn) Job() Job {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.job
}

// Lost is closed when the engine is gone before it has taken the report of an attempt that was claimed. Nothing that the worker does then
// counts.
func (c *Conn) Lost() <-chan struct{} { return c.lost }

// Claim implements [worker.Host]. Ctx bounds the claim, not the attempt. The assignment's Stop is closed when the engine asks the attempt to
// stop. The error's code is DeadlineExceeded if no assignment arrives within ten seconds.
func (c *Conn) Claim(ctx context.Context, attempt string) (worker.Assignment, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.patience, component.Errorf(component.DeadlineExceeded, "the engine did not answer within %v", c.patience))
	defer cancel()
	life, end := context.WithCancelCause(c.over)
	forget := context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
	var stream *connect.ServerStreamForClient[workerv1.ClaimResponse]
	var claimed *workerv1.Claimed
	err := patiently(life, c.patience, nil, func() (again bool, err error) {
		stream, claimed, err = c.open(life, attempt)
		return transient(err), err // at worst the attempt was claimed, and the engine says so
	})
	if !forget() && err == nil {
		err = context.Cause(ctx)
		_ = stream.Close()
	}
	if err != nil {
		if !transient(err) {
			err = cmp.Or(context.Cause(life), err)
		}
		err = fromWire(err)
		end(nil)
		return worker.Assignment{}, err
	}
	a, err := c.take(claimed)
	if err != nil {
		end(nil)
		_ = stream.Close()
		return worker.Assignment{}, err
	}
	stop := make(chan struct{})
	a.Stop = stop
	c.streams.Go(func() {
		defer end(nil)
		c.follow(stream, attempt, sync.OnceFunc(func() { close(stop) }))
	})
	return a, nil
}

// open opens the stream of an attempt and waits for its first message.
func (c *Conn) open(ctx context.Context, attempt string) (*connect.ServerStreamForClient[workerv1.ClaimResponse], *workerv1.Claimed, error) {
	stream, err := c.client.Claim(ctx, &workerv1.ClaimRequest{Protocol: protocol, OldestProtocol: oldestProtocol, Run: c.run, Attempt: attempt})
	if err != nil {
		return nil, nil, err
	}
	if stream.Receive() && stream.Msg().GetClaimed() != nil {
		return stream, stream.Msg().GetClaimed(), nil
	}
	err = cmp.Or(stream.Err(), component.Errorf(component.Unavailable, "the engine ended the claim without an assignment"))
	_ = stream.Close()
	return nil, nil, err
}

// take checks and keeps what was claimed.
func (c *Conn) take(claimed *workerv1.Claimed) (worker.Assignment, error) {
	if p := claimed.GetProtocol(); p < oldestProtocol || p > protocol {
		return worker.Assignment{}, component.Errorf(component.FailedPrecondition,
			"the engine answers in the worker protocol %s.%d, the worker speaks %s.%d: build both with the same version of Tenon", major, p, major, protocol)
	}
	a, err := assignmentFrom(claimed.GetAssignment())
	if err != nil {
		return a, fmt.Errorf("assignment: %w", err)
	}
	job, err := jobFrom(claimed.GetJob())
	if err != nil {
		return a, fmt.Errorf("assignment: %w", err)
	}
	c.mu.Lock()
	c.job = job
	c.mu.Unlock()
	return a, nil
}

// follow reads what comes after the assignment. The end of the stream is the end of the engine.
func (c *Conn) follow(stream *connect.ServerStreamForClient[workerv1.ClaimResponse], attempt string, stop func()) {
	for stream.Receive() {
		if stream.Msg().GetStop() != nil {
			stop()
		}
	}
	_ = stream.Close()
	c.mu.Lock()
	finished := c.finished[attempt]
	c.mu.Unlock()
	if !finished && c.over.Err() == nil {
		c.lose()
	}
}

// Beat implements [worker.Host].
func (c *Conn) Beat(ctx context.Context, b worker.Beat) error {
	req, err := beatTo(c.run, b)
	if err != nil {
		return err
	}
	said := len(b.Lines) > 0 || len(b.Metrics) > 0 // which a second time would say it twice
	return c.call(ctx, !said, func() error {
		_, err := c.client.Beat(ctx, req)
		return err
	})
}

// Finish implements [worker.Host].
func (c *Conn) Finish(ctx context.Context, r worker.Report) error {
	req, err := reportTo(c.run, r)
	if err != nil {
		return err
	}
	err = c.call(ctx, true, func() error {
		_, err := c.client.Finish(ctx, req)
		return err
	})
	if err == nil {
		c.mu.Lock()
		c.finished[r.Attempt] = true
		c.mu.Unlock()
	}
	return err
}

// call calls send, again if the connection failed before there was an answer, as long as the engine is not known to be gone. What is not
// idempotent is sent again only if it was not sent at all.
func (c *Conn) call(ctx context.Context, idempotent bool, send func() error) error {
	err := patiently(ctx, c.patience, c.lost, func() (again bool, err error) {
		err = send()
		return transient(err) && (idempotent || unsent(err)), err
	})
	return fromWire(err)
}

// Close ends the connection; the engine notices. A second call does nothing.
func (c *Conn) Close() error {
	c.end()
	c.streams.Wait()
	c.transport.close()
	return nil
}

// tokenLimit bounds the file of a token in bytes.
const tokenLimit = 1 << 10

// readToken reads the token, which may come back while the engine repairs its place.
func readToken(ctx context.Context, path string, patience time.Duration) (string, error) {
	if path == "" {
		return "", component.Errorf(component.Invalid, "it is not set: an engine sets it for the workers that it starts")
	}
	var content []byte
	err := patiently(ctx, patience, nil, func() (again bool, err error) {
		f, err := os.Open(path)
		if err != nil {
			return errors.Is(err, fs.ErrNotExist), err
		}
		defer f.Close()
		content, err = io.ReadAll(io.LimitReader(f, tokenLimit+1))
		return false, err
	})
	if err != nil {
		return "", coded(err)
	}
	token := string(bytes.TrimSpace(content))
	if len(content) > tokenLimit || token == "" {
		return "", component.Errorf(component.Invalid, "%s holds no token", path)
	}
	return token, nil
}
