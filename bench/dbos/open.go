package main

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite" // its own driver; it also tells errors apart
	_ "github.com/mattn/go-sqlite3"
)

type options struct {
	dir    string
	native bool
}

// open launches DBOS on the database in the options' directory. Either driver gets what DBOS sets by itself: a write-ahead log with
// synchronous=NORMAL, as Tenon has.
func open(ctx context.Context, o options, p program) (dbos.Context, func() error, error) {
	path := filepath.Join(o.dir, "dbos.db")
	config := dbos.Config{
		AppName:     "bench",
		DatabaseURL: "sqlite:" + path,
		Logger:      slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	}
	closeDB := func() error { return nil }
	if o.native {
		db, err := sql.Open("sqlite3", "file:"+path+"?_txlock=immediate&_busy_timeout=5000&_foreign_keys=1&_journal_mode=WAL&_synchronous=NORMAL")
		if err != nil {
			return nil, nil, err
		}
		db.SetMaxOpenConns(8)
		db.SetMaxIdleConns(8)
		config.DatabaseURL, config.SQLiteSystemDB, closeDB = "", db, db.Close
	}
	c, err := dbos.NewContext(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	dbos.RegisterWorkflow(c, p.chain)
	dbos.RegisterWorkflow(c, p.wide)
	dbos.RegisterWorkflow(c, p.hello)
	if err := dbos.Launch(c); err != nil {
		return nil, nil, err
	}
	return c, func() error {
		if err := dbos.Shutdown(c, time.Minute); err != nil {
			return err
		}
		return closeDB()
	}, nil
}
