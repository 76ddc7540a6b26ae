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

// Event is something that happened in a run, as [RunConfig.Observer] sees it. As JSON it has stable names, and leaves out what is zero
// but for the index; a log event without a level is an INFO.
type Event struct {
	Kind EventKind `json:"kind"`
	Time time.Time `json:"time"`
	Run  string    `json:"run"`

	RunState metadata.RunState `json:"run_state,omitempty"` // of EventRun

	Step      string             `json:"step,omitempty"`
	Index     int                `json:"index"`             // of the element; -1 for the step itself
	Attempt   int                `json:"attempt,omitempty"` // 1 for the first try; 0 before any
	StepState metadata.StepState `json:"step_state,omitempty"`
	// Elements of a mapped step, once they are known; on its own events (Index -1).
	Elements int `json:"elements,omitempty"`
	// Reason says why: the error of a failure, the cause of a skip, the run that a cached result came from, why a result is not
	// cached although nobody said so.
	Reason string `json:"reason,omitempty"`

	// Done units of Total, of EventProgress; Total 0 is unknown.
	Done  int64 `json:"done,omitempty"`
	Total int64 `json:"total,omitempty"`

	Level   slog.Level `json:"level,omitzero"`    // of EventLog
	Message string     `json:"message,omitempty"` // of EventLog: the message and its attributes
}
