package local

import (
	"time"

	"github.com/tenon-ml/tenon/orchestrator"
)

// WithTiming returns an orchestrator of New that waits differently: for the claim of an attempt, and for the death of a killed process.
func WithTiming(o orchestrator.Orchestrator, claim, death time.Duration) orchestrator.Orchestrator {
	l := *o.(*local)
	l.timing = timing{claim, death}
	return &l
}
