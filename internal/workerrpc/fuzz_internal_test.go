package workerrpc

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	workerv1 "github.com/tenon-ml/tenon/proto/tenon/worker/v1"
)

// Messages from anywhere are refused or understood, and what was understood is the same again after another trip.
func FuzzMessages(f *testing.F) {
	digest := "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	records := []*workerv1.Record{{Digest: digest, Size: 1, Inline: []byte("1"), Meta: []byte(`{"a":[1,{"b":null}]}`), Elements: []*workerv1.Record{{Digest: digest}}}}
	for _, m := range []proto.Message{
		&workerv1.BeatRequest{Attempt: "a", Checkpoint: records[0], Progress: &workerv1.Progress{Done: 1}, Lines: []*workerv1.LogLine{{Message: "m"}}},
		&workerv1.FinishRequest{Attempt: "a", Outputs: records, Failure: &workerv1.Failure{Code: 3}, Logs: []*workerv1.LogChunk{{Lines: 1, Digest: digest}}},
		&workerv1.Assignment{Attempt: "a", Inputs: records, Config: &workerv1.StepConfig{Limits: &workerv1.StepConfig_Limits{Names: []string{"db"}}}},
		&workerv1.Job{Graph: digest, Executable: &workerv1.Executable{Size: 1}},
	} {
		wire, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		for _, c := range conversions {
			v, err := c.decode(wire)
			if err != nil {
				continue
			}
			if diff := cmp.Diff(v, c.again(t, v), same...); diff != "" {
				t.Errorf("%s, before (-) and after (+):\n%s", c.name, diff)
			}
		}
	})
}
