package repro

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/origin"
)

// Options of [Case.Write].
type Options struct {
	Name string // that the test, its file and its directory have
	// Force replaces a test of that name.
	Force bool
	// Limit is the largest size in bytes of an input that is copied.
	Limit int64
	Home  string // the state directory that has what is not copied
}

// Written is a test.
type Written struct {
	Test     string // name of the function
	File     string // absolute
	Dir      string // of its data, absolute
	Contents []Content
}

// Write writes the test and its data beside a package, whole or not at all. The error's code is AlreadyExists if there is one of
// that name, and NotFound if an input is no longer in the store.
func (c *Case) Write(ctx context.Context, store artifact.Store, p Place, o Options) (w Written, err error) {
	if err := CheckName(o.Name); err != nil {
		return w, err
	}
	w = Written{Test: testPrefix + o.Name, File: filepath.Join(p.Dir, fileName(o.Name)), Dir: filepath.Join(p.Dir, filepath.FromSlash(dataDir(o.Name)))}
	if err := w.free(p, o.Force); err != nil {
		return w, err
	}
	c.Home, c.WorkDir = o.Home, c.workDir(p)
	parent := filepath.Dir(w.Dir)
	made, err := makeDirs(parent)
	if err != nil {
		return w, notWritten(err)
	}
	defer func() {
		if err != nil {
			removeAll(made)
		}
	}()
	temp, err := os.MkdirTemp(parent, ".new-*")
	if err != nil {
		return w, notWritten(err)
	}
	defer os.RemoveAll(temp)
	fresh := filepath.Join(temp, "data")
	if err := os.Mkdir(fresh, 0o755); err != nil {
		return w, notWritten(err)
	}
	if w.Contents, err = (&copier{store: store, dir: fresh, limit: o.Limit}).all(ctx, c); err != nil {
		return w, err
	}
	data, err := c.json()
	if err != nil {
		return w, err
	}
	source, err := c.source(p, o.Name, w.Contents)
	if err != nil {
		return w, err
	}
	if err := os.WriteFile(filepath.Join(fresh, recordingFile), data, 0o644); err != nil {
		return w, notWritten(err)
	}
	if err := os.WriteFile(filepath.Join(temp, "test"), source, 0o644); err != nil {
		return w, notWritten(err)
	}
	return w, notWritten(w.publish(temp, fresh))
}

// free reports what is in the way of a test.
func (w Written) free(p Place, force bool) error {
	if slices.Contains(p.declared, w.Test) {
		return component.Errorf(component.AlreadyExists, "another test of package %s is called %s: choose another name with --name", p.Package, w.Test)
	}
	if force {
		return nil
	}
	for _, path := range []string{w.File, w.Dir} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return component.Errorf(component.AlreadyExists, "%s is there already: replace it with --force, or choose another name with --name", path)
		}
	}
	return nil
}

// publish moves what was written to its place. What was there is moved aside first, and comes back if that fails.
func (w Written) publish(temp, fresh string) (err error) {
	old := filepath.Join(temp, "old")
	switch aside := os.Rename(w.Dir, old); {
	case aside == nil:
		defer func() {
			if err != nil {
				_ = os.RemoveAll(w.Dir)
				_ = os.Rename(old, w.Dir)
			}
		}()
	case !errors.Is(aside, fs.ErrNotExist):
		return aside
	}
	if err = os.Rename(fresh, w.Dir); err != nil {
		return err
	}
	if err = os.Rename(filepath.Join(temp, "test"), w.File); err != nil {
		_ = os.RemoveAll(w.Dir)
	}
	return err
}

// makeDirs makes a directory with its parents, and returns those that were not there, the innermost first.
func makeDirs(dir string) (made []string, err error) {
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(at); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = append(made, at)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		removeAll(made)
		return nil, err
	}
	return made, nil
}

// removeAll removes directories that are empty.
func removeAll(dirs []string) {
	for _, d := range dirs {
		_ = os.Remove(d)
	}
}

// notWritten explains an error of writing.
func notWritten(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return component.Errorf(component.PermissionDenied, "write the test: %w", err)
	}
	return component.Errorf(component.Unavailable, "write the test: %w", err)
}

// workDir is the working directory of the run, relative to the package of the test, if both are in one module. Another checkout of the module
// has a directory of its own in the same place.
func (c *Case) workDir(p Place) string {
	then, ok := origin.ModuleOf(c.Run.Driver.Program.Dir)
	now, here := origin.ModuleOf(p.Dir)
	if !ok || !here || then.Path != now.Path {
		return ""
	}
	within, err := filepath.Rel(then.Dir, c.Run.Driver.Program.Dir)
	if err != nil {
		return ""
	}
	rel, err := filepath.Rel(p.Dir, filepath.Join(now.Dir, within))
	if err != nil || rel == "." || !isWithin(now.Dir, filepath.Join(p.Dir, rel)) {
		return ""
	}
	return filepath.ToSlash(rel)
}

func isWithin(root, path string) bool {
	rel, err := filepath.Rel(root, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
