// Package multiprocess_test runs several processes on one artifact store.
package multiprocess_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/local"
)

const (
	role = "TENON_E2E_ROLE"
	dir  = "TENON_E2E_DIR"
	seed = "TENON_E2E_SEED"
)

func TestMain(m *testing.M) {
	if os.Getenv(role) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	if err := child(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child is the other process: this binary with a role.
func child() error {
	store, err := local.Open(os.Getenv(dir))
	if err != nil {
		return err
	}
	defer store.Close()
	switch os.Getenv(role) {
	case "write":
		return write(store, os.Getenv(seed))
	case "stall":
		return stall(store)
	case "full":
		return full(store, os.Getenv(dir))
	}
	return errors.New("unknown role")
}

// content is the same in every process for the same name; every third is larger than a buffer.
func content(name string, i int) []byte {
	size := 1 + i*97
	if i%3 == 0 {
		size += 1 << 20
	}
	var s [32]byte
	copy(s[:], fmt.Sprint(name, i))
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(s).Read(b)
	return b
}

const contents = 40

// write waits for its standard input to end, so that all processes start at once, and puts what others put too and what only
// it puts.
func write(store artifact.Store, own string) error {
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	for i := range contents {
		for _, name := range []string{"same", own} {
			b := content(name, i)
			info, err := store.Put(context.Background(), bytes.NewReader(b))
			if err != nil {
				return err
			}
			if err := check(context.Background(), store, info.Digest, b); err != nil {
				return err
			}
		}
	}
	return nil
}

func check(ctx context.Context, store artifact.Store, digest artifact.Digest, want []byte) error {
	r, err := store.Open(ctx, digest)
	if err != nil {
		return err
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s has other bytes", digest)
	}
	return nil
}

// stall stops in the middle of a Put until its standard input ends.
func stall(store artifact.Store) error {
	half := content("stalled", 0)
	wait := readFunc(func([]byte) (int, error) {
		fmt.Println("ready")
		_, err := io.Copy(io.Discard, os.Stdin)
		if err == nil {
			err = io.EOF
		}
		return 0, err
	})
	_, err := store.Put(context.Background(), io.MultiReader(bytes.NewReader(half), wait))
	return err
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

type process struct {
	*exec.Cmd
	in     io.Closer // closing it lets the process go on
	stderr bytes.Buffer
}

// start starts a child and returns when it is ready.
func start(t *testing.T, path, as, name string) *process {
	t.Helper()
	p := &process{Cmd: exec.CommandContext(t.Context(), os.Args[0])}
	p.Env = append(os.Environ(), role+"="+as, dir+"="+path, seed+"="+name)
	p.Stderr = &p.stderr
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.in = in
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the process said %q (%v): %s", line, err, p.finish())
	}
	return p
}

func (p *process) finish() string {
	p.in.Close()
	if err := p.Wait(); err != nil {
		return fmt.Sprintf("%v: %s", err, p.stderr.Bytes())
	}
	return ""
}

func open(t *testing.T, path string) artifact.Store {
	t.Helper()
	store, err := local.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func temporaries(t *testing.T, path string) (n int) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(path, "tmp"), func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && entry.Name() != "lock" {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func digests(t *testing.T, store artifact.Store) []artifact.Digest {
	t.Helper()
	infos, err := store.List(t.Context(), "", 10_000)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]artifact.Digest, len(infos))
	for i, info := range infos {
		got[i] = info.Digest
	}
	return got
}

// Three processes write the same and different content while a fourth is killed in the middle of a Put.
func TestProcesses(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	names := []string{"one", "two", "three"}
	var writers []*process
	for _, name := range names {
		writers = append(writers, start(t, path, "write", name))
	}
	victim := start(t, path, "stall", "")
	for _, w := range writers {
		w.in.Close()
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := victim.Wait(); err == nil {
		t.Error("the killed process ended well")
	}
	for i, w := range writers {
		if failed := w.finish(); failed != "" {
			t.Errorf("process %s: %s", names[i], failed)
		}
	}
	if n := temporaries(t, path); n != 1 {
		t.Errorf("%d temporary files are left, want that of the killed process", n)
	}

	store := open(t, path)
	if n := temporaries(t, path); n != 0 {
		t.Errorf("%d temporary files are left after Open", n)
	}
	var want []artifact.Digest
	for _, name := range append(names, "same") {
		for i := range contents {
			b := content(name, i)
			info, err := store.Put(t.Context(), bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if err := check(t.Context(), store, info.Digest, b); err != nil {
				t.Error(err)
			}
			want = append(want, info.Digest)
		}
	}
	slices.Sort(want)
	if got := digests(t, store); !slices.Equal(got, want) {
		t.Errorf("the store lists %d contents, want %d", len(got), len(want))
	}
}

// What a live process is writing is not swept.
func TestLiveProcessIsNotSwept(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	writer := start(t, path, "stall", "")
	store := open(t, path)
	if n := temporaries(t, path); n != 1 {
		t.Errorf("%d temporary files after Open, want that of the live process", n)
	}
	if got := digests(t, store); len(got) != 0 {
		t.Errorf("unfinished content is visible: %v", got)
	}
	if failed := writer.finish(); failed != "" {
		t.Fatal(failed)
	}
	got := digests(t, store)
	if len(got) != 1 {
		t.Fatalf("the store lists %v, want one content", got)
	}
	if err := check(t.Context(), store, got[0], content("stalled", 0)); err != nil {
		t.Error(err)
	}
	if n := temporaries(t, path); n != 0 {
		t.Errorf("%d temporary files are left", n)
	}
}
