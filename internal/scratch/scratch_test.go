package scratch_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/tenon-ml/tenon/internal/scratch"
)

func newDir(t *testing.T, parent string) *scratch.Dir {
	t.Helper()
	d, err := scratch.New(parent)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.Path(), "file"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

func names(t *testing.T, parent string) []string {
	t.Helper()
	entries, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestLife(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	d := newDir(t, parent)
	scratch.Sweep(parent)
	if _, err := os.Stat(filepath.Join(d.Path(), "file")); err != nil || !scratch.InUse(parent, d.Name()) {
		t.Errorf("a directory in use was swept, or does not count as used: %v", err)
	}
	d.Remove()
	if scratch.InUse(parent, d.Name()) || len(names(t, parent)) > 0 {
		t.Errorf("it is still there: %q", names(t, parent))
	}
}

// The owner of a directory whose lock nobody holds is gone.
func TestOwnerIsGone(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	lives := newDir(t, parent)
	defer lives.Remove()
	gone := filepath.Join(parent, "gone")
	for _, name := range []string{"lock", "left", filepath.Join("deep", "left")} {
		path := filepath.Join(gone, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if scratch.InUse(parent, "gone") {
		t.Error("it counts as used")
	}
	scratch.Sweep(parent)
	if got := names(t, parent); len(got) != 1 || got[0] != lives.Name() {
		t.Errorf("left are %q, want %s", got, lives.Name())
	}
}

// What cannot be removed is tried again by the next sweep.
func TestWhatCannotBeRemoved(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("permissions do not bind this user")
	}
	parent := t.TempDir()
	d := newDir(t, parent)
	deep := filepath.Join(d.Path(), "deep")
	if err := errors.Join(os.MkdirAll(filepath.Join(deep, "left"), 0o700), os.Chmod(deep, 0o500)); err != nil {
		t.Fatal(err)
	}
	d.Remove()
	if got := names(t, parent); len(got) != 1 {
		t.Fatalf("left are %q", got)
	}
	if err := os.Chmod(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	scratch.Sweep(parent)
	if got := names(t, parent); len(got) > 0 {
		t.Errorf("left are %q", got)
	}
}

func TestStrangeNames(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	for name, want := range map[string]bool{"absent": false, "": true, ".": false, "../x": true, "a/b": true} {
		if got := scratch.InUse(parent, name); got != want {
			t.Errorf("the owner of %q lives: %v, want %v", name, got, want)
		}
	}
	scratch.Sweep(filepath.Join(parent, "absent"))
	if _, err := scratch.New(filepath.Join(parent, "absent")); !os.IsNotExist(err) {
		t.Errorf("New without a parent: %v", err)
	}
}

// Directories are made while others are swept.
func TestTogether(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				scratch.Sweep(parent)
				d, err := scratch.New(parent)
				if err != nil {
					t.Error(err)
					return
				}
				if !scratch.InUse(parent, d.Name()) {
					t.Error("a new directory does not count as used")
				}
				d.Remove()
			}
		})
	}
	group.Wait()
	scratch.Sweep(parent)
	if got := names(t, parent); len(got) > 0 {
		t.Errorf("left are %q", got)
	}
}
