//go:build !linux || !cgo

package points

// SQLite reports whether there are points inside SQLite.
const SQLite = false

func watchSQLite() {}
