package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// Version implements [metadata.Store].
func (s *store) Version(ctx context.Context, name string, version int) (metadata.Version, error) {
	if err := metadata.ValidateKey("version.name", name); err != nil {
		return metadata.Version{}, err
	}
	if version < 0 {
		return metadata.Version{}, component.Errorf(component.Invalid, "version %d of %.80s: versions count from 1; 0 is the newest", version, name)
	}
	sel, args := "SELECT version, artifact, created FROM versions WHERE name = ?1 AND version = ", []any{name}
	if version == 0 {
		sel += "(SELECT max(version) FROM versions WHERE name = ?1)"
	} else {
		sel, args = sel+"?2", append(args, version)
	}
	sel += " ORDER BY artifact LIMIT 1"
	v := metadata.Version{Name: name}
	var created int64
	err := s.row(ctx, sel, args...).Scan(&v.Version, &v.Artifact, &created)
	if errors.Is(err, sql.ErrNoRows) {
		if version == 0 {
			return metadata.Version{}, component.Errorf(component.NotFound, "no artifact is named %.80q", name)
		}
		return metadata.Version{}, component.Errorf(component.NotFound, "%.80s has no version %d", name, version)
	}
	v.Created = fromNanos(created)
	return v, s.coded("read a version", err)
}

// newestOfNames walks names, each with the first artifact of its newest version.
const newestOfNames = `SELECT n.name, v.version, v.artifact, v.created FROM names n CROSS JOIN versions v ON v.name = n.name
		AND v.version = (SELECT max(version) FROM versions WHERE name = n.name)
		AND v.artifact = (SELECT min(artifact) FROM versions WHERE name = n.name AND version = v.version)
	WHERE n.name >= ? AND n.name < ?`

// Names implements [metadata.Store].
func (s *store) Names(ctx context.Context, prefix string, c metadata.Cursor) (metadata.Page[metadata.Version], error) {
	var after string
	err := metadata.ValidateNames(prefix, c)
	if err == nil {
		err = begin(c, &after)
	}
	if err != nil {
		return metadata.Page[metadata.Version]{}, err
	}
	sel := query{sql: newestOfNames, args: []any{prefix, endOfPrefix(prefix)}}
	if after != "" {
		sel.add(" AND n.name > ?", after)
	}
	sel.add(" ORDER BY n.name LIMIT ?", c.Size()+1)
	return page(ctx, s, "list names", sel, c.Size(), func(row scanner) (v metadata.Version, err error) {
		var created int64
		err = row.Scan(&v.Name, &v.Version, &v.Artifact, &created)
		v.Created = fromNanos(created)
		return v, err
	}, func(v metadata.Version) any { return v.Name })
}
