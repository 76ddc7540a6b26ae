//go:build linux

package fingerprint

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/internal/filememo"
)

// BenchmarkDeclarations measures what a start costs on real code: github.com/klauspost/compress, 50,666 lines in 1.20.3, all linked
// into one program.
func BenchmarkDeclarations(b *testing.B) {
	dir, lines := realModule(b, "github.com/klauspost/compress")
	info := &debug.BuildInfo{Path: "github.com/klauspost/compress/main", Main: debug.Module{Path: "github.com/klauspost/compress"}}
	run := func(memoDir string) {
		memo, facts := filememo.New(filepath.Join(memoDir, "code.json")), newFactMemo(filepath.Join(memoDir, "facts.json"))
		memo.Now = func() time.Time { return time.Now().Add(time.Minute) } // the files are old enough to be remembered
		d := &Declared{coarse: &coarse{memo: memo, facts: facts, inTree: map[string]string{}}, reached: map[rootKey]*reach{}, summaries: newSummaryMemo(filepath.Join(memoDir, "declarations"))}
		var ok bool
		if d.tree, ok = readSources(b.Context(), goRun{started: time.Now().Add(time.Hour), dir: dir, args: []string{"run", "."}}, info, memo, facts); !ok {
			b.Fatal("the source is not certain")
		}
		if err := d.link(b.Context()); err != nil || d.graph == nil {
			b.Fatalf("the source is not linked: %v", err)
		}
		if r := d.reach(Func{Name: "main.step", File: filepath.Join(dir, "main/main.go"), Line: lines}, nil, ""); !r.ok || len(r.parts) < 100 {
			b.Fatalf("found %v, of %d parts", r.ok, len(r.parts))
		}
		memo.Save()
		facts.save()
	}
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			run(b.TempDir())
		}
	})
	b.Run("warm", func(b *testing.B) {
		memo := b.TempDir()
		run(memo)
		for b.Loop() {
			run(memo)
		}
	})
}

// realModule copies a module that this one depends on, without tests, and adds a main package that imports all of it. It returns the
// line of that package's step.
func realModule(b *testing.B, module string) (dir string, line int) {
	b.Helper()
	out, err := exec.CommandContext(b.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		b.Skipf("%s is not here: %v", module, err)
	}
	from := strings.TrimSpace(string(out))
	dir, err = filepath.EvalSymlinks(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	packages := map[string]bool{}
	err = fs.WalkDir(os.DirFS(from), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".go" && name != "go.mod" || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "testdata/") {
			return err
		}
		packages[path.Dir(name)] = true
		data, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(dir, path.Dir(name)), 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name), data, 0o600)
	})
	if err != nil {
		b.Fatal(err)
	}
	var text strings.Builder
	text.WriteString("package main\n\nimport (\n\t\"context\"\n\t\"github.com/klauspost/compress/zstd\"\n")
	for _, p := range sortedKeys(packages) {
		fmt.Fprintf(&text, "\t_ %q\n", path.Join(module, p))
	}
	text.WriteString(")\n\nfunc main() {}\n\nfunc step(_ context.Context, in []byte) ([]byte, error) {\n\td, err := zstd.NewReader(nil)\n\tif err != nil {\n\t\treturn nil, err\n\t}\n\treturn d.DecodeAll(in, nil)\n}\n")
	if err := os.MkdirAll(filepath.Join(dir, "main"), 0o700); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "main/main.go"), []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	before, _, _ := strings.Cut(text.String(), "func step")
	return dir, 1 + strings.Count(before, "\n")
}
