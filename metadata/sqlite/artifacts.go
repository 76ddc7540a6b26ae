package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

const artifactColumns = `SELECT a.id, a.run_id, a.step, a.idx, a.name, a.pipeline, a.created, s.body FROM artifacts a
	JOIN steps s ON s.run_id = a.run_id AND s.step = a.step AND s.idx = a.idx WHERE TRUE`

func scanArtifact(row scanner) (metadata.Artifact, error) {
	var a metadata.Artifact
	var created int64
	var data []byte
	if err := row.Scan(&a.ID, &a.Run, &a.Step, &a.Index, &a.Name, &a.Pipeline, &created, &data); err != nil {
		return a, err
	}
	a.Created = time.Unix(0, created).UTC()
	step, err := body[metadata.Step](onlyBody(data))
	if err != nil {
		return a, err
	}
	for _, o := range step.Outputs {
		if o.ID == a.ID {
			a.Output = o
			return a, nil
		}
	}
	return a, component.Errorf(component.Corrupt, "metadata: artifact %s is not among the outputs of its step", a.ID)
}

type onlyBody []byte

func (b onlyBody) Scan(dest ...any) error {
	*dest[0].(*[]byte) = b
	return nil
}

// Artifact implements [metadata.Store].
func (s *store) Artifact(ctx context.Context, id string) (metadata.Artifact, error) {
	a, err := scanArtifact(s.read.QueryRowContext(ctx, artifactColumns+" AND a.id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return a, component.Errorf(component.NotFound, "artifact %.80q does not exist", id)
	}
	if err != nil {
		return a, s.coded("read an artifact", err)
	}
	rows, err := s.read.QueryContext(ctx, "SELECT name, version, created FROM versions WHERE artifact = ? ORDER BY name, version", id)
	if err != nil {
		return a, s.coded("read an artifact", err)
	}
	defer rows.Close()
	for rows.Next() {
		v := metadata.Version{Artifact: id}
		var created int64
		if err := rows.Scan(&v.Name, &v.Version, &created); err != nil {
			return a, s.coded("read an artifact", err)
		}
		v.Created = time.Unix(0, created).UTC()
		a.Versions = append(a.Versions, v)
	}
	return a, s.coded("read an artifact", rows.Err())
}

// Artifacts implements [metadata.Store].
func (s *store) Artifacts(ctx context.Context, q metadata.ArtifactQuery) (metadata.Page[metadata.Artifact], error) {
	limit, err := limitOf(q.Cursor)
	if err != nil {
		return metadata.Page[metadata.Artifact]{}, err
	}
	after := ""
	if err := decodeCursor(q.After, &after); err != nil {
		return metadata.Page[metadata.Artifact]{}, err
	}
	sel := query{sql: artifactColumns}
	if q.After != "" {
		sel.where("a.id < ?", after)
	}
	if q.Run != "" {
		sel.where("a.run_id = ?", q.Run)
	}
	if q.Step != "" {
		sel.where("a.step = ?", q.Step)
	}
	if q.Pipeline != "" {
		sel.where("a.pipeline = ?", q.Pipeline)
	}
	if q.Digest != "" {
		sel.where("a.digest = ?", q.Digest)
	}
	if q.IDPrefix != "" {
		sel.where("a.id >= ? AND a.id < ?", q.IDPrefix, q.IDPrefix+"\xff")
	}
	if q.Name != "" {
		sel.where("a.id IN (SELECT artifact FROM versions WHERE name = ?)", q.Name)
	}
	sel.sql += " ORDER BY a.id DESC"
	p, err := page(ctx, s, "list artifacts", sel, limit, scanArtifact, func(a metadata.Artifact) any { return a.ID })
	if err != nil || q.Name == "" {
		return p, err
	}
	for i := range p.Items {
		if p.Items[i], err = s.Artifact(ctx, p.Items[i].ID); err != nil {
			return p, err
		}
	}
	return p, nil
}

// Version implements [metadata.Store].
func (s *store) Version(ctx context.Context, name string, version int) (metadata.Version, error) {
	v := metadata.Version{Name: name}
	sel, args := "SELECT version, artifact, created FROM versions WHERE name = ? ORDER BY version DESC LIMIT 1", []any{name}
	if version != 0 {
		sel, args = "SELECT version, artifact, created FROM versions WHERE name = ? AND version = ?", append(args, version)
	}
	var created int64
	err := s.read.QueryRowContext(ctx, sel, args...).Scan(&v.Version, &v.Artifact, &created)
	if errors.Is(err, sql.ErrNoRows) {
		if version == 0 {
			return v, component.Errorf(component.NotFound, "no artifact is named %.80q", name)
		}
		return v, component.Errorf(component.NotFound, "%.80s has no version %d", name, version)
	}
	v.Created = time.Unix(0, created).UTC()
	return v, s.coded("read a version", err)
}
