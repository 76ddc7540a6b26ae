package sqlite

import (
	"slices"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

// refuseCondemned refuses a batch that refers to content which garbage collection has condemned or is deleting.
func (b *batch) refuseCondemned() error {
	if !b.condemned {
		return nil
	}
	var bad []artifact.Digest
	seen := map[artifact.Digest]bool{}
	for _, d := range references(b.Batch) {
		if seen[d] {
			continue
		}
		seen[d] = true
		var condemned bool
		if err := b.row("SELECT EXISTS (SELECT 1 FROM condemned WHERE digest = ?)", sum(d)).Scan(&condemned); err != nil {
			return err
		}
		if condemned {
			bad = append(bad, d)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	generation, err := b.generation()
	if err != nil {
		return err
	}
	return &metadata.CondemnedError{Digests: bad, Generation: generation}
}

// references lists the content in the artifact store that a batch refers to.
func references(b metadata.Batch) []artifact.Digest {
	var digests []artifact.Digest
	add := func(d artifact.Digest) { digests = append(digests, d) }
	for _, runs := range [][]metadata.Run{b.Create, b.Update} {
		for _, r := range runs {
			for _, record := range r.Outputs {
				contents(record, add)
			}
		}
	}
	for _, s := range b.Steps {
		for _, o := range s.Outputs {
			if !o.Pruned {
				contents(o.Record, add)
			}
		}
		for _, in := range s.Inputs {
			if in.Artifact == "" && in.Digest != "" {
				add(in.Digest)
			}
		}
	}
	for _, c := range b.Checkpoints {
		contents(c.Record, add)
	}
	digests = append(digests, b.Holds...)
	for _, a := range b.Attempts {
		for _, l := range slices.Concat(a.Logs, a.Printed) {
			if l.Digest != "" {
				add(l.Digest)
			}
		}
	}
	return digests
}

// contents calls yield with all content in the artifact store that a record consists of. Inline content and lists have no bytes there.
func contents(r artifact.Record, yield func(artifact.Digest)) {
	for _, e := range r.Elements {
		contents(e, yield)
	}
	if inStore(r) {
		yield(r.Digest)
	}
}

// inStore reports whether a record has bytes of its own in the artifact store.
func inStore(r artifact.Record) bool { return r.Inline == nil && r.Codec != artifact.GatherCodec }

// What of a run keeps content, beside its steps, which are n of their rows.
const (
	theRun int64 = 0 // as long as it is there
	aHold  int64 = -1
)

// ofCheckpoint is what a checkpoint is called among those that keep content.
func ofCheckpoint(n int64) int64 { return aHold - n }

// referRecord records that a run keeps the content of a record alive, and for what.
func (t *tx) referRecord(run, owner int64, r artifact.Record) (err error) {
	contents(r, func(d artifact.Digest) {
		if err == nil {
			err = t.refer(run, owner, d)
		}
	})
	return err
}

// refer records that a run keeps content alive, and for what.
func (t *tx) refer(run, owner int64, d artifact.Digest) error {
	if d == "" {
		return nil
	}
	_, err := t.exec("INSERT INTO content_refs (digest, run, owner) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", sum(d), run, owner)
	return err
}

// release takes back what refer recorded for an owner.
func (t *tx) release(run, owner int64) error {
	_, err := t.exec("DELETE FROM content_refs WHERE run = ? AND owner = ?", run, owner)
	return err
}

// hold records what the run of the batch needs, although no row names it. What a step of the run keeps already needs no hold.
func (b *batch) hold() error {
	if len(b.Holds) == 0 {
		return nil
	}
	run, err := b.number(b.Run)
	if err != nil {
		return err
	}
	b.held[run] = true
	for _, d := range b.Holds {
		if _, err := b.exec(`INSERT INTO content_refs (digest, run, owner)
			SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM content_refs WHERE digest = ?1 AND run = ?2 AND owner > 0)
			ON CONFLICT DO NOTHING`, sum(d), run, aHold); err != nil {
			return err
		}
	}
	return nil
}

// referOutput records that a step keeps the content of an output alive. Holds on it have served their purpose.
func (b *batch) referOutput(run, step int64, r artifact.Record) error {
	if err := b.referRecord(run, step, r); err != nil {
		return err
	}
	var err error
	contents(r, func(d artifact.Digest) {
		var held bool
		if err == nil {
			held, err = b.fact(b.held, run, "SELECT EXISTS (SELECT 1 FROM content_refs WHERE run = ? AND owner = -1)")
		}
		if err == nil && held {
			_, err = b.exec("DELETE FROM content_refs WHERE digest = ? AND run = ? AND owner = ?", sum(d), run, aHold)
		}
	})
	return err
}
