package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

const (
	// byID finds artifacts by their ID; the artifact itself is in the body of its step.
	byID = "SELECT a.id, r.pipeline, s.body FROM artifacts a CROSS JOIN steps s ON s.n = a.step CROSS JOIN runs r ON r.n = s.run WHERE "

	// byRun walks the steps of runs.
	byRun = "SELECT r.pipeline, s.body FROM runs r CROSS JOIN steps s ON s.run = r.n WHERE "

	// byName walks the versions of a name from the newest to the oldest, each with the first of its artifacts. It jumps from
	// version to version, since one may have an artifact in each of many runs.
	byName = `WITH RECURSIVE walk (version) AS (
			SELECT max(version) FROM versions WHERE name = ?1 AND version < ?2
			UNION ALL
			SELECT (SELECT max(version) FROM versions WHERE name = ?1 AND version < walk.version) FROM walk WHERE walk.version IS NOT NULL
		)
		SELECT walk.version, a.id, r.pipeline, s.body FROM walk
		CROSS JOIN artifacts a ON a.id = (SELECT min(artifact) FROM versions WHERE name = ?1 AND version = walk.version)
		CROSS JOIN steps s ON s.n = a.step CROSS JOIN runs r ON r.n = s.run`
)

// output returns one artifact of a step.
func output(step metadata.Step, i int, pipeline string) metadata.Artifact {
	return metadata.Artifact{Output: step.Outputs[i], StepKey: step.StepKey, Pipeline: pipeline, Created: step.Finished}
}

func scanArtifact(row scanner, more ...any) (metadata.Artifact, error) {
	var id, pipeline string
	var body []byte
	if err := row.Scan(append(more, &id, &pipeline, &body)...); err != nil {
		return metadata.Artifact{}, err
	}
	step, err := fromJSON[metadata.Step](body)
	if err != nil {
		return metadata.Artifact{}, err
	}
	for i, o := range step.Outputs {
		if o.ID == id {
			return output(step, i, pipeline), nil
		}
	}
	return metadata.Artifact{}, component.Errorf(component.Corrupt, "metadata: artifact %s is not among the outputs of its step", id)
}

