//go:build cgo

package main

import _ "github.com/mattn/go-sqlite3" // the driver that Tenon uses with cgo

const (
	driver     = "sqlite3"
	driverName = "SQLite in C (mattn/go-sqlite3)"
	pragmas    = "?_journal_mode=WAL&_synchronous=NORMAL"
)
