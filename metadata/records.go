package metadata

import (
	"encoding/json"
	"time"

	"github.com/tenon-ml/tenon/artifact"
)

// Document is content that is stored once per digest: a graph, a plan, parameters, a configuration.
type Document struct {
	Digest artifact.Digest `json:"digest"`
	Kind   string          `json:"kind"` // "graph", "plan", "code"
	Body   []byte          `json:"body"`
}

// Run is one execution of a pipeline. IDs, of runs and of all else, are UUIDv7 that the writer makes, so that they sort by time and a
// batch can be sent again.
type Run struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"` // unique only by intention
	Pipeline string            `json:"pipeline"`
	State    RunState          `json:"state"`
	Tags     map[string]string `json:"tags,omitempty"`
	Stack    string            `json:"stack"`

	Graph artifact.Digest `json:"graph"` // document
	Plan  artifact.Digest `json:"plan"`  // document
	// Code is the document that says what the fingerprints of the plan are made of; empty if that is not known. It is replaced with the plan.
	Code   artifact.Digest `json:"code,omitempty"`
	Params json.RawMessage `json:"params,omitempty"` // for people; the plan holds the exact form

	// Replays is the ID of the run that this one replays, which may be gone; empty for a run of its own.
	Replays string `json:"replays,omitempty"`

	// Epoch counts the drivers of the run: 1 for the first, one more for each resume. Batches of an earlier epoch are refused.
	Epoch int `json:"epoch"`
	// Driver says who drives it: host and process, for people, and to tell whether it still lives.
	Driver Driver `json:"driver"`

	Created  time.Time `json:"created"`
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`

	Error string `json:"error,omitempty"` // one message, naming the step that decided
	// Lost says that the driver ended before the run did: it was killed, it crashed, or it was closed.
	Lost bool `json:"lost,omitempty"`
	// Cost is the sum over the attempts so far.
	Cost Cost `json:"cost,omitzero"`

	// Counts of step rows (elements count for themselves) by state, as of the last write of the run; while the run is
	// running readers that need exact numbers count the steps.
	Counts map[StepState]int `json:"counts,omitempty"`
	// Outputs are the pipeline's results by name, once it succeeded.
	Outputs map[string]artifact.Record `json:"outputs,omitempty"`
}

// Driver is the process that drives a run.
type Driver struct {
	Host string `json:"host"`
	PID  int    `json:"pid"`
	// Session names what shows, to the other processes that share its state, that it lives; empty if nothing does.
	Session string `json:"session,omitempty"`
	// Lease is until when it counts as alive if it is not heard of again, for a driver that has no Session. Zero: it is never given up.
	Lease time.Time `json:"lease,omitzero"`
	// Since is when it began to drive the run.
	Since time.Time `json:"since,omitzero"`
	// Program is how it may be started again.
	Program Program `json:"program,omitzero"`
}

// Same reports whether d and other are the same process, whatever its lease.
func (d Driver) Same(other Driver) bool {
	return d.Host == other.Host && d.PID == other.PID && d.Session == other.Session
}

// Program is a program of pipelines, for whoever wants to start it again.
type Program struct {
	Path    string `json:"path,omitempty"`    // of the executable, which may be gone, or be one that "go run" made
	Package string `json:"package,omitempty"` // import path of its main package
	Dir     string `json:"dir,omitempty"`     // working directory
	Main    bool   `json:"main,omitempty"`    // it has the command line of tenon.Main
	// Revision of its source in version control, if it is known. Modified says that the source was not exactly that, or may not have been:
	// of a program that "go run" built nobody can tell.
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
}

// StepKey names a step of a run, or one element of a mapped step.
type StepKey struct {
	Run   string `json:"run"`
	Step  string `json:"step"`
	Index int    `json:"index"` // -1: the step itself
}

// Step is a step of a run, or one element of a mapped step. A mapped step has a row of its own (Index -1) beside those of
// its elements.
type Step struct {
	StepKey
	State StepState `json:"state"`
	// CacheKey under which the result may be found again; empty if it must not be.
	CacheKey string `json:"cache_key,omitempty"`
	// Uncached says why a step has no cache key, for people.
	Uncached string `json:"uncached,omitempty"`
	// Origin is the step that computed the outputs of a cached one, also if it was itself copied through other rows.
	Origin *StepKey `json:"origin,omitempty"`
	// Computed is when the outputs were computed: by the step itself, or by its origin. Cache TTLs count from it.
	Computed time.Time `json:"computed,omitzero"`
	// Attempts made so far.
	Attempts int       `json:"attempts"`
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	Error    string    `json:"error,omitempty"`
	// Skip says why the step was skipped.
	Skip string `json:"skip,omitempty"`
	// Inputs and Outputs are written with the state that first knows them and are the lineage.
	Inputs  []Input  `json:"inputs,omitempty"`
	Outputs []Output `json:"outputs,omitempty"`
	// Elements of a mapped step's own row: how many there are.
	Elements int `json:"elements,omitempty"`
}

// Output is an artifact as the output of a step.
type Output struct {
	ID     string          `json:"id"`   // artifact ID, UUIDv7; a cached step's output has an ID of its own
	Name   string          `json:"name"` // "output", or the field of the Out struct
	Record artifact.Record `json:"record"`
	// Pruned says that [Store.Forget] released the content: the output no longer keeps it, and it may be gone.
	Pruned bool `json:"pruned,omitempty"`
}

// Input is an artifact as the input of a step: one lineage edge.
type Input struct {
	Name     string          `json:"name"`     // of the field: "Rows", "Deep.Rows[a][1]"
	Artifact string          `json:"artifact"` // ID; empty for outside data, a gathered list and an element of a list
	Digest   artifact.Digest `json:"digest"`
	URI      string          `json:"uri,omitempty"` // of a source
}

// Attempt is one try of a step or element.
type Attempt struct {
	ID string `json:"id"`
	StepKey
	Number   int       `json:"number"` // 1 for the first
	State    StepState `json:"state"`  // running, succeeded, failed or cancelled
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	Error    string    `json:"error,omitempty"`
	Stack    string    `json:"stack,omitempty"`  // of a panic, bounded
	Reason   string    `json:"reason,omitempty"` // how a failed one ended: "error", "panic", "killed: out of memory"
	Host     string    `json:"host,omitempty"`   // name of the machine that it ran on
	Cost     Cost      `json:"cost,omitzero"`
	// Logs are the chunks of the attempt's log, in order.
	Logs []LogChunk `json:"logs,omitempty"`
	// Printed are the chunks of what the attempt's process printed, if it had one of its own, in order.
	Printed []LogChunk `json:"printed,omitempty"`
}

// LogChunk is a piece of an attempt's log: zstd-compressed lines of JSON, one slog record each.
type LogChunk struct {
	Lines  int             `json:"lines"`
	Size   int64           `json:"size"`             // bytes, uncompressed
	Inline []byte          `json:"inline,omitempty"` // small chunks travel in the record
	Digest artifact.Digest `json:"digest,omitempty"` // larger ones are in the artifact store
}

// Metric is one point that a step recorded. As JSON a value that is no number is one of the strings "NaN", "Infinity" and "-Infinity".
type Metric struct {
	StepKey
	Attempt string    `json:"attempt"`
	Name    string    `json:"name"`
	Value   float64   `json:"value"` // may be NaN or infinite
	Time    time.Time `json:"time"`
	Seq     int       `json:"seq"` // order within the attempt
}

// Artifact is an output of a step, with what made it.
type Artifact struct {
	Output
	StepKey
	Pipeline string    `json:"pipeline"`
	Created  time.Time `json:"created"`
	// Versions that name this artifact, such as "penguins/model@3".
	Versions []Version `json:"versions,omitempty"`
}

// Version is a named version of an artifact. Artifacts of the same content may share one, as those of cached runs do.
type Version struct {
	Name     string    `json:"name"` // "penguins/model"
	Version  int       `json:"version"`
	Artifact string    `json:"artifact"` // artifact ID
	Created  time.Time `json:"created"`
}

// Stack is a stored stack: its specification as the YAML that a person wrote.
type Stack struct {
	Name    string    `json:"name"`
	Spec    []byte    `json:"spec"`
	Version int       `json:"version"` // counts its changes, from 1
	Updated time.Time `json:"updated"`
}
