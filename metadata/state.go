package metadata

import "slices"

// RunState is the state of a run.
type RunState string

// The states of a run. Succeeded, failed and cancelled are terminal, but a failed or cancelled run may be resumed.
const (
	RunPending    RunState = "pending"
	RunRunning    RunState = "running"
	RunSucceeded  RunState = "succeeded"
	RunFailed     RunState = "failed"
	RunCancelling RunState = "cancelling"
	RunCancelled  RunState = "cancelled"
)

// StepState is the state of a step, or of one element of a mapped step.
type StepState string

// The states of a step. Succeeded, cached, skipped, failed and cancelled are terminal; a resume takes failed and cancelled
// steps back to pending, and a cached step runs if its stored outputs turn out to be damaged.
const (
	StepPending   StepState = "pending"
	StepReady     StepState = "ready"
	StepRunning   StepState = "running"
	StepRetrying  StepState = "retrying"
	StepWaiting   StepState = "waiting"
	StepSucceeded StepState = "succeeded"
	StepCached    StepState = "cached"
	StepSkipped   StepState = "skipped"
	StepFailed    StepState = "failed"
	StepCancelled StepState = "cancelled"
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
		return []StepState{StepReady, StepRunning, StepWaiting, StepSucceeded, StepCached, StepSkipped, StepFailed, StepCancelled}
	case StepReady:
		return []StepState{StepRunning, StepWaiting, StepSucceeded, StepCached, StepSkipped, StepFailed, StepCancelled}
	case StepRunning:
		return []StepState{StepRetrying, StepSucceeded, StepFailed, StepCancelled, StepPending} // pending: its driver died
	case StepRetrying:
		return []StepState{StepRunning, StepSucceeded, StepFailed, StepCancelled, StepPending}
	case StepWaiting:
		return []StepState{StepSucceeded, StepFailed, StepSkipped, StepCancelled, StepPending}
	case StepCached: // its stored outputs turned out to be damaged, and are computed again
		return []StepState{StepRunning, StepRetrying, StepSucceeded, StepFailed, StepCancelled}
	case StepFailed, StepCancelled:
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
