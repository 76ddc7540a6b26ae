package metadata

import (
	"context"
	"time"

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
	// Checkpoints returns the checkpoints of a run in order of step, then index. A run that does not exist has none.
	Checkpoints(ctx context.Context, run string) ([]Checkpoint, error)
	// Signals returns the signals of a run in order of ID; a run that does not exist has none. It costs next to nothing when there are none,
	// so that drivers ask often. Who asks again remembers what it has seen: the IDs are their writers', and a later signal may have a
	// smaller one. Signals stay, so that the driver that takes a run over, before it does, notes the cancels that were meant for the one
	// before.
	Signals(ctx context.Context, q SignalQuery) (Page[Signal], error)
	// Document returns a document by digest.
	Document(ctx context.Context, digest artifact.Digest) (Document, error)

	// Artifact returns an artifact by ID.
	Artifact(ctx context.Context, id string) (Artifact, error)
	// Artifacts returns artifacts: those of the newest run first, in the order of its steps and their outputs; with IDPrefix in
	// descending order of ID; with Name those of its versions, newest first.
	Artifacts(ctx context.Context, q ArtifactQuery) (Page[Artifact], error)
	// Version returns a named version with the first of its artifacts; version 0 is the newest.
	Version(ctx context.Context, name string, version int) (Version, error)
	// Names returns the newest version of each artifact name that begins with prefix, in order of name. Names without versions are left
	// out.
	Names(ctx context.Context, prefix string, c Cursor) (Page[Version], error)

	// Results returns the entries of the cache, the longest computed first: the succeeded steps that [Store.Lookup] may find, and for those that
	// are gone, while others have copies that may be found, one of these.
	Results(ctx context.Context, q ResultQuery) (Page[Result], error)
	// Forget makes Lookup blind to the steps of ended runs that are recorded under the given cache keys, at most 1000, and whose outputs were
	// computed before a time, or whenever if it is zero. It returns how many they were. They stay as history, but their outputs keep their
	// content no longer and are marked [Output.Pruned], unless a named version or the run itself keeps it: as its result, as a source, as a
	// log. A step recorded under such a key later is found again. Large amounts are forgotten in several transactions: after an error some
	// may be, and Forget may be called again.
	Forget(ctx context.Context, keys []string, before time.Time) (int, error)

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
	// ends the deletion. Each call may be repeated. From the first step on, and for days after the last, a batch that references such content
	// is refused with [ErrCondemned]: also a writer that saw or put the bytes before they were deleted learns that it must look again. It puts
	// the bytes that are not there, revives them, and applies the batch again, until it is not refused. So no record is ever without its
	// bytes, whoever comes first.
	//
	// Referenced is the content of outputs, of results of runs, of logs and checkpoints, of inputs that are no artifacts, and what is held.

	// Unreferenced returns those of the given contents that nothing references. It changes nothing, so that a reference may come next.
	Unreferenced(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error)
	// Condemn marks those of the given contents that nothing references, and returns all of them that are marked now.
	Condemn(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error)
	// Revive takes the mark from contents whose bytes are there. The caller has looked for them, or put them again, after it got the
	// generation with a [CondemnedError]. Contents that are being deleted, and those whose deletion has begun or ended since, stay marked
	// and are returned: the caller applies its batch again, gets a newer generation, and looks again.
	Revive(ctx context.Context, digests []artifact.Digest, generation int64) (again []artifact.Digest, err error)
	// BeginDelete moves marked contents to the state deleting, and returns those that are in it now: their bytes may be deleted.
	BeginDelete(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error)
	// Deleting returns all contents being deleted. A collector whose predecessor died deletes their bytes and ends the deletion: until then
	// their writers wait.
	Deleting(ctx context.Context) ([]artifact.Digest, error)
	// EndDelete marks contents being deleted as deleted: their bytes are gone.
	EndDelete(ctx context.Context, digests []artifact.Digest) error

	// Close finishes what was begun and releases the store. Closing twice is fine.
	Close() error
}
