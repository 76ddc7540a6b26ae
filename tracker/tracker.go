package tracker

import (
	"context"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

// Kind is the component kind of [Tracker].
var Kind = component.NewKind[Tracker]("tracker")

// Tracker shows runs elsewhere. All methods are safe for concurrent use, and return when ctx ends. The interface is data
// only, so that it also works across a process border.
//
// For one run, Start comes first and End last; Log comes any number of times between. Each may be repeated with the same
// arguments, and then changes nothing.
//
// Errors carry a component.Code: NotFound for a run that was not started, FailedPrecondition for a run that has ended,
// Unsupported for what Capabilities excludes, Unavailable for what a retry may cure.
type Tracker interface {
	// Capabilities tells what the tracker can do. It is constant and does no I/O.
	Capabilities() Capabilities
	// Start begins to show a run, or goes on with one that was started before, and returns where people see it.
	Start(ctx context.Context, run Run) (Link, error)
	// Log adds to a run. A batch is applied as a whole or not at all where the tracker can, and is at most MaxBatch entries.
	Log(ctx context.Context, runID string, batch Batch) error
	// End says how a run ended.
	End(ctx context.Context, runID string, outcome Outcome) error
	// Close sends what is buffered, and releases what the tracker holds.
	Close() error
}

// MaxBatch is the largest number of entries of a [Batch], metrics and artifacts taken together.
const MaxBatch = 1000

// Run is what is known of a run when it starts.
type Run struct {
	ID       string            `json:"id"` // UUIDv7
	Name     string            `json:"name"`
	Pipeline string            `json:"pipeline"`
	Started  time.Time         `json:"started"`
	Params   map[string]string `json:"params,omitempty"` // by name, as people write them
	Tags     map[string]string `json:"tags,omitempty"`
}

// Link says where people see a run.
type Link struct {
	URL string `json:"url,omitempty"` // empty: nowhere
}

// Batch is what happened in a run.
type Batch struct {
	Metrics   []Metric   `json:"metrics,omitempty"`
	Artifacts []Artifact `json:"artifacts,omitempty"`
}

// Artifact is an output of a step. Step, Index and Output identify it within a run.
type Artifact struct {
	Step   string          `json:"step"`
	Index  int             `json:"index"`  // of the element in a mapped step; -1 otherwise
	Output string          `json:"output"` // "output", or the field of the Out struct
	Record artifact.Record `json:"record"`
}

// Outcome is how a run ended.
type Outcome struct {
	State    State     `json:"state"`
	Finished time.Time `json:"finished"`
	Error    string    `json:"error,omitempty"` // of a run that failed, naming the step that decided
}

// State of a run that has ended.
type State string

// The states of a run that has ended.
const (
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Capabilities says what a tracker can do. The zero value shows parameters and metrics.
type Capabilities struct {
	Artifacts bool `json:"artifacts"` // Batch.Artifacts are shown; they are ignored otherwise
	// Shared says that workers on other hosts reach it.
	Shared bool `json:"shared"`
}
