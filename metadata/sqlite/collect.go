package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

const (
	// digestLimit bounds the contents of one transaction, so that other writers wait but milliseconds.
	digestLimit = 1000
	// generationKey is the setting that counts the beginnings and ends of deletions.
	generationKey = "generation"
)

// generation returns the current one.
func (t *tx) generation() (n int64, err error) {
	err = t.row("SELECT value FROM settings WHERE key = ?", generationKey).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return n, err
}

// nextGeneration begins a new one.
func (t *tx) nextGeneration() (int64, error) {
	n, err := t.generation()
	if err != nil {
		return 0, err
	}
	_, err = t.exec("INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", generationKey, n+1)
	return n + 1, err
}

// Unreferenced implements [metadata.Store].
func (s *store) Unreferenced(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error) {
	for _, d := range digests {
		if err := d.Validate(); err != nil {
			return nil, err
		}
	}
	free := []artifact.Digest{}
	for _, d := range digests {
		var referenced bool
		if err := s.row(ctx, "SELECT EXISTS (SELECT 1 FROM content_refs WHERE digest = ?)", sum(d)).Scan(&referenced); err != nil {
			return nil, s.coded("look for references to content", err)
		}
		if !referenced {
			free = append(free, d)
		}
	}
	return free, nil
}

// Condemn implements [metadata.Store].
func (s *store) Condemn(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error) {
	return s.eachDigest(ctx, "condemn content", digests, func(t *tx, _ int64, d []byte) (bool, error) {
		t.condemned = true // the batches that follow in the same group must look
		if _, err := t.exec(`INSERT INTO condemned (digest, deleting, generation)
			SELECT ?1, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM content_refs WHERE digest = ?1)
			ON CONFLICT DO UPDATE SET deleted = NULL`, d); err != nil {
			return false, err
		}
		return t.isCondemned(d)
	})
}

// Revive implements [metadata.Store].
func (s *store) Revive(ctx context.Context, digests []artifact.Digest, generation int64) ([]artifact.Digest, error) {
	return s.eachDigest(ctx, "revive content", digests, func(t *tx, _ int64, d []byte) (bool, error) {
		if _, err := t.exec("DELETE FROM condemned WHERE digest = ? AND NOT deleting AND generation <= ?", d, generation); err != nil {
			return false, err
		}
		return t.isCondemned(d)
	})
}

// BeginDelete implements [metadata.Store].
func (s *store) BeginDelete(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error) {
	return s.eachDigest(ctx, deleteBegins, digests, func(t *tx, generation int64, d []byte) (bool, error) {
		n, err := t.changed("UPDATE condemned SET deleting = 1, deleted = NULL, generation = ? WHERE digest = ?", generation, d)
		return n > 0, err
	})
}

// Deleting implements [metadata.Store].
func (s *store) Deleting(ctx context.Context) ([]artifact.Digest, error) {
	digests := []artifact.Digest{}
	q := query{sql: "SELECT digest FROM condemned INDEXED BY condemned_deleting WHERE deleting ORDER BY digest"}
	err := s.each(ctx, q, func(row scanner) (bool, error) {
		var hash []byte
		if err := row.Scan(&hash); err != nil {
			return false, err
		}
		if len(hash) != sha256.Size {
			return false, component.Errorf(component.Corrupt, "metadata: a stored digest has %d bytes", len(hash))
		}
		digests = append(digests, artifact.NewDigest([sha256.Size]byte(hash)))
		return true, nil
	})
	if err != nil {
		return nil, s.coded("list content that is being deleted", err)
	}
	return digests, nil
}

// EndDelete implements [metadata.Store].
func (s *store) EndDelete(ctx context.Context, digests []artifact.Digest) error {
	now := nanos(time.Now())
	_, err := s.eachDigest(ctx, deleteEnds, digests, func(t *tx, generation int64, d []byte) (bool, error) {
		_, err := t.exec("UPDATE condemned SET deleting = 0, deleted = ?, generation = ? WHERE digest = ? AND deleting", now, generation, d)
		return false, err
	})
	return err
}

// What begins a new generation.
const (
	deleteBegins = "begin to delete content"
	deleteEnds   = "end the deletion of content"
)

// eachDigest does one thing with all digests, in durable transactions, and returns those for which it reports true.
func (s *store) eachDigest(ctx context.Context, what string, digests []artifact.Digest, do func(t *tx, generation int64, d []byte) (bool, error)) ([]artifact.Digest, error) {
	for _, d := range digests {
		if err := d.Validate(); err != nil {
			return nil, err
		}
	}
	kept := []artifact.Digest{}
	for first := true; first || len(digests) > 0; first = false {
		some := digests[:min(len(digests), digestLimit)]
		digests = digests[len(some):]
		var those []artifact.Digest
		err := s.free(ctx, what, true, func(t *tx) (err error) {
			those = those[:0]
			var generation int64
			if what == deleteBegins || what == deleteEnds {
				if generation, err = t.nextGeneration(); err != nil {
					return err
				}
			}
			for _, d := range some {
				ok, err := do(t, generation, sum(d))
				if err != nil {
					return err
				}
				if ok {
					those = append(those, d)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		kept = append(kept, those...)
	}
	return kept, nil
}

func (t *tx) isCondemned(digest []byte) (bool, error) {
	return t.holds("SELECT EXISTS (SELECT 1 FROM condemned WHERE digest = ?)", digest)
}

// holds asks a question.
func (t *tx) holds(query string, args ...any) (is bool, err error) {
	err = t.row(query, args...).Scan(&is)
	return is, err
}
