package metadata

import (
	"context"

	"github.com/tenon-ml/tenon/artifact"
)

// Store keeps metadata. All methods are safe for concurrent use, also by several processes. Errors carry a component.Code:
// NotFound, AlreadyExists, Invalid, FailedPrecondition, Unavailable.
type Store interface {
	// Apply applies a batch in one transaction: all of it, or nothing and an error. A batch whose ID was applied before
	// succeeds and changes nothing. When Apply returns nil the batch is durable as [Batch.Durable] says.
	Apply(ctx context.Context, b Batch) error

	// Lookup returns, for each cache key that a step with outputs was recorded under, the newest such step by Computed.
	// Keys without one are absent from the result. At most 1000 keys.
	Lookup(ctx context.Context, keys []string) (map[string]Step, error)

	// Run returns a run by ID.
	Run(ctx context.Context, id string) (Run, error)
	// Runs returns runs, newest first. Outputs are not filled in.
	Runs(ctx context.Context, q RunQuery) (Page[Run], error)
	// Steps returns steps of a run in order of step name, then index.
	Steps(ctx context.Context, q StepQuery) (Page[Step], error)
	// CountSteps returns the number of step rows of a run by state; rows of mapped steps themselves are left out.
	CountSteps(ctx context.Context, run string) (map[StepState]int, error)
	// Attempts returns the attempts of a run, of one of its steps if step is not empty, in order of ID.
	Attempts(ctx context.Context, q AttemptQuery) (Page[Attempt], error)
	// Metrics returns the metrics of a run in order of step, index, attempt and Seq.
	Metrics(ctx context.Context, q MetricQuery) (Page[Metric], error)
	// Document returns a document by digest.
	Document(ctx context.Context, digest artifact.Digest) (Document, error)

	// Artifact returns an artifact by ID.
	Artifact(ctx context.Context, id string) (Artifact, error)
	// Artifacts returns artifacts, newest first.
	Artifacts(ctx context.Context, q ArtifactQuery) (Page[Artifact], error)
	// Version returns a named version; version 0 is the newest.
	Version(ctx context.Context, name string, version int) (Version, error)

	// DeleteRun removes a run and all that belongs to it. Content that other rows use stays. A run that has not ended is refused
	// with FailedPrecondition.
	DeleteRun(ctx context.Context, id string) error

	// PutStack stores a stack under its name and returns it with its new version. If version is not 0 the stored stack must
	// have it, or the error is FailedPrecondition.
	PutStack(ctx context.Context, s Stack, version int) (Stack, error)
	// Stack returns a stack by name.
	Stack(ctx context.Context, name string) (Stack, error)
	// Stacks returns all stacks by name.
	Stacks(ctx context.Context) ([]Stack, error)
	// DeleteStack removes a stack. The active stack is refused with FailedPrecondition.
	DeleteStack(ctx context.Context, name string) error
	// ActiveStack returns the name of the active stack, or "" if none was chosen.
	ActiveStack(ctx context.Context) (string, error)
	// SetActiveStack chooses the active stack, which must exist; "" chooses the default stack again.
	SetActiveStack(ctx context.Context, name string) error

	// Condemn marks those of the given contents that nothing references, and returns them. A batch that references condemned
	// content is refused with [ErrCondemned] until Revive takes the mark back.
	Condemn(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error)
	// Revive takes the mark from contents whose bytes were put again; contents being deleted are returned: the caller waits for
	// their deletion, puts again and revives again.
	Revive(ctx context.Context, digests []artifact.Digest) (deleting []artifact.Digest, err error)
	// BeginDelete moves condemned contents to the state deleting and returns those that were still condemned.
	BeginDelete(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error)
	// EndDelete forgets contents whose bytes were deleted.
	EndDelete(ctx context.Context, digests []artifact.Digest) error

	// Close flushes and releases the store.
	Close() error
}

// Batch is a set of rows that are written together. Order of application: documents, runs, steps, attempts, metrics,
// versions.
type Batch struct {
	// ID makes the batch idempotent: a UUIDv7 of the writer's. Empty: not idempotent.
	ID string `json:"id,omitempty"`
	// Durable asks that the batch survive a power cut, not only the end of the process.
	Durable bool `json:"durable,omitempty"`
	// Run and Epoch fence the batch: it is refused with FailedPrecondition if the run's epoch is another. An empty Run is
	// not fenced.
	Run   string `json:"run,omitempty"`
	Epoch int    `json:"epoch,omitempty"`

	Documents []Document `json:"documents,omitempty"` // existing ones are kept
	// Create holds new runs. An existing ID is refused with AlreadyExists.
	Create []Run `json:"create,omitempty"`
	// Update replaces the mutable part of runs: State, Epoch, Driver, Started, Finished, Error, Counts, Outputs. A change of state that the
	// table forbids is refused with FailedPrecondition. A greater epoch is a new driver.
	Update []Run `json:"update,omitempty"`
	// Steps are written whole, new or over what is there. A change of state that the table forbids is refused.
	Steps []Step `json:"steps,omitempty"`
	// Attempts are written whole, new or over what is there.
	Attempts []Attempt `json:"attempts,omitempty"`
	// Metrics are added; (attempt, Seq) is unique.
	Metrics []Metric `json:"metrics,omitempty"`
	// Versions name artifacts; the store numbers them (Version is ignored). A version of the same content as the newest one is not added.
	Versions []Version `json:"versions,omitempty"`
}

// Page is one page of a listing.
type Page[T any] struct {
	Items []T `json:"items"`
	// Next is the cursor of the next page; empty on the last one.
	Next string `json:"next,omitempty"`
}

// Cursor asks for one page.
type Cursor struct {
	After string // Next of the page before; empty for the first
	Limit int    // 1 to 1000; 0 means 100
}

// RunQuery selects runs. Zero fields do not restrict.
type RunQuery struct {
	Pipeline string
	Name     string
	IDPrefix string
	States   []RunState
	Tags     map[string]string // all of them
	Cursor
}

// StepQuery selects steps of one run.
type StepQuery struct {
	Run    string
	Step   string      // one step with its elements, or all
	States []StepState // or all
	// NoElements leaves out the elements of mapped steps.
	NoElements bool
	Cursor
}

// AttemptQuery selects attempts of one run.
type AttemptQuery struct {
	Run  string
	Step string // or all
	// Index of the element; nil for all. -1 is a step that is not mapped.
	Index *int
	Cursor
}

// MetricQuery selects metrics of one run.
type MetricQuery struct {
	Run  string
	Step string // or all
	Name string // or all
	Cursor
}

// ArtifactQuery selects artifacts. Zero fields do not restrict.
type ArtifactQuery struct {
	Run      string
	Step     string
	Pipeline string
	Name     string // of a named artifact, "penguins/model": its versions, newest first
	IDPrefix string
	Digest   artifact.Digest
	Cursor
}