// Artifact implements [metadata.Store].
func (s *store) Artifact(ctx context.Context, id string) (metadata.Artifact, error) {
	if err := metadata.ValidateKey("artifact.id", id); err != nil {
		return metadata.Artifact{}, err
	}
	a, err := scanArtifact(s.row(ctx, byID+"a.id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return a, component.Errorf(component.NotFound, "artifact %.80q does not exist", id)
	}
	if err == nil {
		err = s.addVersions(ctx, &a)
	}
	return a, s.coded("read an artifact", err)
}

// addVersions fills in the names of an artifact.
func (s *store) addVersions(ctx context.Context, a *metadata.Artifact) error {
	q := query{sql: "SELECT name, version, created FROM versions WHERE artifact = ? ORDER BY name, version", args: []any{a.ID}}
	return s.each(ctx, q, func(row scanner) (bool, error) {
		v := metadata.Version{Artifact: a.ID}
		var created int64
		err := row.Scan(&v.Name, &v.Version, &created)
		v.Created = fromNanos(created)
		a.Versions = append(a.Versions, v)
		return true, err
	})
}

// Artifacts implements [metadata.Store].
func (s *store) Artifacts(ctx context.Context, q metadata.ArtifactQuery) (metadata.Page[metadata.Artifact], error) {
	if err := q.Validate(); err != nil {
		return metadata.Page[metadata.Artifact]{}, err
	}
	list := s.artifactsByRun
	switch {
	case q.Name != "":
		list = s.artifactsByName
	case q.IDPrefix != "":
		list = s.artifactsByID
	}
	p, err := list(ctx, q)
	for i := range p.Items {
		if err == nil {
			err = s.addVersions(ctx, &p.Items[i])
		}
	}
	if err != nil {
		return metadata.Page[metadata.Artifact]{}, s.coded("list artifacts", err)
	}
	return p, nil
}

// matches reports whether an artifact is one that q selects.
func matches(q metadata.ArtifactQuery, a metadata.Artifact) bool {
	return (q.Run == "" || q.Run == a.Run) && (q.Step == "" || q.Step == a.Step) && (q.Pipeline == "" || q.Pipeline == a.Pipeline)
}

func (s *store) artifactsByID(ctx context.Context, q metadata.ArtifactQuery) (metadata.Page[metadata.Artifact], error) {
	var after string
	if err := begin(q.Cursor, &after); err != nil {
		return metadata.Page[metadata.Artifact]{}, err
	}
	sel := query{sql: byID}
	sel.add("a.id >= ? AND a.id < ?", q.IDPrefix, endOfPrefix(q.IDPrefix))
	if after != "" {
		sel.add(" AND a.id < ?", after)
	}
	sel.add(" ORDER BY a.id DESC")
	p := metadata.Page[metadata.Artifact]{Items: []metadata.Artifact{}}
	err := s.each(ctx, sel, func(row scanner) (bool, error) {
		a, err := scanArtifact(row)
		if err != nil || !matches(q, a) {
			return true, err
		}
		return add(&p, a, q.Size(), func(last metadata.Artifact) any { return last.ID }), nil
	})
	return p, err
}

func (s *store) artifactsByName(ctx context.Context, q metadata.ArtifactQuery) (metadata.Page[metadata.Artifact], error) {
	before := int64(math.MaxInt64)
	if err := begin(q.Cursor, &before); err != nil {
		return metadata.Page[metadata.Artifact]{}, err
	}
	p := metadata.Page[metadata.Artifact]{Items: []metadata.Artifact{}}
	last := 0
	err := s.each(ctx, query{sql: byName, args: []any{q.Name, before}}, func(row scanner) (bool, error) {
		var version int
		a, err := scanArtifact(row, &version)
		if err != nil || !matches(q, a) {
			return true, err
		}
		more := add(&p, a, q.Size(), func(metadata.Artifact) any { return last })
		last = version
		return more, nil
	})
	return p, err
}

// artifactPlace is the place of an artifact in the order of runs, steps and outputs.
type artifactPlace struct {
	Run, Step     string
	Index, Output int
}

func (s *store) artifactsByRun(ctx context.Context, q metadata.ArtifactQuery) (metadata.Page[metadata.Artifact], error) {
	var after artifactPlace
	if err := begin(q.Cursor, &after); err != nil {
		return metadata.Page[metadata.Artifact]{}, err
	}
	if q.Run != "" && after.Run != "" && after.Run != q.Run {
		return metadata.Page[metadata.Artifact]{}, badCursor(q.Cursor)
	}
	p := metadata.Page[metadata.Artifact]{Items: []metadata.Artifact{}}
	last := after
	scan := func(row scanner) (bool, error) {
		var pipeline string
		var body []byte
		if err := row.Scan(&pipeline, &body); err != nil {
			return false, err
		}
		step, err := fromJSON[metadata.Step](body)
		if err != nil {
			return false, err
		}
		for i := range step.Outputs {
			at := artifactPlace{step.Run, step.Step, step.Index, i}
			if at.Run == after.Run && at.Step == after.Step && at.Index == after.Index && i <= after.Output {
				continue
			}
			if !add(&p, output(step, i, pipeline), q.Size(), func(metadata.Artifact) any { return last }) {
				return false, nil
			}
			last = at
		}
		return true, nil
	}
	if after.Run != "" { // the rest of the run in whose middle the page before ended
		if err := s.each(ctx, artifactsQuery(q, "r.id = ? AND (s.step, s.idx) >= (?, ?)", after.Run, after.Step, after.Index), scan); err != nil {
			return p, err
		}
		if q.Run != "" || p.Next != "" {
			return p, nil
		}
		return p, s.each(ctx, artifactsQuery(q, "r.id < ?", after.Run), scan)
	}
	if q.Run != "" {
		return p, s.each(ctx, artifactsQuery(q, "r.id = ?", q.Run), scan)
	}
	return p, s.each(ctx, artifactsQuery(q, "TRUE"), scan)
}

func artifactsQuery(q metadata.ArtifactQuery, where string, args ...any) query {
	sel := query{sql: byRun}
	sel.add(where, args...)
	if q.Pipeline != "" {
		sel.add(" AND r.pipeline = ?", q.Pipeline)
	}
	if q.Step != "" {
		sel.add(" AND s.step = ?", q.Step)
	}
	sel.add(" ORDER BY r.id DESC, s.step, s.idx")
	return sel
}
