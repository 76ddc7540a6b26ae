//go:build !cgo

package sqlite

import (
	"errors"
	"net/url"

	"modernc.org/sqlite"
)

const driverName = "sqlite"

func dsn(path string) string {
	return fileURI(path, url.Values{
		"_pragma": {"busy_timeout(" + busyTimeout + ")", "journal_mode(WAL)", "synchronous(NORMAL)", "cache_size(" + cacheSize + ")"},
	})
}

// resultCode returns SQLite's primary result code.
func resultCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}
