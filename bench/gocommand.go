package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// source is the directory of this program's source.
func source() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(file)
}

// goCommand runs the go command in a directory, as if there were no workspace, and returns what it printed. Its error holds the first
// line that is not about progress.
func goCommand(dir string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		return string(out), nil
	}
	for line := range strings.Lines(stderr.String()) {
		if !strings.HasPrefix(line, "go: downloading") {
			return "", fmt.Errorf("go %s: %w: %s", args[0], err, strings.TrimSpace(line))
		}
	}
	return "", fmt.Errorf("go %s: %w", args[0], err)
}
