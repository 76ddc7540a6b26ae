package metadata

import "time"

// SignalKind is what a signal asks for.
type SignalKind string

// The kinds of signals.
const (
	SignalCancel  SignalKind = "cancel"  // stop the run
	SignalApprove SignalKind = "approve" // let a step that waits go on
	SignalReject  SignalKind = "reject"  // let a step that waits fail
)

// SignalKinds lists every kind of signal.
func SignalKinds() []SignalKind { return []SignalKind{SignalCancel, SignalApprove, SignalReject} }

// Signal is a request from outside to the driver of a run.
type Signal struct {
	ID      string     `json:"id"` // UUIDv7
	Run     string     `json:"run"`
	Kind    SignalKind `json:"kind"`
	Step    string     `json:"step,omitempty"` // that is approved or rejected; empty otherwise
	By      string     `json:"by,omitempty"`   // who asks, for people
	Note    string     `json:"note,omitempty"` // why, for people
	Created time.Time  `json:"created"`
}
