package metadata_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/metadata"
)

// table draws a state machine: a row for each state, a column for each that it may become.
func table[S ~string](states []S, can func(from, to S) bool, ended func(S) bool) string {
	var b strings.Builder
	for i, from := range states {
		fmt.Fprintf(&b, "%-10s ", from)
		for j, to := range states {
			switch {
			case i == j && can(from, to):
				b.WriteByte('=')
			case can(from, to):
				b.WriteByte('x')
			default:
				b.WriteByte('.')
			}
		}
		if ended(from) {
			b.WriteString(" ended")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestRunStates(t *testing.T) {
	t.Parallel()
	want := strings.TrimPrefix(`
pending    =xx.xx
running    .=xxxx
cancelling ..=xxx
succeeded  ...=.. ended
failed     .x..=. ended
cancelled  .x...= ended
`, "\n")
	got := table(metadata.RunStates(), metadata.RunState.CanBecome, metadata.RunState.Ended)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestStepStates(t *testing.T) {
	t.Parallel()
	want := strings.TrimPrefix(`
pending    =xxxxxxxxx
ready      .=xxxxxxxx
running    x.=x.x..xx
retrying   x.x=.x..xx
waiting    x...=x.xxx
succeeded  .....=.... ended
cached     ..xx.x=.xx ended
skipped    xxx..xx=xx ended
failed     xxx..xxx=x ended
cancelled  xxx..xxxx= ended
`, "\n")
	got := table(metadata.StepStates(), metadata.StepState.CanBecome, metadata.StepState.Ended)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What is not a state becomes nothing.
func TestUnknownStates(t *testing.T) {
	t.Parallel()
	for _, s := range metadata.StepStates() {
		if s.CanBecome("sleeping") || metadata.StepState("sleeping").CanBecome(s) {
			t.Errorf("an unknown state and %s become each other", s)
		}
	}
	if metadata.RunState("").Ended() || metadata.StepState("").Ended() {
		t.Error("an unknown state has ended")
	}
}
