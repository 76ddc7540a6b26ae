package cli

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestBuiltByGoRun(t *testing.T) {
	t.Parallel()
	digest := strings.Repeat("0a", 32)
	for path, want := range map[string]bool{
		"/tmp/go-build123/b001/exe/lab":                   true,
		"/caches/go-build/0a/" + digest + "-d/lab":        true,
		"/elsewhere/gocache/0a/" + digest + "-d/lab":      true,
		"/tmp/go-build123/b001/lab.test":                  false,
		"/usr/local/bin/lab":                              false,
		"/home/ada/exe/lab":                               false,
		"/home/ada/0a/" + digest + "/lab":                 false,
		"/home/ada/0a/" + strings.Repeat("x", 64) + "-d/": false,
		"lab": false,
		"":    false,
	} {
		if got := builtByGoRun(filepath.FromSlash(path)); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}
