package newproject

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/tenon-ml/tenon/component"
)

//go:embed starter
var starter embed.FS

// Options of a new project.
type Options struct {
	// Name of the project and of its pipeline.
	Name string
	// Dir to write, which must not exist or be empty. Empty: Name, in the working directory.
	Dir string
	// Module path. Empty: Name.
	Module string
	// Version of Tenon to require. Empty: none is, and "go mod tidy" looks for it.
	Version string
	// Replace is a directory with the source of Tenon, to use in place of a version. Empty: none.
	Replace string
}

// Project is what was written.
type Project struct {
	Name   string   `json:"name"`
	Dir    string   `json:"dir"`
	Module string   `json:"module"`
	Files  []string `json:"files"` // slash-separated, within Dir
	// Workspace is the go.work above Dir, which must name the project; empty if there is none.
	Workspace string `json:"workspace,omitempty"`
}

// Create writes a project whole or not at all. The error of options that cannot be has the code Invalid, that of a directory that is not empty
// AlreadyExists.
func Create(o Options) (Project, error) {
	if o.Dir == "" {
		o.Dir = o.Name
	}
	if o.Module == "" {
		o.Module = o.Name
	}
	if err := o.check(); err != nil {
		return Project{}, err
	}
	dir, err := vacant(o.Dir)
	if err != nil {
		return Project{}, err
	}
	mod, err := o.goMod(dir)
	if err != nil {
		return Project{}, err
	}
	// Beside it, so that renaming moves no bytes and cannot fail in the middle.
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".tenon-new-*")
	if err != nil {
		return Project{}, explain("directory "+filepath.Dir(o.Dir), err)
	}
	defer os.RemoveAll(temp)
	written := filepath.Join(temp, "project")
	p := Project{Name: o.Name, Dir: o.Dir, Module: o.Module}
	if p.Files, err = o.write(written, mod); err != nil {
		return Project{}, explain("directory "+o.Dir, err)
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is empty, or it stays
		return Project{}, explain("directory "+o.Dir, err)
	}
	if err := os.Rename(written, dir); err != nil {
		return Project{}, explain("directory "+o.Dir, err)
	}
	p.Workspace = workspace(dir)
	return p, nil
}

// vacant returns the directory to write with symbolic links followed.
func vacant(dir string) (string, error) {
	found, err := physical(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(dir); err == nil {
			return "", component.Errorf(component.Invalid, "directory %s is a symbolic link to nothing: choose another with --dir", dir)
		}
		return filepath.Clean(dir), nil
	}
	if err != nil {
		return "", explain("directory "+dir, err)
	}
	entries, err := os.ReadDir(found)
	if err != nil {
		return "", explain("directory "+dir, err)
	}
	if len(entries) > 0 {
		return "", component.Errorf(component.AlreadyExists, "directory %s exists and is not empty: choose another with --dir", dir)
	}
	if here, err := physical("."); err != nil || here == found || strings.HasPrefix(here, found+string(filepath.Separator)) {
		// It is replaced by another of its name, and who stands in it would stand in none.
		return "", component.Errorf(component.Invalid, "directory %s is the current one: name it from the one above", dir)
	}
	return found, nil
}

// write writes all files below dir, which it makes.
func (o Options) write(dir, mod string) ([]string, error) {
	files := []string{"go.mod"}
	if err := put(dir, "go.mod", []byte(mod)); err != nil {
		return nil, err
	}
	entries, err := starter.ReadDir("starter")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		data, err := starter.ReadFile(path.Join("starter", e.Name()))
		if err != nil {
			return nil, err
		}
		to, name := e.Name(), o.Name
		switch to {
		case "gitignore": // under its own name it would speak of this module's files
			to, name = ".gitignore", o.program()
		case "ci.yml":
			to = ".github/workflows/ci.yml"
		}
		if err := put(dir, to, []byte(strings.ReplaceAll(string(data), "starter", name))); err != nil {
			return nil, err
		}
		files = append(files, to)
	}
	return files, nil
}

// program is what "go build" calls the program.
func (o Options) program() string {
	dir, last := path.Split(o.Module)
	if dir != "" && last != "v" && strings.Trim(last, "0123456789") == "v" {
		last = path.Base(dir)
	}
	return last
}

func put(dir, name string, data []byte) error {
	to := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

// explain says what is wrong with a path that a person named.
func explain(what string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return component.Errorf(component.Invalid, "%s: no such directory: make it first", what)
	case errors.Is(err, fs.ErrPermission):
		return component.Errorf(component.PermissionDenied, "%s: %w: choose another with --dir", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
