package engine

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/step"
)

// EventKind says what an [Event] is about.
type EventKind string

// The kinds of events.
const (
	EventRun      EventKind = "run"
	EventStep     EventKind = "step"
	EventProgress EventKind = "progress"
	EventLog      EventKind = "log"
)

// Event is something that happened in a run.
type Event struct {
	Kind      EventKind
	Time      time.Time
	RunState  metadata.RunState
	Step      string
	Index     int // of the element; -1 for the step itself
	Attempt   int
	StepState metadata.StepState
	Elements  int // of a mapped step, on its own events
	Reason    string
	Done      int64
	Total     int64
	Level     slog.Level
	Message   string
}

// emit tells the observer.
func (s *scheduler) emit(e Event) {
	if s.c.Observer == nil {
		return
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	s.c.Observer(e)
}

func (s *scheduler) emitTask(t *task, reason string) {
	if s.c.Observer == nil {
		return
	}
	if t.index < 0 && t.state == metadata.StepSucceeded {
		reason = cmp.Or(reason, t.n.uncached())
	}
	s.emit(Event{Kind: EventStep, Step: t.n.name(), Index: t.index, Attempt: t.attempts, StepState: t.state, Reason: reason})
}

func (s *scheduler) emitNode(n *node) {
	if s.c.Observer == nil {
		return
	}
	reason := n.reason
	if n.state == metadata.StepSucceeded {
		reason = cmp.Or(reason, n.uncached())
	}
	s.emit(Event{Kind: EventStep, Step: n.name(), Index: -1, StepState: n.state, Elements: len(n.tasks), Reason: reason})
}

// uncached says why the next run will compute a step again, unless it was asked for.
func (n *node) uncached() string {
	if n.plan.Uncached == "" || n.plan.Config.Cache.Mode == step.CacheNever {
		return ""
	}
	return "not cached: " + n.plan.Uncached
}
