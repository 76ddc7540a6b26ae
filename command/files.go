package command

import (
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/codec"
)

// Embedded returns files that are embedded in the program, for [Spec.Files], under their names there: with "//go:embed scripts" the
// program's name is "scripts/train.py".
func Embedded(files embed.FS) map[string]artifact.Source {
	sources := map[string]artifact.Source{}
	// What is embedded is in memory, and is read without errors.
	_ = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := files.ReadFile(name)
		sources[name] = artifact.FromBytes(name, data)
		return err
	})
	return sources
}

// copyFiles puts the files of the command into the working directory.
func (j *job) copyFiles(ctx context.Context, files map[string]artifact.Source) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := copyFile(ctx, j.path("work", filepath.FromSlash(name)), files[name]); err != nil {
			return fmt.Errorf("file %s: %w", name, err)
		}
	}
	return nil
}

// copyFile copies a file, or the files of a directory. Links are followed, as they are in the content of a source.
func copyFile(ctx context.Context, to string, from artifact.Source) error {
	path, err := from.Path(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), dirMode); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return copyOne(to, path)
	}
	return fs.WalkDir(os.DirFS(path), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, name), dirMode)
		}
		return copyOne(filepath.Join(to, name), filepath.Join(path, name))
	})
}

func copyOne(to, from string) error {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	return create(to, dirMode, func(w io.Writer) error {
		_, err := codec.CopyBuffered(w, r)
		return err
	})
}
