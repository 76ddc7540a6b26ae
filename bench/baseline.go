package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tenon-ml/tenon/artifact"
)

// rowSchema has as many rows and about as many bytes a step as Tenon records: the step, its attempt, its artifact.
const rowSchema = `
CREATE TABLE step (run TEXT, name TEXT, idx INT, state TEXT, key TEXT, body TEXT, PRIMARY KEY (run, name, idx)) WITHOUT ROWID;
CREATE INDEX step_key ON step (key);
CREATE TABLE attempt (id TEXT PRIMARY KEY, run TEXT, name TEXT, body TEXT) WITHOUT ROWID;
CREATE TABLE artifact (id TEXT PRIMARY KEY, run TEXT, name TEXT, digest TEXT, body TEXT) WITHOUT ROWID;`

// bareSQLite writes the rows of n steps with plain database/sql, in transactions of the given number of steps.
func bareSQLite(n, group int) func(context.Context, string) (time.Duration, error) {
	return func(ctx context.Context, dir string) (time.Duration, error) {
		db, err := sql.Open(driver, "file:"+filepath.Join(dir, "bare.db")+pragmas)
		if err != nil {
			return 0, err
		}
		defer db.Close()
		db.SetMaxOpenConns(1)
		if _, err := db.ExecContext(ctx, rowSchema); err != nil {
			return 0, err
		}
		return timed(func() error {
			for at := 0; at < n; at += group {
				if err := insertSteps(ctx, db, at, min(at+group, n)); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func insertSteps(ctx context.Context, db *sql.DB, from, to int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	const run = "01936f00-0000-7000-8000-000000000000"
	body := fmt.Sprintf("%0200d", 0)
	for i := from; i < to; i++ {
		name, id := fmt.Sprintf("s%d", i), fmt.Sprintf("01936f00-0000-7000-8000-%012d", i)
		key := fmt.Sprintf("sha256:%064d", i)
		if _, err := tx.ExecContext(ctx, "INSERT INTO step VALUES (?,?,-1,'succeeded',?,?)", run, name, key, body); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO attempt VALUES (?,?,?,?)", id, run, name, body); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO artifact VALUES (?,?,?,?,?)", id, run, name, key, body); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// plainWide calls n functions with an errgroup, which keeps nothing.
func plainWide(n int) func(context.Context, string) (time.Duration, error) {
	return func(ctx context.Context, _ string) (time.Duration, error) {
		return timed(func() error {
			results := make([]artifact.Ref[int], n)
			var g errgroup.Group
			g.SetLimit(runtime.GOMAXPROCS(0))
			for i := range n {
				g.Go(func() (err error) {
					results[i], err = first(ctx, firstIn{N: i})
					return err
				})
			}
			return g.Wait()
		})
	}
}

// plainChain calls n functions one after the other in goroutines of an errgroup, which keeps nothing.
func plainChain(n int) func(context.Context, string) (time.Duration, error) {
	return func(ctx context.Context, _ string) (time.Duration, error) {
		return timed(func() error {
			last, err := first(ctx, firstIn{})
			for range n - 1 {
				if err != nil {
					return err
				}
				var g errgroup.Group
				g.Go(func() (err error) {
					last, err = link(ctx, linkIn{last})
					return err
				})
				err = g.Wait()
			}
			return err
		})
	}
}
