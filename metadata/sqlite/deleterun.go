package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

const artifactsOfRun = "(SELECT o.value ->> 'id' FROM steps s, json_each(s.body, '$.outputs') o WHERE s.run = ?)"

// DeleteRun implements [metadata.Store].
func (s *store) DeleteRun(ctx context.Context, id string) error {
	if err := metadata.ValidateKey("run.id", id); err != nil {
		return err
	}
	return s.free(ctx, "delete a run", false, func(t *tx) error { return t.deleteRun(id) })
}

func (t *tx) deleteRun(id string) error {
	var n int64
	var state metadata.RunState
	var graph, plan, code []byte
	err := t.row("SELECT n, state, graph, plan, code FROM runs WHERE id = ?", id).Scan(&n, &state, &graph, &plan, &code)
	if errors.Is(err, sql.ErrNoRows) {
		return noRun(id)
	}
	if err != nil {
		return err
	}
	if !state.Ended() {
		return component.Errorf(component.FailedPrecondition, "run %s is %s: cancel it before deleting it", id, state)
	}
	for _, q := range []string{
		heirsOfRun,
		"DELETE FROM versions WHERE artifact IN " + artifactsOfRun,
		"DELETE FROM artifacts WHERE id IN " + artifactsOfRun,
		"DELETE FROM metrics WHERE run = ?",
		"DELETE FROM attempts WHERE run = ?",
		"DELETE FROM checkpoints WHERE run = ?",
		"DELETE FROM signals WHERE run = ?",
		"DELETE FROM steps WHERE run = ?",
		"DELETE FROM content_refs WHERE run = ?",
		"DELETE FROM runs WHERE n = ?",
	} {
		if _, err := t.exec(q, n); err != nil {
			return err
		}
	}
	if _, err := t.exec("DELETE FROM run_tags WHERE run_id = ?", id); err != nil {
		return err
	}
	for _, document := range [][]byte{graph, plan, code} {
		if err := t.dropDocument(document); err != nil {
			return err
		}
	}
	return nil
}

// dropDocument removes a document that no run names.
func (t *tx) dropDocument(digest []byte) error {
	_, err := t.exec(`DELETE FROM documents WHERE digest = ?1
		AND NOT EXISTS (SELECT 1 FROM runs WHERE graph = ?1) AND NOT EXISTS (SELECT 1 FROM runs WHERE plan = ?1)
		AND NOT EXISTS (SELECT 1 FROM runs WHERE code = ?1)`, digest)
	return err
}

// Document implements [metadata.Store].
func (s *store) Document(ctx context.Context, digest artifact.Digest) (metadata.Document, error) {
	if err := digest.Validate(); err != nil {
		return metadata.Document{}, err
	}
	d := metadata.Document{Digest: digest}
	err := s.row(ctx, "SELECT kind, body FROM documents WHERE digest = ?", sum(digest)).Scan(&d.Kind, &d.Body)
	if errors.Is(err, sql.ErrNoRows) {
		return metadata.Document{}, component.Errorf(component.NotFound, "document %s does not exist", digest)
	}
	return d, s.coded("read a document", err)
}
