package why

import (
	"context"

	"github.com/tenon-ml/tenon/internal/codedoc"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/metadata"
)

// Run is what is recorded of a run and does not differ between its tasks. It is safe for concurrent use.
type Run struct {
	Run   metadata.Run
	Plan  *plan.Plan
	Graph *graph.Graph
	Code  *codedoc.Code // nil if nothing is known

	store metadata.Store
}

// Read reads the plan, the graph and what is recorded of the code of a run. Code that cannot be read is not known.
func Read(ctx context.Context, store metadata.Store, run metadata.Run) (*Run, error) {
	panic("TODO")
}

// Facts returns what the cache key of a step or element of the run is made of, as far as it is recorded. The error's code is NotFound if the
// run's graph has no such step.
func (r *Run) Facts(ctx context.Context, row metadata.Step) (Facts, error) { panic("TODO") }

// Nearest finds, among the newest n runs of a pipeline that were made before the run of the facts, or among all if they are of a plan, the
// result of the same step and index that differs least; of several the newest.
func Nearest(ctx context.Context, store metadata.Store, pipeline string, of Facts, n int) (old Facts, diffs []Difference, found bool, err error) {
	panic("TODO")
}
