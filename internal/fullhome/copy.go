package fullhome

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

// copied makes the rows of one copy.
type copied struct {
	number  uint64
	earlier time.Duration
}

// add adds the rows of a copy to a batch.
func (c copied) add(t Template, b *metadata.Batch) {
	run := t.run
	run.ID = c.id(run.ID)
	run.Created, run.Started, run.Finished = c.time(run.Created), c.time(run.Started), c.time(run.Finished)
	run.Outputs = make(map[string]artifact.Record, len(t.run.Outputs))
	for name, r := range t.run.Outputs {
		run.Outputs[name] = c.record(r)
	}
	b.Create = append(b.Create, run)
	for _, s := range t.steps {
		b.Steps = append(b.Steps, c.step(s, t.stored))
	}
	for _, a := range t.attempts {
		a.ID, a.Run = c.id(a.ID), run.ID
		a.Started, a.Finished = c.time(a.Started), c.time(a.Finished)
		a.Logs, a.Printed = c.logs(a.Logs), c.logs(a.Printed)
		b.Attempts = append(b.Attempts, a)
	}
	for _, m := range t.metrics {
		m.Run, m.Attempt, m.Time = run.ID, c.id(m.Attempt), c.time(m.Time)
		b.Metrics = append(b.Metrics, m)
	}
	for _, v := range t.versions {
		v.Artifact, v.Created = c.id(v.Artifact), c.time(v.Created)
		b.Versions = append(b.Versions, v)
	}
}

func (c copied) step(s metadata.Step, stored map[artifact.Digest]bool) metadata.Step {
	s.Run = c.id(s.Run)
	s.Started, s.Finished, s.Computed = c.time(s.Started), c.time(s.Finished), c.time(s.Computed)
	if s.CacheKey != "" {
		s.CacheKey = string(c.digest(s.CacheKey))
	}
	s.Inputs = slices.Clone(s.Inputs)
	for i := range s.Inputs {
		in := &s.Inputs[i]
		if in.Artifact != "" {
			in.Artifact = c.id(in.Artifact)
		}
		if stored[in.Digest] {
			in.Digest = c.digest(string(in.Digest))
		}
	}
	s.Outputs = slices.Clone(s.Outputs)
	for i := range s.Outputs {
		o := &s.Outputs[i]
		o.ID, o.Record = c.id(o.ID), c.record(o.Record)
	}
	return s
}

// record gives what is in the artifact store a digest of its own.
func (c copied) record(r artifact.Record) artifact.Record {
	if r.Inline == nil {
		r.Digest = c.digest(string(r.Digest))
	}
	r.Elements = slices.Clone(r.Elements)
	for i := range r.Elements {
		r.Elements[i] = c.record(r.Elements[i])
	}
	return r
}

func (c copied) logs(chunks []metadata.LogChunk) []metadata.LogChunk {
	chunks = slices.Clone(chunks)
	for i := range chunks {
		if d := chunks[i].Digest; d != "" {
			chunks[i].Digest = c.digest(string(d))
		}
	}
	return chunks
}

func (c copied) digest(of string) artifact.Digest {
	return artifact.NewDigest(sha256.Sum256(binary.BigEndian.AppendUint64([]byte(of), c.number)))
}

func (c copied) time(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(-c.earlier)
}

// id moves a UUIDv7 in time. IDs of the same millisecond keep their order, and no two copies have the same.
func (c copied) id(of string) string {
	id, err := uuid.Parse(of)
	if err != nil {
		return of // no ID that a store has given out
	}
	var ms [8]byte
	copy(ms[2:], id[:6])
	binary.BigEndian.PutUint64(ms[:], binary.BigEndian.Uint64(ms[:])-uint64(c.earlier.Milliseconds()))
	copy(id[:6], ms[2:])
	return id.String()
}
