package metadata

import (
	"time"

	"github.com/tenon-ml/tenon/artifact"
)

// Checkpoint is the state that a step saved last, from which its next attempt goes on.
type Checkpoint struct {
	StepKey
	Attempt string          `json:"attempt"` // ID of the attempt that saved it
	Record  artifact.Record `json:"record"`
	Saved   time.Time       `json:"saved"`
}
