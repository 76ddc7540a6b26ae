//go:build !linux

package fingerprint

// loadedImage is not known on this system.
func loadedImage() *image { return &image{} }
