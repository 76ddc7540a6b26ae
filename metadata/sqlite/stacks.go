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
	c := checker{}
	c.id("stack.name", st.Name)
	c.size("stack.spec", len(st.Spec), textLimit)
	if c.err != nil {
		return st, c.err
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
			st.Name, st.Spec, st.Version, st.Updated.UnixNano())
		return err
	})
	return st, err
}

func scanStack(row scanner) (metadata.Stack, error) {
	var st metadata.Stack
	var updated int64
	err := row.Scan(&st.Name, &st.Spec, &st.Version, &updated)
	st.Updated = time.Unix(0, updated).UTC()
	return st, err
}

// Stack implements [metadata.Store].
func (s *store) Stack(ctx context.Context, name string) (metadata.Stack, error) {
	st, err := scanStack(s.read.QueryRowContext(ctx, "SELECT name, spec, version, updated FROM stacks WHERE name = ?", name))
	if errors.Is(err, sql.ErrNoRows) {
		return st, stackNotFound(name)
	}
	return st, s.coded("read a stack", err)
}

// Stacks implements [metadata.Store].
func (s *store) Stacks(ctx context.Context) ([]metadata.Stack, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT name, spec, version, updated FROM stacks ORDER BY name")
	if err != nil {
		return nil, s.coded("list stacks", err)
	}
	defer rows.Close()
	stacks := []metadata.Stack{}
	for rows.Next() {
		st, err := scanStack(rows)
		if err != nil {
			return nil, s.coded("list stacks", err)
		}
		stacks = append(stacks, st)
	}
	return stacks, s.coded("list stacks", rows.Err())
}

// DeleteStack implements [metadata.Store].
func (s *store) DeleteStack(ctx context.Context, name string) error {
	return s.update(ctx, "delete a stack", false, func(t *tx) error {
		var active string
		err := t.row("SELECT value FROM settings WHERE key = ?", activeStackKey).Scan(&active)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if active == name && name != "" {
			return component.Errorf(component.FailedPrecondition, "stack %s is the active one: choose another first", name)
		}
		n, err := t.exec("DELETE FROM stacks WHERE name = ?", name)
		if err == nil && n == 0 {
			return stackNotFound(name)
		}
		return err
	})
}

// ActiveStack implements [metadata.Store].
func (s *store) ActiveStack(ctx context.Context) (string, error) {
	var name string
	err := s.read.QueryRowContext(ctx, "SELECT value FROM settings WHERE key = ?", activeStackKey).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return name, s.coded("read the active stack", err)
}

// SetActiveStack implements [metadata.Store].
func (s *store) SetActiveStack(ctx context.Context, name string) error {
	return s.update(ctx, "choose a stack", false, func(t *tx) error {
		if name == "" {
			_, err := t.exec("DELETE FROM settings WHERE key = ?", activeStackKey)
			return err
		}
		var exists bool
		if err := t.row("SELECT EXISTS (SELECT 1 FROM stacks WHERE name = ?)", name).Scan(&exists); err != nil {
			return err
		}
		if !exists {
			return stackNotFound(name)
		}
		_, err := t.exec("INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", activeStackKey, name)
		return err
	})
}
