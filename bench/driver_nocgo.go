//go:build !cgo

package main

import _ "modernc.org/sqlite" // the driver that Tenon uses without cgo

const (
	driver     = "sqlite"
	driverName = "SQLite in Go (modernc.org/sqlite)"
	pragmas    = "?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"
)
