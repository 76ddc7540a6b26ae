package workerrpc

import (
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/worker"
	workerv1 "github.com/tenon-ml/tenon/proto/tenon/worker/v1"
)

// assignmentTo leaves out what is of one process: Stop, which is a message of its own, and Shared.
func assignmentTo(a worker.Assignment) (*workerv1.Assignment, error) {
	inputs, err := each(a.Inputs, recordTo)
	if err != nil {
		return nil, err
	}
	checkpoint, err := optionalTo(a.Checkpoint)
	if err != nil {
		return nil, err
	}
	return &workerv1.Assignment{
		Attempt: text(a.Attempt), Run: text(a.Run), Pipeline: text(a.Pipeline), Node: int64(a.Node), Step: text(a.Step), Index: int64(a.Index),
		Number: int64(a.Number), Key: text(a.Key), Inputs: inputs, Pins: all(a.Pins, pinTo), Config: configTo(a.Config),
		Checkpoint: checkpoint, BeatEvery: durationTo(a.BeatEvery),
	}, nil
}

func assignmentFrom(p *workerv1.Assignment) (worker.Assignment, error) {
	inputs, err := each(p.GetInputs(), recordFrom)
	if err != nil {
		return worker.Assignment{}, err
	}
	checkpoint, err := optionalFrom(p.GetCheckpoint())
	if err != nil {
		return worker.Assignment{}, err
	}
	return worker.Assignment{
		Attempt: p.GetAttempt(), Run: p.GetRun(), Pipeline: p.GetPipeline(), Node: int(p.GetNode()), Step: p.GetStep(), Index: int(p.GetIndex()),
		Number: int(p.GetNumber()), Key: p.GetKey(), Inputs: inputs, Pins: all(p.GetPins(), pinFrom), Config: configFrom(p.GetConfig()),
		Checkpoint: checkpoint, BeatEvery: durationFrom(p.GetBeatEvery()),
	}, nil
}

func pinTo(p ref.Pin) *workerv1.Pin {
	return &workerv1.Pin{Uri: text(p.URI), Digest: text(p.Digest), Size: p.Size, Dir: p.Dir, Stored: p.Stored}
}

func pinFrom(p *workerv1.Pin) ref.Pin {
	return ref.Pin{URI: p.GetUri(), Digest: p.GetDigest(), Size: p.GetSize(), Dir: p.GetDir(), Stored: p.GetStored()}
}

func jobTo(j Job) *workerv1.Job {
	return &workerv1.Job{
		Pipeline: text(j.Pipeline), Params: j.Params, Graph: text(string(j.Graph)),
		Executable: &workerv1.Executable{
			Digest: text(string(j.Executable.Digest)), Size: j.Executable.Size, Modified: timeTo(j.Executable.Modified),
		},
		Home: text(j.Home), TempDir: text(j.TempDir), Stack: j.Stack, StackName: text(j.StackName),
	}
}

func jobFrom(p *workerv1.Job) (Job, error) {
	modified, err := timeFrom("time of the executable", p.GetExecutable().GetModified())
	return Job{
		Pipeline: p.GetPipeline(), Params: p.GetParams(), Graph: artifact.Digest(p.GetGraph()),
		Executable: Executable{
			Digest: artifact.Digest(p.GetExecutable().GetDigest()), Size: p.GetExecutable().GetSize(), Modified: modified,
		},
		Home: p.GetHome(), TempDir: p.GetTempDir(), Stack: p.GetStack(), StackName: p.GetStackName(),
	}, err
}
