package tenon

import (
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// paramsLimit bounds the parameters of a run in bytes: they are recorded in the run, which every listing of runs reads.
const paramsLimit = 4 << 20

// fits refuses a run that is too large to be recorded, and says what to do instead. Sizes are in bytes.
func fits(steps, params, graph, plan int) error {
	switch {
	case params > paramsLimit:
		return component.Errorf(component.Invalid, "its parameters take %d bytes as JSON, the limit is %d: name what is large by an artifact.Source, or let a step make it", params, paramsLimit)
	case max(graph, plan) > metadata.BodyLimit:
		return component.Errorf(component.Invalid, "its %d steps with their parameters take %d bytes to record, the limit is %d: map one step over a list in place of as many steps",
			steps, max(graph, plan), metadata.BodyLimit)
	}
	return nil
}
