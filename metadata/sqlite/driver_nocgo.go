//go:build !cgo

package sqlite

import (
	"errors"
	"net/url"

	"modernc.org/sqlite"
)

const driverName = "sqlite"

func dsn(path string) string {
	q := url.Values{
		"_pragma": {"busy_timeout(" + busyTimeout + ")", "journal_mode(WAL)", "synchronous(NORMAL)", "cache_size(" + cacheSize + ")"},
		"_txlock": {"immediate"},
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// resultCode returns SQLite's primary result code.
func resultCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}
