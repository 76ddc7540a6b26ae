package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// Run implements [metadata.Store].
func (s *store) Run(ctx context.Context, id string) (metadata.Run, error) {
	r, err := body[metadata.Run](s.read.QueryRowContext(ctx, "SELECT body FROM runs WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return r, component.Errorf(component.NotFound, "run %.80q does not exist", id)
	}
	return r, s.coded("read a run", err)
}

// Runs implements [metadata.Store].
func (s *store) Runs(ctx context.Context, q metadata.RunQuery) (metadata.Page[metadata.Run], error) {
	limit, err := limitOf(q.Cursor)
	if err != nil {
		return metadata.Page[metadata.Run]{}, err
	}
	after := ""
	if err := decodeCursor(q.After, &after); err != nil {
		return metadata.Page[metadata.Run]{}, err
	}
	sel := query{sql: "SELECT body FROM runs WHERE TRUE"}
	if q.After != "" {
		sel.where("id < ?", after)
	}
	if q.Pipeline != "" {
		sel.where("pipeline = ?", q.Pipeline)
	}
	if q.Name != "" {
		sel.where("name = ?", q.Name)
	}
	if q.IDPrefix != "" {
		sel.where("id >= ? AND id < ?", q.IDPrefix, q.IDPrefix+"\xff")
	}
	if len(q.States) > 0 {
		sel.where("state IN ("+marks(len(q.States))+")", anys(q.States)...)
	}
	for _, k := range slices.Sorted(maps.Keys(q.Tags)) {
		sel.where("id IN (SELECT run_id FROM run_tags WHERE key = ? AND value = ?)", k, q.Tags[k])
	}
	sel.sql += " ORDER BY id DESC"
	return page(ctx, s, "list runs", sel, limit, func(row scanner) (metadata.Run, error) {
		r, err := body[metadata.Run](row)
		r.Outputs = nil
		return r, err
	}, func(r metadata.Run) any { return r.ID })
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

func anys[T any](list []T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// DeleteRun implements [metadata.Store].
func (s *store) DeleteRun(ctx context.Context, id string) error {
	return s.update(ctx, "delete a run", false, func(t *tx) error {
		r, err := body[metadata.Run](t.row("SELECT body FROM runs WHERE id = ?", id))
		if errors.Is(err, sql.ErrNoRows) {
			return component.Errorf(component.NotFound, "run %.80q does not exist", id)
		}
		if err != nil {
			return err
		}
		if !r.State.Ended() {
			return component.Errorf(component.FailedPrecondition, "run %s is %s: cancel it before deleting it", id, r.State)
		}
		for _, q := range []string{
			"DELETE FROM versions WHERE artifact IN (SELECT id FROM artifacts WHERE run_id = ?)",
			"DELETE FROM artifacts WHERE run_id = ?",
			"DELETE FROM metrics WHERE run_id = ?",
			"DELETE FROM attempts WHERE run_id = ?",
			"DELETE FROM steps WHERE run_id = ?",
			"DELETE FROM content_refs WHERE run_id = ?",
			"DELETE FROM run_tags WHERE run_id = ?",
			"DELETE FROM runs WHERE id = ?",
		} {
			if _, err := t.exec(q, id); err != nil {
				return err
			}
		}
		_, err = t.exec(`DELETE FROM documents WHERE digest IN (?, ?)
			AND NOT EXISTS (SELECT 1 FROM runs WHERE graph = documents.digest) AND NOT EXISTS (SELECT 1 FROM runs WHERE plan = documents.digest)`,
			r.Graph, r.Plan)
		return err
	})
}

// Document implements [metadata.Store].
func (s *store) Document(ctx context.Context, digest artifact.Digest) (metadata.Document, error) {
	d := metadata.Document{Digest: digest}
	err := s.read.QueryRowContext(ctx, "SELECT kind, body FROM documents WHERE digest = ?", digest).Scan(&d.Kind, &d.Body)
	if errors.Is(err, sql.ErrNoRows) {
		return d, component.Errorf(component.NotFound, "document %.80q does not exist", digest)
	}
	return d, s.coded("read a document", err)
}
