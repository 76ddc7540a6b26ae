package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/tenon-ml/tenon/metadata"
)

func (b *batch) putCheckpoints() error {
	for i := range b.Checkpoints {
		if err := b.putCheckpoint(&b.Checkpoints[i]); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) putCheckpoint(c *metadata.Checkpoint) error {
	run, err := b.number(c.Run)
	if err != nil {
		return err
	}
	late, err := b.holds("SELECT EXISTS (SELECT 1 FROM steps WHERE run = ? AND step = ? AND idx = ? AND state IN (?, ?, ?))",
		run, c.Step, c.Index, string(metadata.StepSucceeded), string(metadata.StepCached), string(metadata.StepSkipped))
	if err != nil || late {
		return err
	}
	body, err := toJSON(c)
	if err != nil {
		return err
	}
	var n int64
	if err := b.row(`INSERT INTO checkpoints (run, step, idx, body) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET body = excluded.body RETURNING n`, run, c.Step, c.Index, body).Scan(&n); err != nil {
		return err
	}
	b.checkpoints, b.saved[run] = true, true // what follows in the same group must look
	if err := b.release(run, ofCheckpoint(n)); err != nil {
		return err
	}
	return b.referRecord(run, ofCheckpoint(n), c.Record)
}

// forgetCheckpoint forgets what a step saved. Few runs have checkpoints, so that steps of others look but once in a batch.
func (b *batch) forgetCheckpoint(run int64, k metadata.StepKey) error {
	if !b.checkpoints {
		return nil
	}
	saved, err := b.fact(b.saved, run, "SELECT EXISTS (SELECT 1 FROM checkpoints WHERE run = ?)")
	if err != nil || !saved {
		return err
	}
	var n int64
	err = b.row("DELETE FROM checkpoints WHERE run = ? AND step = ? AND idx = ? RETURNING n", run, k.Step, k.Index).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return b.release(run, ofCheckpoint(n))
}

// Checkpoints implements [metadata.Store].
func (s *store) Checkpoints(ctx context.Context, run string) ([]metadata.Checkpoint, error) {
	if err := metadata.ValidateKey("run", run); err != nil {
		return nil, err
	}
	checkpoints := []metadata.Checkpoint{}
	q := query{sql: "SELECT body FROM checkpoints WHERE " + ofRun + " ORDER BY step, idx", args: []any{run}}
	err := s.each(ctx, q, func(row scanner) (bool, error) {
		c, err := scanBody[metadata.Checkpoint](row)
		checkpoints = append(checkpoints, c)
		return true, err
	})
	if err != nil {
		return nil, s.coded("list checkpoints", err)
	}
	return checkpoints, nil
}
