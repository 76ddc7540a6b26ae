//go:build !unix

package fingerprint

import "io/fs"

func (r *reader) onLocal(fs.FileInfo, string) bool { return false }
