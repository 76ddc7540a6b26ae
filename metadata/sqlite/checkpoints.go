package sqlite

import (
	"context"

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
	if err := b.release(run, -n); err != nil {
		return err
	}
	return b.referRecord(run, -n, c.Record)
}

// forgetCheckpoint forgets what a step saved. Few runs have checkpoints, so that steps of others look but once in a batch.
func (b *batch) forgetCheckpoint(run int64, k metadata.StepKey) error {
	if !b.checkpoints {
		return nil
	}
	any, known := b.saved[run]
	if !known {
		var err error
		if any, err = b.holds("SELECT EXISTS (SELECT 1 FROM checkpoints WHERE run = ?)", run); err != nil {
			return err
		}
		b.saved[run] = any
	}
	if !any {
		return nil
	}
	if _, err := b.exec(`DELETE FROM content_refs WHERE run = ?1 AND owner = (SELECT -n FROM checkpoints WHERE run = ?1 AND step = ?2 AND idx = ?3)`,
		run, k.Step, k.Index); err != nil {
		return err
	}
	_, err := b.exec("DELETE FROM checkpoints WHERE run = ? AND step = ? AND idx = ?", run, k.Step, k.Index)
	return err
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
