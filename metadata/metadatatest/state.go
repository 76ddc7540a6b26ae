package metadatatest

import (
	"fmt"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func stateTests() []test {
	return []test{
		{"Runs", stateRuns},
		{"Steps", stateSteps},
	}
}

// Every pair of states: what the table allows succeeds, what it forbids is refused and changes nothing.
func stateRuns(s *suite) {
	for _, from := range metadata.RunStates() {
		for _, to := range metadata.RunStates() {
			r := s.run(func(r *metadata.Run) { r.State = from })
			next := r
			next.State, next.Error = to, "now "+string(to)
			s.transition(fmt.Sprintf("a run from %s to %s", from, to), metadata.Batch{Update: []metadata.Run{next}}, from.CanBecome(to))
			if from.CanBecome(to) {
				r = next
			}
			s.checkRun(r)
		}
	}
}

func stateSteps(s *suite) {
	r := s.run()
	for _, from := range metadata.StepStates() {
		for _, to := range metadata.StepStates() {
			name := fmt.Sprintf("%s to %s", from, to)
			row, next := step(r.ID, name, from), step(r.ID, name, to)
			next.Error = "now " + string(to)
			s.apply(steps(row))
			s.transition("a step from "+name, steps(next), from.CanBecome(to))
			if from.CanBecome(to) {
				row = next
			}
			got, err := s.Steps(s.Context(), metadata.StepQuery{Run: r.ID, Step: name})
			if err != nil {
				s.Fatal(err)
			}
			s.equal("the step "+name, got.Items, []metadata.Step{row})
		}
	}
}

func (s *suite) transition(what string, b metadata.Batch, allowed bool) {
	s.Helper()
	if !allowed {
		s.refuses(what, b, component.FailedPrecondition)
	} else if err := s.Apply(s.Context(), b); err != nil {
		s.Errorf("%s: %v", what, err)
	}
}
