package workerrpc

import (
	"cmp"
	"errors"
	"log/slog"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/logs"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/metadata"
	workerv1 "github.com/tenon-ml/tenon/proto/tenon/worker/v1"
	"github.com/tenon-ml/tenon/step"
)

func beatTo(run string, b worker.Beat) (*workerv1.BeatRequest, error) {
	checkpoint, err := optionalTo(b.Checkpoint)
	if err != nil {
		return nil, err
	}
	p := &workerv1.BeatRequest{
		Run: run, Attempt: text(b.Attempt), Lines: all(b.Lines, lineTo), Metrics: metricsTo(b.Metrics), Checkpoint: checkpoint,
	}
	if b.Done != -1 || b.Total != -1 {
		p.Progress = &workerv1.Progress{Done: b.Done, Total: b.Total}
	}
	return p, nil
}

func beatFrom(p *workerv1.BeatRequest) (worker.Beat, error) {
	b := worker.Beat{Attempt: p.GetAttempt(), Done: -1, Total: -1}
	if progress := p.GetProgress(); progress != nil {
		b.Done, b.Total = progress.GetDone(), progress.GetTotal()
	}
	var err1, err2, err3 error
	b.Lines, err1 = each(p.GetLines(), lineFrom)
	b.Metrics, err2 = metricsFrom(p.GetMetrics())
	b.Checkpoint, err3 = optionalFrom(p.GetCheckpoint())
	return b, cmp.Or(err1, err2, err3)
}

func reportTo(run string, r worker.Report) (*workerv1.FinishRequest, error) {
	outputs, err := each(r.Outputs, recordTo)
	if err != nil {
		return nil, err
	}
	return &workerv1.FinishRequest{
		Run: run, Attempt: text(r.Attempt), Outputs: outputs, Failure: failureTo(r.Failure), Logs: all(r.Logs, chunkTo), Metrics: metricsTo(r.Metrics),
		Started: timeTo(r.Started), Finished: timeTo(r.Finished), Host: text(r.Host), Read: r.Read, Written: r.Written,
		PeakMemory: int64(r.PeakMemory),
	}, nil
}

func reportFrom(p *workerv1.FinishRequest) (worker.Report, error) {
	r := worker.Report{
		Attempt: p.GetAttempt(), Failure: failureFrom(p.GetFailure()), Host: p.GetHost(), Read: p.GetRead(), Written: p.GetWritten(),
		PeakMemory: step.Bytes(p.GetPeakMemory()),
	}
	var err1, err2, err3, err4, err5 error
	r.Outputs, err1 = each(p.GetOutputs(), recordFrom)
	r.Logs, err2 = each(p.GetLogs(), chunkFrom)
	r.Metrics, err3 = metricsFrom(p.GetMetrics())
	r.Started, err4 = timeFrom("start of the attempt", p.GetStarted())
	r.Finished, err5 = timeFrom("end of the attempt", p.GetFinished())
	return r, cmp.Or(err1, err2, err3, err4, err5, notNegative("bytes read", r.Read), notNegative("bytes written", r.Written),
		notNegative("bytes of memory", int64(r.PeakMemory)))
}

// failureTo takes the code of the error, which stays in its process.
func failureTo(f *worker.Failure) *workerv1.Failure {
	if f == nil {
		return nil
	}
	code := f.Code
	if f.Err != nil && code == component.Unknown {
		code = component.CodeOf(f.Err)
	}
	return &workerv1.Failure{Message: text(f.Message), Kind: text(f.Kind), Permanent: f.Permanent, Stack: text(f.Stack), Code: uint32(code)}
}

// failureFrom makes an error of the code and the message.
func failureFrom(p *workerv1.Failure) *worker.Failure {
	if p == nil {
		return nil
	}
	f := &worker.Failure{Message: p.GetMessage(), Kind: p.GetKind(), Permanent: p.GetPermanent(), Stack: p.GetStack()}
	// A code that is not known here is none.
	if code := component.Code(p.GetCode()); uint32(code) == p.GetCode() && code <= component.Exhausted {
		f.Code = code
	}
	f.Err = &component.Error{Code: f.Code, Err: errors.New(f.Message)}
	return f
}

func lineTo(l logs.Line) *workerv1.LogLine {
	return &workerv1.LogLine{Time: timeTo(l.Time), Level: int64(l.Level), Message: text(l.Message)}
}

func lineFrom(p *workerv1.LogLine) (logs.Line, error) {
	t, err := timeFrom("time of a log line", p.GetTime())
	return logs.Line{Time: t, Level: slog.Level(p.GetLevel()), Message: p.GetMessage()}, err
}

func chunkTo(c metadata.LogChunk) *workerv1.LogChunk {
	return &workerv1.LogChunk{Lines: int64(c.Lines), Size: c.Size, Inline: c.Inline, Digest: string(c.Digest)}
}

func chunkFrom(p *workerv1.LogChunk) (metadata.LogChunk, error) {
	c := metadata.LogChunk{Lines: int(p.GetLines()), Size: p.GetSize(), Inline: p.GetInline(), Digest: artifact.Digest(p.GetDigest())}
	var err error
	if c.Digest != "" {
		err = c.Digest.Validate()
	}
	return c, cmp.Or(err, notNegative("lines of a log chunk", p.GetLines()), notNegative("size of a log chunk", c.Size))
}
