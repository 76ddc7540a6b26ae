package metadatatest

import (
	"fmt"
	"slices"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func signalTests() []test {
	return []test{
		{"Order", signalOrder},
		{"Once", signalOnce},
		{"States", signalStates},
		{"Invalid", signalInvalid},
		{"OneOfMany", signalConcurrent},
	}
}

func (s *suite) signals(run string, limit int) []metadata.Signal {
	s.Helper()
	return all(s, limit, func(c metadata.Cursor) (metadata.Page[metadata.Signal], error) {
		return s.Signals(s.Context(), metadata.SignalQuery{Run: run, Cursor: c})
	})
}

func signal(run string, kind metadata.SignalKind) metadata.Signal {
	sig := metadata.Signal{ID: newID(), Run: run, Kind: kind, By: "ann", Note: "looks good \x00", Created: moment(5)}
	if kind != metadata.SignalCancel {
		sig.Step = "deploy"
	}
	return sig
}

// By ID, whatever the order of writing, and those of one run alone.
func signalOrder(s *suite) {
	r, other := s.run(), s.run()
	var want []metadata.Signal
	kinds := metadata.SignalKinds()
	for i := range 12 {
		want = append(want, signal(r.ID, kinds[i%len(kinds)]))
	}
	b := metadata.Batch{Signals: slices.Clone(want)}
	slices.Reverse(b.Signals)
	s.apply(b, metadata.Batch{Signals: []metadata.Signal{signal(other.ID, metadata.SignalCancel)}})
	for _, limit := range []int{1, 5, 12, 1000} {
		s.equal(fmt.Sprintf("signals in pages of %d", limit), s.signals(r.ID, limit), want)
	}
	s.equal("signals of a run that does not exist", s.signals(newID(), 10), []metadata.Signal(nil))
	s.refuses("a signal to a run that does not exist", metadata.Batch{Signals: []metadata.Signal{signal(newID(), metadata.SignalCancel)}}, component.NotFound)
}

// A signal that is sent again changes nothing, also when its run has ended since.
func signalOnce(s *suite) {
	r := s.run()
	sig := signal(r.ID, metadata.SignalCancel)
	s.apply(metadata.Batch{Signals: []metadata.Signal{sig}})
	again := sig
	again.Note = "really"
	s.apply(metadata.Batch{Signals: []metadata.Signal{again, again}})
	s.end(r)
	s.apply(metadata.Batch{ID: newID(), Signals: []metadata.Signal{again}})
	s.equal("the signals", s.signals(r.ID, 10), []metadata.Signal{sig})
}

// What ended cannot be cancelled; what failed or was cancelled may be resumed, and finds approvals then.
func signalStates(s *suite) {
	for _, state := range metadata.RunStates() {
		for _, kind := range metadata.SignalKinds() {
			r := s.run(func(r *metadata.Run) { r.State = state })
			sig := signal(r.ID, kind)
			b := metadata.Batch{ID: newID(), Signals: []metadata.Signal{sig}}
			var want []metadata.Signal
			if state == metadata.RunSucceeded || state.Ended() && kind == metadata.SignalCancel {
				s.refuses(fmt.Sprintf("%s of a run that is %s", kind, state), b, component.FailedPrecondition)
			} else {
				s.apply(b)
				want = []metadata.Signal{sig}
			}
			s.equal(fmt.Sprintf("signals after %s of a run that is %s", kind, state), s.signals(r.ID, 10), want)
		}
	}
	r := newRun()
	ended := r
	ended.State = metadata.RunSucceeded
	late := metadata.Batch{Create: []metadata.Run{r}, Update: []metadata.Run{ended}, Signals: []metadata.Signal{signal(r.ID, metadata.SignalApprove)}}
	s.refuses("a signal to a run that succeeds in the same batch", late, component.FailedPrecondition)
}

func signalInvalid(s *suite) {
	r := s.run()
	for what, spoil := range map[string]func(*metadata.Signal){
		"no ID":                   func(sig *metadata.Signal) { sig.ID = "" },
		"an ID that is no UUIDv7": func(sig *metadata.Signal) { sig.ID = "f47ac10b-58cc-4372-a567-0e02b2c3d479" },
		"an unknown kind":         func(sig *metadata.Signal) { sig.Kind = "pause" },
		"no step to approve":      func(sig *metadata.Signal) { sig.Step = "" },
		"a step to cancel":        func(sig *metadata.Signal) { sig.Kind = metadata.SignalCancel },
		"a note of over 1 MiB":    func(sig *metadata.Signal) { sig.Note = string(make([]byte, 1<<20+1)) },
		"a name of over 1 MiB":    func(sig *metadata.Signal) { sig.By = string(make([]byte, 1<<20+1)) },
	} {
		sig := signal(r.ID, metadata.SignalApprove)
		spoil(&sig)
		s.refuses("a signal with "+what, metadata.Batch{Signals: []metadata.Signal{sig}}, component.Invalid)
	}
	s.equal("the signals", s.signals(r.ID, 10), []metadata.Signal(nil))
}

// Signals of many at once are all there, and the same one is there once.
func signalConcurrent(s *suite) {
	r := s.run()
	same := signal(r.ID, metadata.SignalApprove)
	together(20, func(int) {
		for _, sig := range []metadata.Signal{same, signal(r.ID, metadata.SignalReject)} {
			if err := s.Apply(s.Context(), metadata.Batch{ID: newID(), Signals: []metadata.Signal{sig}}); err != nil {
				s.Error(err)
			}
		}
	})
	if got := s.signals(r.ID, 1000); len(got) != 21 {
		s.Errorf("%d signals, want 21", len(got))
	}
}
