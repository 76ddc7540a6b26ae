package workerrpc

import (
	"cmp"
	"crypto/sha256"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/metadata"
)

// checkBeat refuses a beat that speaks of other attempts than its own, or holds content that is not what it says.
func checkBeat(run string, b worker.Beat) error {
	err := checkMetrics(run, b.Attempt, b.Metrics)
	if b.Checkpoint != nil {
		err = cmp.Or(err, checkInline(*b.Checkpoint))
	}
	return err
}

// checkReport refuses a report that speaks of other attempts than its own, or holds content that is not what it says.
func checkReport(run string, r worker.Report) error {
	for _, output := range r.Outputs {
		if err := checkInline(output); err != nil {
			return err
		}
	}
	return checkMetrics(run, r.Attempt, r.Metrics)
}

func checkMetrics(run, attempt string, metrics []metadata.Metric) error {
	for _, m := range metrics {
		if m.Run != run || m.Attempt != attempt {
			return component.Errorf(component.PermissionDenied, "attempt %.80q of run %s reports a metric of attempt %.80q of run %.80q", attempt, run, m.Attempt, m.Run)
		}
	}
	return nil
}

// checkInline hashes content that travels in records. What an engine sends is not checked like this: who reads it finds damage, which the
// engine heals.
func checkInline(r artifact.Record) error {
	if r.Inline != nil && (r.Size != int64(len(r.Inline)) || r.Digest != artifact.NewDigest(sha256.Sum256(r.Inline))) {
		return component.Errorf(component.Invalid, "artifact %s of %d bytes: the %d bytes in its record are others", r.Digest, r.Size, len(r.Inline))
	}
	for _, e := range r.Elements {
		if err := checkInline(e); err != nil {
			return err
		}
	}
	return nil
}
