package fingerprint

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/internal/filememo"
)

// Options of [NewCoarse]. The zero value remembers nothing between processes.
type Options struct {
	// MemoDir is where digests of unchanged files are remembered. Empty: nowhere.
	MemoDir string
}

// NewCoarse returns the coarse implementation. It is made when the program starts, because it notes how the process came to be; it reads
// no source until it is first used, and computes the digest of the code once.
func NewCoarse(o Options) Fingerprinter { return newCoarse(o, parentGoRun, os.Executable) }

func newCoarse(o Options, origin func() (goRun, bool), executable func() (string, error)) *coarse {
	file := func(name string) string {
		if o.MemoDir == "" {
			return ""
		}
		return filepath.Join(o.MemoDir, name)
	}
	c := &coarse{memo: filememo.New(file("code.json")), facts: newFactMemo(file("code-facts.json")), origin: origin, inTree: map[string]string{}}
	if c.run, c.underGo = origin(); !c.underGo {
		c.treeDone = true
	}
	if c.exePath, c.exeErr = executable(); c.exeErr == nil {
		c.exeInfo, c.exeErr = os.Stat(c.exePath)
	}
	return c
}

type coarse struct {
	memo    *filememo.Memo
	facts   *factMemo
	origin  func() (goRun, bool)
	run     goRun // how this process was started, if underGo
	underGo bool
	exePath string
	exeInfo fs.FileInfo // when this was made
	exeErr  error

	mu       sync.Mutex
	tree     *sources // nil if the source is not certain
	treeDone bool
	inTree   map[string]string // file of a function to its name in the tree; empty if it is not there
	exe      string            // digest of the executable; empty until computed
	image    *image            // nil until it was looked for
}

func (c *coarse) Fingerprint(ctx context.Context, fn any, _ string) (Fingerprint, error) {
	f, err := FuncOf(fn)
	if err != nil {
		return Fingerprint{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ofFunc(ctx, f, fn)
}

func (c *coarse) ofFunc(ctx context.Context, f Func, fn any) (Fingerprint, error) {
	code, err := c.code(ctx, f)
	if err != nil {
		return Fingerprint{}, err
	}
	h := newHash(string(code.mode))
	write(h, code.digest)
	f.identity(h, code.file)
	return Fingerprint{Digest: sum(h), Mode: code.mode, Captured: c.captured(f, fn)}, nil
}

// captured is why a function may hold state that is in no source, or empty.
func (c *coarse) captured(f Func, fn any) string {
	if c.image == nil {
		c.image = loadedImage()
	}
	return captured(f, c.image.holds(fn))
}

// code is all code that a function could reach.
type code struct {
	mode   Mode
	digest string
	file   string // the name of the function's own file in it
}

// code returns what f could reach. Any doubt about the source leads to the executable.
func (c *coarse) code(ctx context.Context, f Func) (code, error) {
	if err := c.readTree(ctx); err != nil {
		return code{}, err
	}
	if c.tree != nil && !f.generic() {
		if file := c.fileInTree(f.File); file != "" {
			return code{ModeSource, c.tree.sum, file}, nil
		}
	}
	if c.exe == "" {
		digest, err := c.executableDigest(ctx)
		if err != nil {
			return code{}, err
		}
		c.exe = digest
		c.memo.Save()
	}
	return code{ModeExecutable, c.exe, filepath.Base(f.File)}, nil
}

// readTree reads the source, once.
func (c *coarse) readTree(ctx context.Context) error {
	if c.treeDone {
		return nil
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		c.treeDone = true
		return nil
	}
	tree, certain := readSources(ctx, c.run, info, c.memo, c.facts)
	if err := ctx.Err(); err != nil {
		return err
	}
	c.treeDone = true
	if !certain || !c.clockHeld() {
		return nil
	}
	// A tree that was too fresh for its first run stays with the executable, or its second run would find nothing in the cache.
	if !c.facts.tooFresh(tree.sum, tree.close) {
		c.tree = tree
	}
	c.memo.Save()
	c.facts.save()
	return nil
}

// clockHeld reports whether the clock was not set since c was made: then times of files are no evidence.
func (c *coarse) clockHeld() bool {
	now, ok := c.origin()
	return ok && now.started.Sub(c.run.started).Abs() < 5*time.Millisecond
}

// fileInTree returns the name in the tree of the file that a function was compiled from, or "".
func (c *coarse) fileInTree(file string) string {
	name, known := c.inTree[file]
	if !known {
		if path, err := filepath.EvalSymlinks(file); err == nil {
			name = c.tree.paths[path]
		}
		c.inTree[file] = name
	}
	return name
}
