//go:build !unix

package filememo

import (
	"fmt"
	"io/fs"
	"time"
)

// Identity changes whenever the content of a file may have changed, as far as this system tells.
func Identity(info fs.FileInfo) string {
	return fmt.Sprintf("%d.%d", info.Size(), info.ModTime().UnixNano())
}

// Changed returns the time at which the content of a file changed, as far as this system tells.
func Changed(info fs.FileInfo) time.Time { return info.ModTime() }
