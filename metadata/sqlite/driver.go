package sqlite

import (
	"net/url"
	"path/filepath"
	"strings"
)

// Settings of every connection.
const (
	busyTimeout = "60000" // milliseconds that a connection waits for another process
	cacheSize   = "-8000" // KiB
)

// fileURI names a file to SQLite: https://www.sqlite.org/uri.html.
func fileURI(path string, settings url.Values) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/...
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + settings.Encode()
}
