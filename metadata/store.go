package metadata

import (
	"context"

	"github.com/tenon-ml/tenon/artifact"
)

// Store keeps metadata. All methods are safe for concurrent use, also by several processes.
//
// Errors carry a component.Code: NotFound for what is named and does not exist, AlreadyExists, Invalid for what can never succeed,
// FailedPrecondition for what the state of things forbids now, and for every call after Close, Unavailable for what may succeed later.
// A call whose context has ended before it begins does nothing and says Canceled or DeadlineExceeded.
//
// Keys are what rows are found by: IDs, the names of steps, pipelines, artifacts, metrics and stacks, tags, cache keys. A key is 1 to
// 1024 bytes of UTF-8 without NUL, compared byte by byte; others are Invalid. An empty field of a query does not restrict; an empty key
// elsewhere is Invalid. All other text (errors, stacks, reasons) may hold anything, up to 1 MiB; bytes that are not UTF-8 may come
// back as U+FFFD. Times keep their nanoseconds, not their location.
type Store interface {
	// Apply applies a batch in one transaction: all of it, or nothing and an error. A batch whose ID was applied before, in the last
	// days, succeeds and changes nothing. When Apply returns nil the batch survives the end of the process, and a power cut if it
	// is [Batch.Durable]. When it returns Unavailable, Canceled or DeadlineExceeded after it began, the batch may have been applied:
	// the caller sends it again.
	Apply(ctx context.Context, b Batch) error

	// Lookup returns, for each cache key that a succeeded or cached step is recorded under, the newest such step by Computed.
	// Keys without one are absent from the result. At most 1000 keys.
	Lookup(ctx context.Context, keys []string) (map[string]Step, error)

	// Run returns a run by ID.
	Run(ctx context.Context, id string) (Run, error)
	// Runs returns runs in descending order of ID, that is newest first. Outputs are not filled in.
	Runs(ctx context.Context, q RunQuery) (Page[Run], error)
	// Steps returns steps of a run in order of step name, then index. A run that does not exist has none.
	Steps(ctx context.Context, q StepQuery) (Page[Step], error)
	// CountSteps returns the number of step rows of a run by state; rows with Elements, which are those of mapped steps themselves, are
	// left out.
	CountSteps(ctx context.Context, run string) (map[StepState]int, error)
	// Attempts returns attempts of a run in order of ID.
	Attempts(ctx context.Context, q AttemptQuery) (Page[Attempt], error)
	// Metrics returns metrics of a run in order of step, index, attempt and Seq.
	Metrics(ctx context.Context, q MetricQuery) (Page[Metric], error)
	// Document returns a document by digest.
	Document(ctx context.Context, digest artifact.Digest) (Document, error)

	// Artifact returns an artifact by ID.
	Artifact(ctx context.Context, id string) (Artifact, error)
	// Artifacts returns artifacts: those of the newest run first, in the order of its steps and their outputs; with IDPrefix in
	// descending order of ID; with Name those of its versions, newest first.
	Artifacts(ctx context.Context, q ArtifactQuery) (Page[Artifact], error)
	// Version returns a named version with the first of its artifacts; version 0 is the newest.
	Version(ctx context.Context, name string, version int) (Version, error)

	// DeleteRun removes a run and all that belongs to it, and the documents that no other run names. Content that other rows use
	// stays, also if this run computed it. A version stays while another artifact has it. A run that has not ended is refused with
	// FailedPrecondition.
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

	// Garbage collection: one collector at a time condemns content that nothing references, begins to delete it, deletes the bytes, and
	// ends the deletion. Each call may be repeated. In between, a batch that references such content is refused with [ErrCondemned].

	// Condemn marks those of the given contents that nothing references, and returns all of them that are marked now.
	Condemn(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error)
	// Revive takes the mark from contents whose bytes were put again; contents being deleted are returned: the caller waits for
	// their deletion, puts again and revives again.
	Revive(ctx context.Context, digests []artifact.Digest) (deleting []artifact.Digest, err error)
	// BeginDelete moves condemned contents to the state deleting, and returns those that are in it now: their bytes may be deleted.
	BeginDelete(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error)
	// EndDelete forgets contents whose bytes were deleted.
	EndDelete(ctx context.Context, digests []artifact.Digest) error

	// Close finishes what was begun and releases the store. Closing twice is fine.
	Close() error
}

// Batch is a set of rows that are written together. Order of application: documents, runs, steps, attempts, metrics,
// versions. What a batch refers to must exist, or come earlier in it, or the error is NotFound.
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
	// table forbids is refused with FailedPrecondition, and so is a smaller epoch. A greater epoch is a new driver, which may come with
	// the batch that it fences.
	Update []Run `json:"update,omitempty"`
	// Steps are written whole, new or over what is there. A change of state that the table forbids is refused with FailedPrecondition.
	// Outputs that are no longer there are forgotten with their versions. An output's ID belongs to one step: that of another is
	// refused with AlreadyExists.
	Steps []Step `json:"steps,omitempty"`
	// Attempts are written whole, new or over what is there.
	Attempts []Attempt `json:"attempts,omitempty"`
	// Metrics are added; (attempt, Seq) is unique, and the first stays.
	Metrics []Metric `json:"metrics,omitempty"`
	// Versions name artifacts; the store numbers them from 1 (Version is ignored) and never gives a number twice. An artifact of the same
	// content as the newest version becomes another artifact of that version.
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
	After string `json:"after,omitempty"` // Next of the page before, of the same query; empty for the first
	Limit int    `json:"limit,omitempty"` // 1 to 1000; 0 means 100
}

// RunQuery selects runs. Zero fields do not restrict.
type RunQuery struct {
	Pipeline string            `json:"pipeline,omitempty"`
	Name     string            `json:"name,omitempty"`
	IDPrefix string            `json:"id_prefix,omitempty"`
	States   []RunState        `json:"states,omitempty"` // one of them
	Tags     map[string]string `json:"tags,omitempty"`   // all of them; at most 100
	Cursor
}

// StepQuery selects steps of one run.
type StepQuery struct {
	Run    string      `json:"run"`
	Step   string      `json:"step,omitempty"`   // one step with its elements, or all
	States []StepState `json:"states,omitempty"` // one of them, or all
	// NoElements leaves out the elements of mapped steps.
	NoElements bool `json:"no_elements,omitempty"`
	Cursor
}

// AttemptQuery selects attempts of one run.
type AttemptQuery struct {
	Run  string `json:"run"`
	Step string `json:"step,omitempty"` // or all
	// Index of the element; nil for all. -1 is a step that is not mapped.
	Index *int `json:"index,omitempty"`
	Cursor
}

// MetricQuery selects metrics of one run.
type MetricQuery struct {
	Run  string `json:"run"`
	Step string `json:"step,omitempty"` // or all
	Name string `json:"name,omitempty"` // or all
	Cursor
}

// ArtifactQuery selects artifacts. Zero fields do not restrict.
type ArtifactQuery struct {
	Run      string `json:"run,omitempty"`
	Step     string `json:"step,omitempty"`
	Pipeline string `json:"pipeline,omitempty"`
	Name     string `json:"name,omitempty"` // of a named artifact, "penguins/model": the first artifact of each of its versions
	IDPrefix string `json:"id_prefix,omitempty"`
	Cursor
}
