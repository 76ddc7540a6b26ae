package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

const activeStackKey = "active_stack"

func stackNotFound(name string) error {
	return component.Errorf(component.NotFound, "stack %.80q does not exist", name)
}

// PutStack implements [metadata.Store].
func (s *store) PutStack(ctx context.Context, st metadata.Stack, version int) (metadata.Stack, error) {
	if err := st.Validate(); err != nil {
		return metadata.Stack{}, err
	}
	if version < 0 {
		return metadata.Stack{}, component.Errorf(component.Invalid, "metadata: version %d of a stack: versions count from 1; 0 is any", version)
	}
	err := s.update(ctx, "store a stack", false, func(t *tx) error {
		var stored int
		err := t.row("SELECT version FROM stacks WHERE name = ?", st.Name).Scan(&stored)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if version != 0 && version != stored {
			return component.Errorf(component.FailedPrecondition, "stack %s was changed meanwhile (version %d, not %d): look at it and try again", st.Name, stored, version)
		}
		st.Version, st.Updated = stored+1, time.Now().UTC()
		_, err = t.exec("INSERT INTO stacks (name, spec, version, updated) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET spec = excluded.spec, version = excluded.version, updated = excluded.updated",
			st.Name, notNull(st.Spec), st.Version, nanos(st.Updated))
		return err
	})
	if err != nil {
		return metadata.Stack{}, err
	}
	return st, nil
}

func scanStack(row scanner) (metadata.Stack, error) {
	var st metadata.Stack
	var updated int64
	err := row.Scan(&st.Name, &st.Spec, &st.Version, &updated)
	st.Updated = fromNanos(updated)
	return st, err
}

// Stack implements [metadata.Store].
func (s *store) Stack(ctx context.Context, name string) (metadata.Stack, error) {
	if err := metadata.ValidateKey("stack.name", name); err != nil {
		return metadata.Stack{}, err
	}
	st, err := scanStack(s.row(ctx, "SELECT name, spec, version, updated FROM stacks WHERE name = ?", name))
	if errors.Is(err, sql.ErrNoRows) {
		return metadata.Stack{}, stackNotFound(name)
	}
	return st, s.coded("read a stack", err)
}

// Stacks implements [metadata.Store].
func (s *store) Stacks(ctx context.Context) ([]metadata.Stack, error) {
	stacks := []metadata.Stack{}
	err := s.each(ctx, query{sql: "SELECT name, spec, version, updated FROM stacks ORDER BY name"}, func(row scanner) (bool, error) {
		st, err := scanStack(row)
		stacks = append(stacks, st)
		return true, err
	})
	if err != nil {
		return nil, s.coded("list stacks", err)
	}
	return stacks, nil
}

// DeleteStack implements [metadata.Store].
func (s *store) DeleteStack(ctx context.Context, name string) error {
	if err := metadata.ValidateKey("stack.name", name); err != nil {
		return err
	}
	return s.update(ctx, "delete a stack", false, func(t *tx) error {
		var active string
		err := t.row("SELECT value FROM settings WHERE key = ?", activeStackKey).Scan(&active)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if active == name {
			return component.Errorf(component.FailedPrecondition, "stack %s is the active one: choose another first", name)
		}
		n, err := t.changed("DELETE FROM stacks WHERE name = ?", name)
		if err == nil && n == 0 {
			return stackNotFound(name)
		}
		return err
	})
}

// ActiveStack implements [metadata.Store].
func (s *store) ActiveStack(ctx context.Context) (string, error) {
	var name string
	err := s.row(ctx, "SELECT value FROM settings WHERE key = ?", activeStackKey).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return name, s.coded("read the active stack", err)
}

// SetActiveStack implements [metadata.Store].
func (s *store) SetActiveStack(ctx context.Context, name string) error {
	if name != "" {
		if err := metadata.ValidateKey("stack.name", name); err != nil {
			return err
		}
	}
	return s.update(ctx, "choose a stack", false, func(t *tx) error {
		if name == "" {
			_, err := t.exec("DELETE FROM settings WHERE key = ?", activeStackKey)
			return err
		}
		exists, err := t.holds("SELECT EXISTS (SELECT 1 FROM stacks WHERE name = ?)", name)
		if err != nil {
			return err
		}
		if !exists {
			return stackNotFound(name)
		}
		_, err = t.exec("INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", activeStackKey, name)
		return err
	})
}
