package pipeline

import (
	"log/slog"
	"time"

	"github.com/tenon-ml/tenon/metadata"
)

// EventKind says what an [Event] is about.
type EventKind string

// The kinds of events.
const (
	EventRun      EventKind = "run"      // the run changed its state
	EventStep     EventKind = "step"     // a step, or an element of a mapped step, changed its state
	EventProgress EventKind = "progress" // a step reported progress
	EventLog      EventKind = "log"      // a step logged
)

// Event is something that happened in a run, as [RunConfig.Observer] sees it.
type Event struct {
	Kind EventKind
	Time time.Time
	Run  string

	RunState metadata.RunState // of EventRun

	Step      string
	Index     int // of the element; -1 for the step itself
	Attempt   int // 1 for the first try; 0 before any
	StepState metadata.StepState
	// Elements of a mapped step, once they are known; on its own events (Index -1).
	Elements int
	// Reason says why: the error of a failure, the cause of a skip, the run that a cached result came from.
	Reason string

	Done, Total int64 // of EventProgress; Total 0 is unknown

	Level   slog.Level // of EventLog
	Message string     // of EventLog: the message and its attributes
}
