//go:build cgo

package sqlite

import (
	"errors"
	"net/url"

	"github.com/mattn/go-sqlite3"
)

const driverName = "sqlite3"

func dsn(path string) string {
	return fileURI(path, url.Values{"_busy_timeout": {busyTimeout}, "_journal_mode": {"WAL"}, "_synchronous": {"NORMAL"}, "_cache_size": {cacheSize}})
}

// resultCode returns SQLite's primary result code.
func resultCode(err error) int {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return int(e.Code)
	}
	return 0
}
