package main

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
)

// service answers requests about the runs of one pipeline. Its state is Tenon's: several services may share a home.
type service struct {
	client *tenon.Client
	quotes *pipeline.Pipeline[Params, artifact.Ref[Quote]]
	config pipeline.RunConfig // of the runs
	board  *board
	logger *slog.Logger

	starting  sync.Mutex   // guards startLock, which knows other processes only
	startLock *flock.Flock // held from the look for an idempotency key to the run that has it

	streams    context.Context // of all streams of events, which end before the service does
	endStreams context.CancelFunc
}

// newService returns a service that has at most active runs at once.
func newService(client *tenon.Client, quotes *pipeline.Pipeline[Params, artifact.Ref[Quote]], active int, config pipeline.RunConfig, logger *slog.Logger) *service {
	s := &service{
		client: client, quotes: quotes, config: config, board: newBoard(active), logger: logger,
		startLock: flock.New(filepath.Join(client.Home(), "service.lock")),
	}
	s.streams, s.endStreams = context.WithCancel(context.Background())
	return s
}

// recover goes on with the runs that were going when a service on this home ended. Those that cannot be resumed stay as they are, and the log
// says why.
func (s *service) recover(ctx context.Context, acceptChanges bool) {
	ctx = context.WithoutCancel(ctx) // Close ends the runs, so that the next start goes on with them
	runs, err := s.client.Recover(ctx, pipeline.ResumeConfig{AcceptChanges: acceptChanges, Observer: s.board.observe}, s.quotes)
	if err != nil {
		s.logger.Warn("some runs are not resumed", "err", err)
	}
	for _, run := range runs {
		s.logger.Info("resumed", "run", run.ID())
	}
}

func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /runs", s.start)
	mux.HandleFunc("GET /runs", s.list)
	mux.HandleFunc("GET /runs/{id}", s.show)
	mux.HandleFunc("GET /runs/{id}/events", s.events)
	mux.HandleFunc("POST /runs/{id}/cancel", s.cancel)
	mux.HandleFunc("POST /runs/{id}/approve", s.approve)
	mux.HandleFunc("POST /runs/{id}/reject", s.reject)
	return http.NewCrossOriginProtection().Handler(mux) // no web page starts runs through its visitor's browser
}
