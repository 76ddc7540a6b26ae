//go:build !linux

package fingerprint

import "time"

// goCommandStart is not known on this system; the executable is fingerprinted, which is as right and only slower.
func goCommandStart() (time.Time, bool) { return time.Time{}, false }
