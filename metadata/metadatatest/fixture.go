package metadatatest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

// newID returns a UUIDv7, which sorts after those made before.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// digest returns the digest of some content.
func digest(content string) artifact.Digest {
	return artifact.NewDigest(sha256.Sum256([]byte(content)))
}

// moment returns a fixed time with nanoseconds, some seconds later.
func moment(seconds int) time.Time {
	return time.Date(2026, 3, 4, 5, 6, 7, 123456789, time.UTC).Add(time.Duration(seconds) * time.Second)
}

// newRun returns a run that runs.
func newRun() metadata.Run {
	return metadata.Run{
		ID: newID(), Name: "nightly", Pipeline: "penguins", State: metadata.RunRunning, Stack: "default", Epoch: 1,
		Graph: digest("graph"), Plan: digest("plan"), Params: json.RawMessage(`{"lr":0.1}`), Created: moment(0), Started: moment(1),
	}
}

// run creates a run that runs.
func (s *suite) run(change ...func(*metadata.Run)) metadata.Run {
	s.Helper()
	r := newRun()
	for _, c := range change {
		c(&r)
	}
	s.apply(metadata.Batch{Create: []metadata.Run{r}})
	return r
}

// end lets a run succeed.
func (s *suite) end(r metadata.Run) {
	s.Helper()
	r.State, r.Finished = metadata.RunSucceeded, moment(100)
	s.apply(metadata.Batch{Update: []metadata.Run{r}})
}

// step returns a row of a step that is not mapped.
func step(run, name string, state metadata.StepState) metadata.Step {
	return metadata.Step{StepKey: metadata.StepKey{Run: run, Step: name, Index: -1}, State: state, Started: moment(2), Finished: moment(3)}
}

// made returns a row of a step that succeeded with one inline output.
func made(run, name, content string) metadata.Step {
	st := step(run, name, metadata.StepSucceeded)
	st.Computed = moment(3)
	st.Outputs = []metadata.Output{{ID: newID(), Name: "output", Record: inline(content)}}
	return st
}

// inline returns the record of content that travels in it.
func inline(content string) artifact.Record {
	return artifact.Record{Digest: digest(content), Size: int64(len(content)), Codec: "raw/1", Type: "string", Inline: []byte(content)}
}

// stored returns the record of content that is in the artifact store.
func stored(content string) artifact.Record {
	r := inline(content)
	r.Inline = nil
	return r
}

// withOutput gives a step one output.
func withOutput(st metadata.Step, r artifact.Record) metadata.Step {
	st.Outputs = []metadata.Output{{ID: newID(), Name: "output", Record: r}}
	return st
}

// element makes a row that of an element.
func element(st metadata.Step, index int) metadata.Step {
	st.Index = index
	return st
}

func attempt(k metadata.StepKey, number int) metadata.Attempt {
	return metadata.Attempt{ID: newID(), StepKey: k, Number: number, State: metadata.StepSucceeded, Started: moment(2), Finished: moment(3)}
}

func steps(rows ...metadata.Step) metadata.Batch { return metadata.Batch{Steps: rows} }

func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("step-%04d", i)
	}
	return out
}
