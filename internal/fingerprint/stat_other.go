//go:build !unix

package fingerprint

import (
	"io/fs"
	"time"
)

// identity changes whenever the content of a file may have changed, as far as this system tells.
func identity(info fs.FileInfo) string { return info.ModTime().UTC().Format(time.RFC3339Nano) }

func changed(info fs.FileInfo) time.Time { return info.ModTime() }
