// Package scope carries the surroundings of one attempt through the context of a step.
package scope

import (
	"context"
	"log/slog"
)

// Scope is what the worker provides to a step. Every field but Resources is set, and all are safe for concurrent use.
type Scope struct {
	Run, Pipeline, Step string
	Index               int // of the element in a mapped step; -1 otherwise
	Attempt             int // 1 for the first try
	AttemptID           string
	// Key is the same for every attempt of the step, or element, in one run, also after a resume.
	Key      string
	Logger   *slog.Logger
	Metric   func(name string, value float64)
	Progress func(done, total int64)
	TempDir  func() (string, error)
	// Save keeps v as the checkpoint of the step, and returns once it is recorded.
	Save func(ctx context.Context, v any) error
	// Restore sets *target to the newest checkpoint of the step, also of an earlier attempt. It reports false if there is none.
	Restore func(ctx context.Context, target any) (bool, error)
	// Resources that the steps of the process share; nil if there are none.
	Resources *Resources
}

type key struct{}

// With returns a context that carries s.
func With(ctx context.Context, s *Scope) context.Context { return context.WithValue(ctx, key{}, s) }

// From returns the scope that ctx carries, or nil outside a run.
func From(ctx context.Context) *Scope {
	s, _ := ctx.Value(key{}).(*Scope)
	return s
}
