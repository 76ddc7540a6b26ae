package metadata

import "slices"

// RunState is the state of a run.
type RunState string

// The states of a run. Succeeded, failed and cancelled are terminal, but a failed or cancelled run may be resumed.
const (
	RunPending    RunState = "pending"    // recorded, not begun
	RunRunning    RunState = "running"    // its steps run
	RunSucceeded  RunState = "succeeded"  // every step succeeded, was cached or was skipped
	RunFailed     RunState = "failed"     // a step failed, its time was up, or the engine could not go on
	RunCancelling RunState = "cancelling" // asked to stop; what runs is given time to end
	RunCancelled  RunState = "cancelled"  // stopped before its end
)

// StepState is the state of a step, or of one element of a mapped step.
type StepState string

// The states of a step. Succeeded, cached, skipped, failed and cancelled are terminal; a resume takes failed, cancelled
// and skipped steps back to pending, and a cached step runs if its stored outputs turn out to be damaged.
const (
	StepPending   StepState = "pending"   // waits for steps before it
	StepReady     StepState = "ready"     // its inputs are there; of a mapped step, its elements are known
	StepRunning   StepState = "running"   // an attempt runs
	StepRetrying  StepState = "retrying"  // an attempt failed, and the next one waits
	StepWaiting   StepState = "waiting"   // waits for something outside the run, such as a person
	StepSucceeded StepState = "succeeded" // an attempt succeeded; of a mapped step, enough elements did
	StepCached    StepState = "cached"    // an earlier result is used
	StepSkipped   StepState = "skipped"   // does not run, by a condition or because an input was skipped
	StepFailed    StepState = "failed"    // no further attempt is made
	StepCancelled StepState = "cancelled" // stopped, or never begun because the run stopped
)

// RunStates lists every state of a run, in the order of its life.
func RunStates() []RunState {
	return []RunState{RunPending, RunRunning, RunCancelling, RunSucceeded, RunFailed, RunCancelled}
}

// StepStates lists every state of a step, in the order of its life.
func StepStates() []StepState {
	return []StepState{StepPending, StepReady, StepRunning, StepRetrying, StepWaiting, StepSucceeded, StepCached, StepSkipped, StepFailed, StepCancelled}
}

func (s RunState) next() []RunState {
	switch s {
	case RunPending:
		return []RunState{RunRunning, RunFailed, RunCancelling, RunCancelled}
	case RunRunning:
		return []RunState{RunSucceeded, RunFailed, RunCancelling, RunCancelled}
	case RunCancelling:
		return []RunState{RunCancelled, RunFailed, RunSucceeded} // what was already finished stays so
	case RunFailed, RunCancelled:
		return []RunState{RunRunning} // resume
	}
	return nil
}

func (s StepState) next() []StepState {
	switch s {
	case StepPending:
		return []StepState{StepReady, StepRunning, StepRetrying, StepWaiting, StepSucceeded, StepCached, StepSkipped, StepFailed, StepCancelled}
	case StepReady:
		return []StepState{StepRunning, StepRetrying, StepWaiting, StepSucceeded, StepCached, StepSkipped, StepFailed, StepCancelled}
	case StepRunning:
		return []StepState{StepRetrying, StepSucceeded, StepFailed, StepCancelled, StepPending} // pending: its driver died
	case StepRetrying:
		return []StepState{StepRunning, StepSucceeded, StepFailed, StepCancelled, StepPending}
	case StepWaiting:
		return []StepState{StepSucceeded, StepFailed, StepSkipped, StepCancelled, StepPending}
	case StepCached: // its stored outputs turned out to be damaged, and are computed again
		return []StepState{StepRunning, StepRetrying, StepSucceeded, StepFailed, StepCancelled}
	case StepFailed, StepCancelled, StepSkipped:
		return []StepState{StepPending, StepReady, StepRunning, StepSucceeded, StepCached, StepSkipped, StepFailed, StepCancelled} // resume
	}
	return nil
}

// CanBecome reports whether a run in state s may change to state to. Staying as it is, is always allowed.
func (s RunState) CanBecome(to RunState) bool { return s == to || slices.Contains(s.next(), to) }

// CanBecome reports whether a step in state s may change to state to. Staying as it is, is always allowed.
func (s StepState) CanBecome(to StepState) bool { return s == to || slices.Contains(s.next(), to) }

// Ended reports whether a run in state s has ended.
func (s RunState) Ended() bool { return s == RunSucceeded || s == RunFailed || s == RunCancelled }

// Ended reports whether a step in state s has ended.
func (s StepState) Ended() bool {
	switch s {
	case StepSucceeded, StepCached, StepSkipped, StepFailed, StepCancelled:
		return true
	}
	return false
}
