package metadata

import "github.com/tenon-ml/tenon/artifact"

// Batch is a set of rows that are written together. Order of application: documents, runs, holds, steps, attempts,
// checkpoints, metrics, versions, signals. What a batch refers to must exist, or come earlier in it, or the error is NotFound.
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
	// Update replaces the mutable part of runs: State, Epoch, Driver, Started, Finished, Error, Lost, Cost, Counts, Outputs. A change of state
	// that the table forbids is refused with FailedPrecondition, and so is a smaller epoch. A greater epoch is a new driver, which may come
	// with the batch that it fences; another driver in the same epoch is refused with FailedPrecondition: of two that take over, one does.
	// A Plan replaces that of the run, whose document goes if no other run names it; an empty one changes nothing.
	Update []Run `json:"update,omitempty"`
	// Steps are written whole, new or over what is there. A change of state that the table forbids is refused with FailedPrecondition.
	// Outputs that are no longer there are forgotten with their versions. An output's ID belongs to one step: that of another is
	// refused with AlreadyExists. An output that is Pruned keeps no content, and a step that has one is not found by [Store.Lookup].
	Steps []Step `json:"steps,omitempty"`
	// Attempts are written whole, new or over what is there.
	Attempts []Attempt `json:"attempts,omitempty"`
	// Checkpoints replace those that their steps or elements saved before. They are forgotten, and their content is released, when the step
	// is recorded as succeeded, cached or skipped; one that comes after that is ignored.
	Checkpoints []Checkpoint `json:"checkpoints,omitempty"`
	// Holds are contents that Run, which must be set, needs although no row names them: pinned sources, elements of a list that was split.
	// They are referenced until the run is deleted, but for what a step of the run records as its output: from then on the step keeps it.
	Holds []artifact.Digest `json:"holds,omitempty"`
	// Metrics are added; (attempt, Seq) is unique, and the first stays.
	Metrics []Metric `json:"metrics,omitempty"`
	// Versions name artifacts; the store numbers them from 1 (Version is ignored) and never gives a number twice. An artifact of the same
	// content as the newest version becomes another artifact of that version.
	Versions []Version `json:"versions,omitempty"`
	// Signals are added; one whose ID the run has already got changes nothing. A cancel of a run that has ended is refused with
	// FailedPrecondition, and so is every signal to a run that has succeeded: one that failed or was cancelled may be resumed, and
	// finds approvals then.
	Signals []Signal `json:"signals,omitempty"`
}
