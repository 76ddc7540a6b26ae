package trial

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
)

// Process is a process that comes of a site: a program, a worker, or what a step started.
type Process struct {
	PID     int
	Attempt string // ID, of a worker and of what it started; empty otherwise
	site    *Site
}

// Workers returns the processes of attempts, and what these started.
func (s *Site) Workers(t testing.TB) []Process {
	t.Helper()
	var workers []Process
	for _, p := range s.Processes(t) {
		if p.Attempt != "" {
			workers = append(workers, p)
		}
	}
	return workers
}

// Quiet waits until no process of the site is left.
func (s *Site) Quiet(t testing.TB) {
	t.Helper()
	Eventually(t, "the end of all processes", func() bool { return len(s.Processes(t)) == 0 })
}

// Unlocked checks that nobody holds a lock of a file of the site.
func (s *Site) Unlocked(t testing.TB) {
	t.Helper()
	if locked := s.Locks(t); len(locked) > 0 {
		t.Errorf("locks are held of %v", locked)
	}
}

// Files returns the paths of all files in the state directory, which need not be there.
func (s *Site) Files(t testing.TB) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(s.Home, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return files
}
