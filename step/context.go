package step

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/tenon-ml/tenon/internal/scope"
)

// Attempt identifies one try of one step in one run.
type Attempt struct {
	Run      string // run ID
	Pipeline string // name
	Step     string // name, with the prefixes of sub-pipelines
	Index    int    // of the element in a mapped step; -1 otherwise
	Number   int    // 1 for the first try
	ID       string // attempt ID
	// Key is stable across retries and resumes of this step, or element, in this run: the idempotency key for effects
	// outside Tenon.
	Key string
}

// Info returns the attempt that ctx belongs to. Outside a run it returns false, and an Attempt whose Index is -1 and that is zero
// otherwise.
func Info(ctx context.Context) (Attempt, bool) {
	s := scope.From(ctx)
	if s == nil {
		return Attempt{Index: -1}, false
	}
	return Attempt{Run: s.Run, Pipeline: s.Pipeline, Step: s.Step, Index: s.Index, Number: s.Attempt, ID: s.AttemptID, Key: s.Key}, true
}

// Logger returns the logger of the attempt: its records are stored with the run, and shown by "tenon run logs". Outside a run
// it is slog.Default.
func Logger(ctx context.Context) *slog.Logger {
	if s := scope.From(ctx); s != nil {
		return s.Logger
	}
	return slog.Default()
}

// Metric records a value under a name for this attempt. Recording a name again adds a further point. NaN and infinities are
// kept. Outside a run it does nothing.
func Metric(ctx context.Context, name string, value float64) {
	if s := scope.From(ctx); s != nil {
		s.Metric(name, value)
	}
}

// Progress reports that done of total units are complete; total 0 means unknown. It is cheap enough for a tight loop. Outside
// a run it does nothing.
func Progress(ctx context.Context, done, total int64) {
	if s := scope.From(ctx); s != nil {
		s.Progress(done, total)
	}
}

// TempDir returns a directory for this attempt's own files, the same at each call. It is removed when the attempt has ended and
// its outputs are stored. Outside a run it is a new directory under os.TempDir at each call, and the caller removes it.
func TempDir(ctx context.Context) (string, error) {
	if s := scope.From(ctx); s != nil {
		return s.TempDir()
	}
	return os.MkdirTemp("", "tenon-step-")
}

// Permanent wraps an error that another attempt cannot cure, so that the step is not retried. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

// IsPermanent reports whether err's tree holds an error made by [Permanent].
func IsPermanent(err error) bool {
	_, ok := errors.AsType[*permanent](err)
	return ok
}

type permanent struct{ err error }

func (p *permanent) Error() string { return p.err.Error() }
func (p *permanent) Unwrap() error { return p.err }
