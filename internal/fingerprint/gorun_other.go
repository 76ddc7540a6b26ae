//go:build !linux

package fingerprint

// parentGoRun is not known on this system; the executable is fingerprinted, which is as right.
func parentGoRun() (goRun, bool) { return goRun{}, false }

func localFileSystem(string) bool { return false }
