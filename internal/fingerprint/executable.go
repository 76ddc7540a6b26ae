package fingerprint

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/filememo"
)

// Running returns the digest of the file that this process runs, and what the file system says of it. MemoDir is as in [Options].
func Running(ctx context.Context, memoDir string) (string, fs.FileInfo, error) {
	path, err := os.Executable()
	if err != nil {
		return "", nil, component.Errorf(component.FailedPrecondition, "find the running executable: %w", err)
	}
	if runtime.GOOS == "linux" {
		const running = "/proc/self/exe" // the file itself, also when it was replaced or deleted
		self, err := os.Stat(running)
		if placed, placedErr := os.Stat(path); err == nil && (placedErr != nil || !os.SameFile(self, placed)) {
			path = running
		}
	}
	memo := filememo.New("")
	if memoDir != "" {
		memo = filememo.New(filepath.Join(memoDir, "code.json"))
		defer memo.Save()
	}
	digest, info, err := memo.Digest(ctx, path)
	if err != nil {
		return "", nil, component.Errorf(component.FailedPrecondition, "read the running executable: %w", err)
	}
	return digest, info, nil
}

// executableDigest returns the digest of the code that runs, which need not be what lies at its path any more: a new version may have been
// installed there meanwhile.
func (c *coarse) executableDigest(ctx context.Context) (string, error) {
	if c.exeErr != nil && runtime.GOOS != "linux" {
		return "", component.Errorf(component.FailedPrecondition, "find the running executable: %w", c.exeErr)
	}
	digest, info, err := c.memo.Digest(ctx, c.exePath)
	switch {
	case runtime.GOOS == "linux":
		const running = "/proc/self/exe" // the file itself, also when it was replaced or deleted
		self, statErr := os.Stat(running)
		if statErr == nil && (err != nil || !os.SameFile(info, self)) {
			digest, _, err = c.memo.Digest(ctx, running)
		}
	case err == nil && filememo.Identity(info) != filememo.Identity(c.exeInfo):
		return "", component.Errorf(component.FailedPrecondition, "the executable %s was replaced since this program started: start it again", c.exePath)
	}
	if err != nil {
		return "", component.Errorf(component.FailedPrecondition, "read the running executable: %w", err)
	}
	h := newHash("executable")
	write(h, digest)
	return sum(h), nil
}
