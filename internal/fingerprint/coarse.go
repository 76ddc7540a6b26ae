package fingerprint

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/internal/filememo"
)

// Options of [NewCoarse]. The zero value remembers nothing between processes.
type Options struct {
	// MemoDir is where digests of unchanged files are remembered. Empty: nowhere.
	MemoDir string
}

// NewCoarse returns the coarse implementation. It does nothing until it is first used, and computes the digest of the code once.
func NewCoarse(o Options) Fingerprinter {
	memo := ""
	if o.MemoDir != "" {
		memo = filepath.Join(o.MemoDir, "code.json")
	}
	return &coarse{memo: filememo.New(memo), started: goCommandStart, executable: os.Executable}
}

type coarse struct {
	memo       *filememo.Memo
	started    func() (time.Time, bool) // of the go command that started this process
	executable func() (string, error)

	mu     sync.Mutex
	digest string // of all code; empty until computed
	mode   Mode
	tree   *sources // in source mode
}

func (c *coarse) Fingerprint(ctx context.Context, fn any) (Fingerprint, error) {
	f, err := FuncOf(fn)
	if err != nil {
		return Fingerprint{}, err
	}
	if err := c.compute(ctx, f); err != nil {
		return Fingerprint{}, err
	}
	h := newHash(string(c.mode))
	write(h, c.digest)
	f.identity(h)
	return Fingerprint{Digest: sum(h), Mode: c.mode, Captured: captured(f, c.tree)}, nil
}

// compute finds the digest of all code, once. Any doubt about the source leads to the executable.
func (c *coarse) compute(ctx context.Context, f Func) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.digest != "" {
		return nil
	}
	if started, ok := c.started(); ok {
		if tree, ok := readSources(ctx, f, started, c.memo); ok {
			c.tree, c.digest, c.mode = tree, tree.digest(), ModeSource
			c.memo.Save()
			return nil
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	digest, err := c.executableDigest(ctx)
	if err != nil {
		return err
	}
	c.digest, c.mode = digest, ModeExecutable
	c.memo.Save()
	return nil
}
