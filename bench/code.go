package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	gobuild "go/build"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed testdata/code/main.go
var codeMain []byte

const (
	rootModule = "github.com/tenon-ml/tenon"
	realModule = "github.com/klauspost/compress"
	noAssembly = "-tags=noasm" // assembly is code that is not read
)

// code is a module of 50,000 lines whose program has one step: all of a real module, and what computes fingerprints, copied beside it, so
// that the program may use it. It is made when it is first needed.
type code struct {
	dir  string
	make func() (time.Time, error)
}

func newCode(dir string) *code {
	c := &code{dir: dir}
	c.make = sync.OnceValues(c.write)
	return c
}

// write writes and builds the module. It returns when that was.
func (c *code) write() (time.Time, error) {
	if runtime.GOOS != "linux" {
		return time.Time{}, unavailable{"source is looked at on Linux only"}
	}
	out, err := goCommand(source(), "list", "-f", "{{.Dir}}", realModule)
	if err != nil {
		return time.Time{}, unavailable{err.Error()}
	}
	imports := []string{"package main\n"}
	err = c.copyPackages(strings.TrimSpace(out), "compress", func(name string) { imports = append(imports, fmt.Sprintf("import _ %q", rootModule+"/"+name)) })
	if err != nil {
		return time.Time{}, err
	}
	if err := c.copyFingerprints(); err != nil {
		return time.Time{}, err
	}
	for name, data := range map[string][]byte{"main.go": codeMain, "imports.go": []byte(strings.Join(imports, "\n") + "\n")} {
		if err := c.file(filepath.Join("main", name), data); err != nil {
			return time.Time{}, err
		}
	}
	_, err = goCommand(c.dir, "build", noAssembly, "-o", os.DevNull, "./main")
	return time.Now(), err
}

// copyFingerprints copies the packages of Tenon that fingerprints are computed with, and the requirements of its module.
func (c *code) copyFingerprints() error {
	root, err := goCommand(source(), "list", "-m", "-f", "{{.Dir}}", rootModule)
	if err != nil {
		return err
	}
	root = strings.TrimSpace(root)
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		if err := c.file(name, data); err != nil {
			return err
		}
	}
	deps, err := goCommand(source(), "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", rootModule+"/internal/fingerprint")
	if err != nil {
		return err
	}
	for dep := range strings.FieldsSeq(deps) {
		if name, ok := strings.CutPrefix(dep, rootModule+"/"); ok {
			if err := c.copyPackage(filepath.Join(root, name), name); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyPackages copies the packages below a directory that a program can import, and tells their names.
func (c *code) copyPackages(from, to string, each func(name string)) error {
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if base := d.Name(); base == "testdata" || base == "cmd" || base[0] == '_' || base[0] == '.' {
			return filepath.SkipDir
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(filepath.Join(to, name))
		if err := c.copyPackage(path, name); err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(c.dir, name)); errors.Is(err, fs.ErrNotExist) {
			return nil // no Go files are here
		}
		p, err := gobuild.ImportDir(filepath.Join(c.dir, name), 0)
		if err == nil && !slices.Contains(strings.Split(name, "/"), "internal") && p.Name != "main" {
			each(name)
		}
		return err
	})
}

// copyPackage copies the Go files of a package but for its tests.
func (c *code) copyPackage(from, to string) error {
	files, err := filepath.Glob(filepath.Join(from, "*.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		data = bytes.ReplaceAll(data, []byte(`"`+realModule), []byte(`"`+rootModule+"/compress"))
		for _, comment := range []string{"/", "*"} { // what looks for directives in files would be taken for one that has them
			data = bytes.ReplaceAll(data, []byte(`"/`+comment), []byte(`"/" + "`+comment))
		}
		if err := c.file(filepath.Join(to, filepath.Base(file)), data); err != nil {
			return err
		}
	}
	return nil
}

func (c *code) file(name string, data []byte) error {
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// rows are the fingerprint of the program's step, by a process that remembers nothing and by one that finds all that another has
// remembered.
func (c *code) rows() []row {
	const title = "code fingerprint, module of 50,000 lines, new process, "
	return []row{
		{
			name: "cold", title: title + "nothing remembered", budget: budget{text: "150 ms", most: ms(150)}, show: whole,
			measure: took(c.fingerprint),
		},
		{
			name: "warm", title: title + "all remembered", budget: budget{text: "30 ms", most: ms(30)}, show: whole,
			measure: took(func(ctx context.Context, memo string) (time.Duration, error) {
				if _, err := c.fingerprint(ctx, memo); err != nil {
					return 0, err
				}
				return c.fingerprint(ctx, memo)
			}),
		},
	}
}

// settled is how old a file must be for its digest to be remembered, and a bit.
const settled = 3 * time.Second

func (c *code) fingerprint(ctx context.Context, memo string) (time.Duration, error) {
	made, err := c.make()
	if err != nil {
		return 0, err
	}
	select {
	case <-time.After(time.Until(made.Add(settled))):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	out, err := goCommand(c.dir, "run", noAssembly, "./main", memo)
	if err != nil {
		return 0, err
	}
	var mode string
	var parts int
	var took time.Duration // in nanoseconds, as it is scanned
	if _, err := fmt.Sscan(out, &mode, &parts, &took); err != nil {
		return 0, fmt.Errorf("the program printed %q: %w", out, err)
	}
	if mode != "source" || parts < 100 {
		return 0, fmt.Errorf("the fingerprint is of %d parts of the %s, not of declarations", parts, mode)
	}
	return took, nil
}
