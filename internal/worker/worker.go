// Package worker executes exactly one attempt, wherever it runs.
//
// A worker speaks one small API, [Host], to what started it: claim, beat, finish. Between claim and finish it decodes the
// inputs, calls the step function, encodes the outputs and puts them into the artifact store itself. It never opens the metadata
// store. The engine implements Host for the goroutines of its own process; a process or container reaches the same engine
// through a connection.
package worker

import (
	"context"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/logs"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/step"
)

// Host is what a worker talks to. All methods are safe for concurrent use. An error with code FailedPrecondition says that the
// attempt was superseded: the worker stops, and nothing it did counts.
type Host interface {
	// Claim takes the attempt and returns what to do. An attempt is claimed once.
	Claim(ctx context.Context, attempt string) (Assignment, error)
	// Beat tells that the attempt is alive and carries what it has to say since the last beat. It is called when there is
	// something to say, and at least every Assignment.BeatEvery.
	Beat(ctx context.Context, b Beat) error
	// Finish reports the end of the attempt. It is idempotent.
	Finish(ctx context.Context, r Report) error
}

// Assignment is all that a worker needs to know about its attempt.
type Assignment struct {
	Attempt  string `json:"attempt"`
	Run      string `json:"run"`
	Pipeline string `json:"pipeline"`
	Node     int    `json:"node"` // index in the graph's nodes
	Step     string `json:"step"`
	Index    int    `json:"index"`  // of the element in a mapped step; -1 otherwise
	Number   int    `json:"number"` // 1 for the first try
	Key      string `json:"key"`    // stable across attempts
	// Inputs in the order of the node's inputs.
	Inputs []artifact.Record `json:"inputs"`
	Pins   []ref.Pin         `json:"pins"`
	Config step.Config       `json:"config"`
	// Checkpoint that an earlier attempt of the step saved last; nil if there is none.
	Checkpoint *artifact.Record `json:"checkpoint,omitempty"`
	// BeatEvery is the longest time between two beats; 0 asks for none but those that have something to say.
	BeatEvery time.Duration `json:"beat_every"`
	// Stop is closed when the attempt is asked to stop.
	Stop <-chan struct{} `json:"-"`
	// Shared, if not nil, is where the elements of a mapped step on one host share decoded inputs.
	Shared *Shared `json:"-"`
}

// Beat carries what an attempt has to say while it runs.
type Beat struct {
	Attempt string            `json:"attempt"`
	Lines   []logs.Line       `json:"lines,omitempty"` // for those who follow the log live
	Metrics []metadata.Metric `json:"metrics,omitempty"`
	// Done of Total units are complete; Total 0 means unknown, both -1 no news.
	Done  int64 `json:"done"`
	Total int64 `json:"total"`
	// Checkpoint, if not nil, is to be kept. Beat then returns when it is recorded.
	Checkpoint *artifact.Record `json:"checkpoint,omitempty"`
}

// Report is how an attempt ended.
type Report struct {
	Attempt string `json:"attempt"`
	// Outputs in the order of the node's outputs, if Failure is nil.
	Outputs  []artifact.Record   `json:"outputs,omitempty"`
	Failure  *Failure            `json:"failure,omitempty"`
	Logs     []metadata.LogChunk `json:"logs,omitempty"`
	Metrics  []metadata.Metric   `json:"metrics,omitempty"`
	Started  time.Time           `json:"started"`
	Finished time.Time           `json:"finished"`
	Host     string              `json:"host"`
	// Read and Written are the bytes of artifacts that the attempt moved.
	Read    int64 `json:"read,omitempty"`
	Written int64 `json:"written,omitempty"`
	// PeakMemory of the attempt's own process; 0 if it has none, or it is not known.
	PeakMemory step.Bytes `json:"peak_memory,omitempty"`
}

// Failure is why an attempt failed, as data.
type Failure struct {
	Message string `json:"message"`
	// Kind is one of the constants below: "error", "panic", and so on.
	Kind string `json:"kind"`
	// Permanent says that another try cannot help.
	Permanent bool `json:"permanent,omitempty"`
	// Stack of a panic.
	Stack string `json:"stack,omitempty"`
	// Code of the error, for a failure that came from another process.
	Code component.Code `json:"code,omitempty"`
	// Err is the error itself where the worker runs in the engine's process.
	Err error `json:"-"`
}
