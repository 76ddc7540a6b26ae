package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

// refuseCondemned refuses a batch that refers to content which garbage collection has condemned or is deleting.
func (t *tx) refuseCondemned(b metadata.Batch) error {
	var bad []artifact.Digest
	look := func(d artifact.Digest) error {
		var state string
		err := t.row("SELECT state FROM condemned WHERE digest = ?", d).Scan(&state)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		bad = append(bad, d)
		return err
	}
	for _, d := range references(b) {
		if err := look(d); err != nil {
			return err
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
	var add func(r artifact.Record)
	add = func(r artifact.Record) {
		for _, e := range r.Elements {
			add(e)
		}
		if r.Inline == nil && r.Codec != artifact.GatherCodec {
			digests = append(digests, r.Digest)
		}
	}
	for _, s := range b.Steps {
		for _, o := range s.Outputs {
			add(o.Record)
		}
		for _, in := range s.Inputs {
			if in.Artifact == "" && in.Digest != "" {
				digests = append(digests, in.Digest)
			}
		}
	}
	for _, a := range b.Attempts {
		for _, l := range a.Logs {
			if l.Digest != "" {
				digests = append(digests, l.Digest)
			}
		}
	}
	for _, r := range b.Update {
		for _, rec := range r.Outputs {
			add(rec)
		}
	}
	return digests
}

// move runs one statement for each digest and returns those that it changed.
func (s *store) move(ctx context.Context, what, statement string, digests []artifact.Digest) ([]artifact.Digest, error) {
	for _, d := range digests {
		if err := d.Validate(); err != nil {
			return nil, err
		}
	}
	var moved []artifact.Digest
	err := s.update(ctx, what, true, func(t *tx) error {
		moved = moved[:0]
		for _, d := range digests {
			n, err := t.exec(statement, d)
			if err != nil {
				return err
			}
			if n > 0 {
				moved = append(moved, d)
			}
		}
		return nil
	})
	return moved, err
}

// Condemn implements [metadata.Store].
func (s *store) Condemn(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error) {
	return s.move(ctx, "condemn content", `INSERT INTO condemned (digest, state) SELECT ?1, 'condemned'
		WHERE NOT EXISTS (SELECT 1 FROM content_refs WHERE digest = ?1) ON CONFLICT DO NOTHING`, digests)
}

// Revive implements [metadata.Store].
func (s *store) Revive(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error) {
	if _, err := s.move(ctx, "revive content", "DELETE FROM condemned WHERE digest = ? AND state = 'condemned'", digests); err != nil {
		return nil, err
	}
	var deleting []artifact.Digest
	for _, d := range digests {
		var found bool
		if err := s.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM condemned WHERE digest = ?)", d).Scan(&found); err != nil {
			return nil, s.coded("revive content", err)
		}
		if found {
			deleting = append(deleting, d)
		}
	}
	return deleting, nil
}

// BeginDelete implements [metadata.Store].
func (s *store) BeginDelete(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error) {
	return s.move(ctx, "begin to delete content", "UPDATE condemned SET state = 'deleting' WHERE digest = ? AND state = 'condemned'", digests)
}

// EndDelete implements [metadata.Store].
func (s *store) EndDelete(ctx context.Context, digests []artifact.Digest) error {
	_, err := s.move(ctx, "end the deletion of content", "DELETE FROM condemned WHERE digest = ? AND state = 'deleting'", digests)
	return err
}
