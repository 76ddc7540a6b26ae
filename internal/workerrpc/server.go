package workerrpc

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/orchestrator"
)

// Config is what a server is made of. Host, Run and Dir must be set.
type Config struct {
	// Host does what workers ask for. A panic of it is an error of the one call.
	Host worker.Host
	// Run is the ID of the run whose attempts the server's workers may claim.
	Run string
	// Job goes to every worker with its assignment.
	Job Job
	// Dir is an existing directory, in which the server makes one of its own for the socket and the token.
	Dir string
	// Logger is told what goes wrong. Nil discards.
	Logger *slog.Logger
	// Gone, if not nil, is called when the stream of a worker that has claimed an attempt ends: it ended, or the server is being closed. It
	// must not block.
	Gone func(attempt string)
}

// Server offers a worker.Host to the workers of one run, until it is closed. All methods are safe for concurrent use.
type Server struct {
	config  Config
	options options
	token   string
	http    *http.Server
	// over ends the streams. It is done when Close has waited for the calls.
	over context.Context //nolint:containedctx // it is the server's life
	end  context.CancelFunc

	background sync.WaitGroup // what the server runs

	mu    sync.Mutex // guards place and closed
	place *place
	// closed says that nothing new is accepted.
	closed bool
	calls  sync.WaitGroup // Beat and Finish
}

// Serve starts a server. The context is that of the start alone; Close ends the server.
func Serve(ctx context.Context, c Config) (*Server, error) {
	return serve(ctx, c, standard)
}

// options are what tests have otherwise.
type options struct {
	loopback bool // although there are unix sockets
	// header is how long a peer may take to say who it is, and body how long a message may take, in either direction.
	header, body time.Duration
	// watch is the time between two looks at whether socket and token are still where workers were told to look for them.
	watch time.Duration
}

var standard = options{header: 5 * time.Second, body: 30 * time.Second, watch: time.Second}

func serve(ctx context.Context, c Config, o options) (*Server, error) {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	s := &Server{config: c, options: o, token: hex.EncodeToString(secret[:])}
	s.over, s.end = context.WithCancel(context.WithoutCancel(ctx))
	s.http = s.newHTTP()
	place, err := open(ctx, c.Dir, s.token, o.loopback)
	if err != nil {
		s.end()
		return nil, fmt.Errorf("serve the workers of run %s: %w", c.Run, err)
	}
	s.place = place
	s.accept(place.listener)
	s.background.Go(s.watch)
	return s, nil
}

// accept serves what connects to l.
func (s *Server) accept(l net.Listener) {
	s.background.Go(func() {
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			s.config.Logger.Error("the socket for workers failed", "address", l.Addr().String(), "error", err)
		}
	})
}

// Env returns the variables that lead a worker here. Each attempt adds orchestrator.EnvAttempt. They hold until Close, unless the
// directory of the socket goes with its parents: then only those hold that a later call returns.
func (s *Server) Env() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.heal(); err != nil {
		s.move()
	}
	return []string{
		orchestrator.EnvWorker + "=" + s.place.address,
		orchestrator.EnvRun + "=" + s.config.Run,
		orchestrator.EnvToken + "=" + s.place.token,
	}
}

func (s *Server) watch() {
	tick := time.NewTicker(s.options.watch)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.mu.Lock()
			_ = s.heal() // perhaps the next time
			s.mu.Unlock()
		case <-s.over.Done():
			return
		}
	}
}

// heal makes socket and token again, where they were, if they are gone. Connections that are open are not concerned. The caller holds mu.
func (s *Server) heal() error {
	if s.closed {
		return nil
	}
	l, err := s.place.restore(s.over, s.token)
	if err != nil || l == nil {
		return err
	}
	s.config.Logger.Warn("the socket for workers was deleted, and was made again", "address", s.place.address)
	_ = s.place.listener.Close()
	s.place.listener = l
	s.accept(l)
	return nil
}

// move opens another place, since the one that workers were told of cannot be had. The caller holds mu.
func (s *Server) move() {
	next, err := open(s.over, "", s.token, s.options.loopback)
	if err != nil {
		s.config.Logger.Error("the socket for workers was deleted and cannot be made again: no worker can start", "address", s.place.address, "error", err)
		return
	}
	s.config.Logger.Warn("the socket for workers was deleted, and is elsewhere now", "address", next.address)
	_ = s.place.listener.Close()
	next.dirs = append(next.dirs, s.place.dirs...)
	s.place = next
	s.accept(next.listener)
}

// closeTimeout is how long Close waits for calls of workers to be answered, and endTimeout for connections to end.
const (
	closeTimeout = 5 * time.Second
	endTimeout   = time.Second
)

// Close ends the server: it answers the calls that have arrived, ends the streams of the workers, which ends them, and removes socket
// and token. The error's code is DeadlineExceeded if the host does not answer within five seconds. A second call does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	_ = s.place.listener.Close()
	s.mu.Unlock()
	answered := make(chan struct{})
	go func() {
		s.calls.Wait()
		close(answered)
	}()
	timeout := time.NewTimer(closeTimeout)
	defer timeout.Stop()
	var err error
	select {
	case <-answered:
	case <-timeout.C:
		err = component.Errorf(component.DeadlineExceeded, "close the server for workers: a call was not answered within %v", closeTimeout)
	}
	s.end()
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close() // who is still there has nothing to say any more
	}
	s.background.Wait()
	return cmp.Or(err, s.place.remove())
}

// begin counts a call, which Close waits for. It reports false if the server is closing.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.calls.Add(1)
	return true
}
