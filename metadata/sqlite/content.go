package sqlite

import (
	"context"
	"time"

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
	return &metadata.CondemnedError{Digests: bad}
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
		for _, l := range a.Logs {
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

// theRun owns what a run keeps as long as it is there; see the schema.
const theRun = 0

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

// Condemn implements [metadata.Store].
func (s *store) Condemn(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error) {
	return s.eachDigest(ctx, "condemn content", digests, func(t *tx, d []byte) (bool, error) {
		// The batches that follow in the same group must look.
		t.condemned = true
		if _, err := t.exec(`INSERT INTO condemned (digest, deleting) SELECT ?1, 0 WHERE NOT EXISTS (SELECT 1 FROM content_refs WHERE digest = ?1)
			ON CONFLICT DO UPDATE SET deleted = NULL`, d); err != nil {
			return false, err
		}
		return t.holds("SELECT EXISTS (SELECT 1 FROM condemned WHERE digest = ?)", d)
	})
}

// Revive implements [metadata.Store].
func (s *store) Revive(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error) {
	return s.eachDigest(ctx, "revive content", digests, func(t *tx, d []byte) (bool, error) {
		if _, err := t.exec("DELETE FROM condemned WHERE digest = ? AND NOT deleting", d); err != nil {
			return false, err
		}
		return t.holds("SELECT EXISTS (SELECT 1 FROM condemned WHERE digest = ?)", d)
	})
}

// BeginDelete implements [metadata.Store].
func (s *store) BeginDelete(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error) {
	return s.eachDigest(ctx, "begin to delete content", digests, func(t *tx, d []byte) (bool, error) {
		n, err := t.changed("UPDATE condemned SET deleting = 1, deleted = NULL WHERE digest = ?", d)
		return n > 0, err
	})
}

// EndDelete implements [metadata.Store].
func (s *store) EndDelete(ctx context.Context, digests []artifact.Digest) error {
	now := nanos(time.Now())
	_, err := s.eachDigest(ctx, "end the deletion of content", digests, func(t *tx, d []byte) (bool, error) {
		_, err := t.exec("UPDATE condemned SET deleting = 0, deleted = ? WHERE digest = ? AND deleting", now, d)
		return false, err
	})
	return err
}

// eachDigest does one thing with all digests in one durable transaction, and returns those for which it reports true.
func (s *store) eachDigest(ctx context.Context, what string, digests []artifact.Digest, do func(*tx, []byte) (bool, error)) ([]artifact.Digest, error) {
	for _, d := range digests {
		if err := d.Validate(); err != nil {
			return nil, err
		}
	}
	var kept []artifact.Digest
	err := s.update(ctx, what, true, func(t *tx) error {
		for _, d := range digests {
			ok, err := do(t, sum(d))
			if err != nil {
				return err
			}
			if ok {
				kept = append(kept, d)
			}
		}
		return nil
	})
	return kept, err
}

func (t *tx) holds(query string, args ...any) (is bool, err error) {
	err = t.row(query, args...).Scan(&is)
	return is, err
}
