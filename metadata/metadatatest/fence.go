package metadatatest

import (
	"fmt"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func fenceTests() []test {
	return []test{
		{"Epoch", fenceEpoch},
		{"Takeover", fenceTakeover},
		{"NewRun", fenceNewRun},
	}
}

func fenceEpoch(s *suite) {
	r := s.run(func(r *metadata.Run) { r.Epoch = 3 })
	row := func(epoch int) metadata.Batch {
		return metadata.Batch{Run: r.ID, Epoch: epoch, Steps: []metadata.Step{step(r.ID, fmt.Sprintf("epoch-%d", epoch), metadata.StepRunning)}}
	}
	for _, epoch := range []int{0, 2, 4, -1} {
		s.refuses(fmt.Sprintf("a batch of epoch %d where it is 3", epoch), row(epoch), component.FailedPrecondition)
	}
	s.apply(row(3), steps(step(r.ID, "unfenced", metadata.StepRunning)))
	got, err := s.Steps(s.Context(), metadata.StepQuery{Run: r.ID})
	if err != nil || len(got.Items) != 2 {
		s.Errorf("want the steps of the right epoch and of no epoch, got %+v, %v", got.Items, err)
	}
}

func fenceTakeover(s *suite) {
	r := s.run()
	next := r
	next.Epoch, next.Driver = 2, metadata.Driver{Host: "other", PID: 7}
	s.apply(metadata.Batch{Run: r.ID, Epoch: 2, Update: []metadata.Run{next}, Steps: []metadata.Step{step(r.ID, "resumed", metadata.StepRunning)}})
	s.checkRun(next)
	s.refuses("a batch of the driver before", metadata.Batch{Run: r.ID, Epoch: 1, Steps: []metadata.Step{step(r.ID, "late", metadata.StepRunning)}}, component.FailedPrecondition)
	s.refuses("a second takeover with the same epoch", metadata.Batch{Run: r.ID, Epoch: 1, Update: []metadata.Run{next}}, component.FailedPrecondition)
	rival := next
	rival.Driver.PID++
	s.refuses("a second takeover by another driver", metadata.Batch{Run: r.ID, Epoch: 2, Update: []metadata.Run{rival}}, component.FailedPrecondition)
	next.Driver.Lease = time.Now().UTC()
	s.apply(metadata.Batch{Run: r.ID, Epoch: 2, Update: []metadata.Run{next}})
	s.refuses("a smaller epoch", metadata.Batch{Update: []metadata.Run{r}}, component.FailedPrecondition)
	far := next
	far.Epoch = 3
	s.refuses("a fence that its update does not reach", metadata.Batch{Run: r.ID, Epoch: 4, Update: []metadata.Run{far}}, component.FailedPrecondition)
	s.checkRun(next)
}

func fenceNewRun(s *suite) {
	r := newRun()
	s.refuses("a fence of another epoch than that of the run it creates", metadata.Batch{Run: r.ID, Epoch: 2, Create: []metadata.Run{r}}, component.FailedPrecondition)
	s.apply(metadata.Batch{Run: r.ID, Epoch: 1, Create: []metadata.Run{r}, Steps: []metadata.Step{step(r.ID, "load", metadata.StepRunning)}})
	s.checkRun(r)
}
