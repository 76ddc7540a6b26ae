package hook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/tenon-ml/tenon/component"
)

// Hook is told of the ends of runs or steps.
//
// A hook may also have a method Validate() error. It is called before a run begins, which its error refuses.
type Hook interface {
	// Notify is told of one end. It is called from several goroutines at once, and returns when ctx ends: one that does not is left behind.
	// An error, or a panic, is logged.
	Notify(ctx context.Context, e Event) error
}

// Kind says what an [Event] is about.
type Kind string

// The kinds of events.
const (
	Run  Kind = "run"
	Step Kind = "step"
)

// Event is the end of a run or of a step, as it is recorded. The names that it has as JSON are stable.
type Event struct {
	Kind     Kind              `json:"kind"`
	Run      string            `json:"run"` // ID
	Pipeline string            `json:"pipeline"`
	Name     string            `json:"name"`           // of the run, for people
	Tags     map[string]string `json:"tags,omitempty"` // of the run
	Step     string            `json:"step,omitempty"` // name, of Kind Step
	// State is that of a run (succeeded, failed, cancelled) or of a step (succeeded, cached, skipped, failed, cancelled).
	State string `json:"state"`
	// Error says why it failed, was cancelled or was skipped. It may have several lines, and up to 64 KiB.
	Error    string    `json:"error,omitempty"`
	Attempts int       `json:"attempts,omitempty"` // of a step that is not mapped
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
}

// Key identifies the end: the same for every hook and every try to tell of it, another for any other end.
func (e Event) Key() string {
	h := sha256.New()
	for _, field := range []string{string(e.Kind), e.Run, e.Step, e.State, e.Finished.UTC().Format(time.RFC3339Nano)} {
		fmt.Fprintf(h, "%d:%s", len(field), field)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Func is a function as a hook.
type Func func(ctx context.Context, e Event) error

// Notify calls f.
func (f Func) Notify(ctx context.Context, e Event) error { return f(ctx, e) }

// Validate refuses nil.
func (f Func) Validate() error {
	if f == nil {
		return component.Errorf(component.Invalid, "a hook.Func is nil")
	}
	return nil
}

// DefaultTimeout is how long a hook may take for one event; see [WithTimeout].
const DefaultTimeout = 30 * time.Second

// WithTimeout returns a hook that may take longer than others, or less long. What it may take delays the end of Result.
func WithTimeout(h Hook, timeout time.Duration) Hook { return &timed{h, timeout} }

type timed struct {
	Hook
	timeout time.Duration
}

// String names the hook that has the timeout.
func (t *timed) String() string { return Name(t.Hook) }

// Name returns what a hook is called in logs: what its method String says, or else its type.
func Name(h Hook) string {
	if s, ok := h.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T", h)
}

// Timeout returns how long h may take for one event.
func Timeout(h Hook) time.Duration {
	if t, ok := h.(*timed); ok {
		return t.timeout
	}
	return DefaultTimeout
}

// Validate reports what is wrong with a hook, before a run depends on it. The error's code is Invalid.
func Validate(h Hook) error {
	switch v := h.(type) {
	case nil:
		return component.Errorf(component.Invalid, "a hook is nil")
	case *timed:
		if v.timeout <= 0 {
			return component.Errorf(component.Invalid, "hook.WithTimeout: %v is no timeout: want more than zero", v.timeout)
		}
		return Validate(v.Hook)
	case interface{ Validate() error }:
		if err := v.Validate(); err != nil {
			return component.Errorf(component.Invalid, "hook: %w", err)
		}
	}
	return nil
}
