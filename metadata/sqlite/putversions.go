package sqlite

import (
	"database/sql"
	"errors"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// addVersions gives the artifact the next number of its name, or the newest one if that is of the same content.
func (b *batch) addVersions() error {
	for _, v := range b.Versions {
		record, err := b.output(v)
		if err != nil {
			return err
		}
		var newest int
		err = b.row("SELECT newest FROM names WHERE name = ?", v.Name).Scan(&newest)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var digest []byte
		err = b.row("SELECT digest FROM versions WHERE name = ? AND version = ? LIMIT 1", v.Name, newest).Scan(&digest)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if string(digest) != string(sum(record.Digest)) {
			newest++
			if _, err := b.exec("INSERT INTO names (name, newest) VALUES (?, ?) ON CONFLICT DO UPDATE SET newest = excluded.newest", v.Name, newest); err != nil {
				return err
			}
		}
		if _, err := b.exec("INSERT INTO versions (name, version, artifact, digest, created) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			v.Name, newest, v.Artifact, sum(record.Digest), nanos(v.Created)); err != nil {
			return err
		}
	}
	return nil
}

// output returns the record of the artifact that a version names.
func (b *batch) output(v metadata.Version) (artifact.Record, error) {
	var body []byte
	err := b.row("SELECT s.body FROM artifacts a JOIN steps s ON s.n = a.step WHERE a.id = ?", v.Artifact).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return artifact.Record{}, component.Errorf(component.NotFound, "metadata: version of %s: artifact %s does not exist", v.Name, v.Artifact)
	}
	if err != nil {
		return artifact.Record{}, err
	}
	step, err := fromJSON[metadata.Step](body)
	if err != nil {
		return artifact.Record{}, err
	}
	for _, o := range step.Outputs {
		if o.ID != v.Artifact {
			continue
		}
		if o.Pruned {
			return artifact.Record{}, component.Errorf(component.FailedPrecondition, "metadata: version of %s: the content of artifact %s was pruned", v.Name, v.Artifact)
		}
		return o.Record, nil
	}
	return artifact.Record{}, component.Errorf(component.Corrupt, "metadata: artifact %s is not among the outputs of its step", v.Artifact)
}
