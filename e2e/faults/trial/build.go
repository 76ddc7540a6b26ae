package trial

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Builds are programs that the tests of a package share, each built when it is first asked for. The zero value has none. It is safe for
// concurrent use.
type Builds struct {
	mu    sync.Mutex
	dir   string
	paths map[string]string // of executables, by directory of the main package
}

// Program returns the path of the executable of a main package, which is named by its directory.
func (b *Builds) Program(t testing.TB, dir string) string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if path, ok := b.paths[dir]; ok {
		return path
	}
	if b.dir == "" {
		var err error
		if b.dir, err = os.MkdirTemp("", "trial"); err != nil { //nolint:usetesting // it outlives the test that asks first
			t.Fatal(err)
		}
		b.paths = map[string]string{}
	}
	path := filepath.Join(b.dir, filepath.Base(dir))
	Build(t, path, dir)
	b.paths[dir] = path
	return path
}

// Remove removes the programs.
func (b *Builds) Remove() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}

// Build writes the executable of a main package, which is named by its directory, to path, also over a program that runs.
func Build(t testing.TB, path, dir string, flags ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append(append([]string{"build", "-buildvcs=false", "-o", path}, flags...), ".")...)
	cmd.Dir = dir // so that it is built in its own module
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build in %s: %v\n%s", dir, err, said)
	}
}
