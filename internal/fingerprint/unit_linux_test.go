package fingerprint

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/internal/filememo"
)

func TestSubcommand(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"go run .": "run", "go -C dir run .": "run", "go -C=dir run": "run", "go --C dir test": "test", "go": "", "go -C": "", "": "", "go generate ./run": "generate",
	} {
		if got := subcommand(strings.Fields(line)); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func TestStartOf(t *testing.T) {
	t.Parallel()
	started, err := startOf("/proc/self/")
	if err != nil {
		t.Fatal(err)
	}
	if age := time.Since(started); age < time.Millisecond || age > time.Hour {
		t.Errorf("this process started %v ago", age)
	}
	again, err := startOf("/proc/self/")
	if err != nil || started.Sub(again).Abs() > time.Millisecond {
		t.Errorf("%v and %v, %v", started, again, err)
	}
	if _, err := startOf("/proc/0/"); err == nil {
		t.Error("process 0 has a start")
	}
}

func TestLocalFileSystem(t *testing.T) {
	t.Parallel()
	if localFileSystem("/proc") || localFileSystem("/does/not/exist") {
		t.Error("a file system without a clock of its own is trusted")
	}
}

// tree makes a module and returns how to read it, as the process that "go run" started at the given time.
func tree(tb testing.TB, files, lines int) (read func(memoDir string, started time.Time) (*sources, *factMemo, bool), dir string) {
	tb.Helper()
	dir, err := filepath.EvalSymlinks(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	write := func(name, content string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	write("go.mod", "module example.com/large\n")
	for i := range files {
		write(fmt.Sprintf("p%d/f%d.go", i/20, i), fmt.Sprintf("package p%d\n", i/20)+strings.Repeat("// a comment of forty bytes or more or less\n", lines))
	}
	info := &debug.BuildInfo{Path: "example.com/large", Main: debug.Module{Path: "example.com/large"}}
	return func(memoDir string, started time.Time) (*sources, *factMemo, bool) {
		memo, facts := filememo.New(filepath.Join(memoDir, "code.json")), newFactMemo(filepath.Join(memoDir, "facts.json"))
		memo.Now = func() time.Time { return time.Now().Add(time.Minute) } // the files are old enough to be remembered
		s, ok := readSources(context.Background(), goRun{started: started, dir: dir, args: []string{"run", "."}}, info, memo, facts)
		memo.Save()
		facts.save()
		return s, facts, ok
	}, dir
}

// An unchanged tree is not read again. Not parallel: it looks at what the process reads.
func TestManyFilesAreReadOnce(t *testing.T) {
	const files, lines = 10_000, 50
	read, dir := tree(t, files, lines)
	memo, later := t.TempDir(), time.Now().Add(time.Hour)
	before := bytesRead(t)
	first, _, ok := read(memo, later)
	cold := bytesRead(t) - before
	if !ok || cold < files*lines*40 {
		t.Fatalf("certain %v, %d bytes were read", ok, cold)
	}
	before = bytesRead(t)
	second, facts, ok := read(memo, later)
	warm := bytesRead(t) - before
	if !ok || second.sum != first.sum || facts.dirty {
		t.Errorf("a second time: certain %v, same %v, new facts %v", ok, second.sum == first.sum, facts.dirty)
	}
	if warm > cold/4 {
		t.Errorf("%d bytes were read, then %d", cold, warm)
	}
	if err := os.WriteFile(filepath.Join(dir, "p7/f140.go"), []byte("package p7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if third, _, ok := read(memo, later); !ok || third.sum == first.sum {
		t.Errorf("an edit: certain %v, same %v", ok, ok && third.sum == first.sum)
	}
	if _, _, ok := read(memo, time.Now().Add(-time.Hour)); ok {
		t.Error("files that changed after the start are certain")
	}
}

func bytesRead(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Skip(err)
	}
	first, _, _ := strings.Cut(string(data), "\n")
	n, err := strconv.Atoi(strings.TrimPrefix(first, "rchar: "))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestClockThatWasSet(t *testing.T) {
	t.Parallel()
	run, shift := goRun{started: time.Now()}, time.Duration(0)
	c := newCoarse(Options{}, func() (goRun, bool) { return goRun{started: run.started.Add(shift)}, true }, os.Executable)
	if !c.clockHeld() {
		t.Error("the clock was not set")
	}
	for _, shift = range []time.Duration{-time.Hour, -20 * time.Millisecond, 20 * time.Millisecond, time.Hour} {
		if c.clockHeld() {
			t.Errorf("the clock went %v, and its times are trusted", shift)
		}
	}
}

// BenchmarkTree measures what a start costs: a module of 50,000 lines in 500 files.
func BenchmarkTree(b *testing.B) {
	read, _ := tree(b, 500, 100)
	later := time.Now().Add(time.Hour)
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			if _, _, ok := read(b.TempDir(), later); !ok {
				b.Fatal("not certain")
			}
		}
	})
	b.Run("warm", func(b *testing.B) {
		memo := b.TempDir()
		read(memo, later)
		for b.Loop() {
			if _, _, ok := read(memo, later); !ok {
				b.Fatal("not certain")
			}
		}
	})
}

func BenchmarkExecutable(b *testing.B) {
	memo := b.TempDir()
	for b.Loop() {
		c := newCoarse(Options{MemoDir: memo}, parentGoRun, os.Executable)
		c.memo.Now = func() time.Time { return time.Now().Add(time.Minute) }
		if _, err := c.Fingerprint(b.Context(), TestSubcommand, ""); err != nil {
			b.Fatal(err)
		}
	}
}
