package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tenon-ml/tenon/metadata"
)

const (
	roleEnv = "SQLITE_TEST_ROLE"
	pathEnv = "SQLITE_TEST_PATH"
)

// TestChild is another process that uses a database, started by the tests below.
func TestChild(t *testing.T) {
	switch os.Getenv(roleEnv) {
	case "":
		t.Skip("run by the tests of several processes")
	case "hammer":
		hammer(t, openAt(t, os.Getenv(pathEnv)))
	case "write until killed":
		writeForEver(t, openAt(t, os.Getenv(pathEnv)))
	}
}

func child(ctx context.Context, role, path string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestChild$", "-test.v")
	cmd.Env = append(os.Environ(), roleEnv+"="+role, pathEnv+"="+path)
	return cmd
}

const hammered = 60 // batches of each process

// hammer writes and reads like several runs and command lines at once.
func hammer(t *testing.T, store metadata.Store) {
	r, create := newRun("hammer")
	apply(t, store, create)
	var group sync.WaitGroup
	group.Go(func() {
		for i := range hammered {
			b := metadata.Batch{ID: newID(), Run: r.ID, Epoch: 1, Durable: i%10 == 0}
			fill(&b, r.ID, i, 1)
			b.Versions = []metadata.Version{{Name: "model", Artifact: b.Steps[0].Outputs[0].ID}}
			if err := store.Apply(t.Context(), b); err != nil {
				t.Error(err)
			}
		}
	})
	group.Go(func() {
		for range hammered {
			if _, err := store.Runs(t.Context(), metadata.RunQuery{Pipeline: "hammer"}); err != nil {
				t.Error(err)
			}
			if _, err := store.PutStack(t.Context(), metadata.Stack{Name: "shared"}, 0); err != nil {
				t.Error(err)
			}
		}
	})
	group.Wait()
}

// Several processes on one new file are all right, whatever they do at the same time.
func TestProcesses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tenon.db")
	const processes = 4
	var group sync.WaitGroup
	for range processes {
		group.Go(func() {
			if out, err := child(t.Context(), "hammer", path).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	group.Wait()
	store := openAt(t, path)
	page, err := store.Runs(t.Context(), metadata.RunQuery{})
	if err != nil || len(page.Items) != processes {
		t.Fatalf("%d runs, want %d (%v)", len(page.Items), processes, err)
	}
	for _, r := range page.Items {
		if counts, err := store.CountSteps(t.Context(), r.ID); err != nil || counts[metadata.StepSucceeded] != hammered {
			t.Errorf("run %s has %v, want %d steps (%v)", r.ID, counts, hammered, err)
		}
	}
	if st, err := store.Stack(t.Context(), "shared"); err != nil || st.Version != processes*hammered {
		t.Errorf("a stack that all changed has version %d, want %d (%v)", st.Version, processes*hammered, err)
	}
	// Contents differ from neighbour to neighbour, so that numbers go up by one as often as two follow each other.
	newest, err := store.Version(t.Context(), "model", 0)
	if err != nil || newest.Version < hammered || newest.Version > processes*hammered {
		t.Errorf("the newest version is %+v (%v)", newest, err)
	}
	for i := 1; i <= newest.Version; i++ {
		if _, err := store.Version(t.Context(), "model", i); err != nil {
			t.Errorf("version %d: %v", i, err)
		}
	}
}

const batchSize = 50

// writeForEver writes batches of one new run each, and says which are applied.
func writeForEver(t *testing.T, store metadata.Store) {
	for {
		r, b := newRun("killed")
		fill(&b, r.ID, 0, batchSize)
		apply(t, store, b)
		fmt.Println("applied", r.ID)
	}
}

// A process is killed while it writes: the database opens, what it was told is there, and each batch is there whole or not at all.
func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tenon.db")
	var applied []string
	for round := range 4 {
		cmd := child(t.Context(), "write until killed", path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); {
			if id, ok := strings.CutPrefix(lines.Text(), "applied "); ok {
				applied = append(applied, id)
				n++
			}
			if n == 5+7*round { // it writes the next one
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				n++
			}
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) {
			t.Fatalf("the process ended with %v, and was to be killed", err)
		}
		checkWhole(t, path, applied)
	}
}

func checkWhole(t *testing.T, path string, applied []string) {
	t.Helper()
	opened, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	store := opened.(*store)
	defer store.Close()
	for _, id := range applied {
		if _, err := store.Run(t.Context(), id); err != nil {
			t.Errorf("a batch that was applied: %v", err)
		}
	}
	page, err := store.Runs(t.Context(), metadata.RunQuery{Cursor: metadata.Cursor{Limit: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range page.Items {
		counts, err := store.CountSteps(t.Context(), r.ID)
		attempts, err2 := store.Attempts(t.Context(), metadata.AttemptQuery{Run: r.ID, Cursor: metadata.Cursor{Limit: 1000}})
		artifacts, err3 := store.Artifacts(t.Context(), metadata.ArtifactQuery{Run: r.ID, Cursor: metadata.Cursor{Limit: 1000}})
		if err := errors.Join(err, err2, err3); err != nil {
			t.Fatal(err)
		}
		if counts[metadata.StepSucceeded] != batchSize || len(attempts.Items) != batchSize || len(artifacts.Items) != batchSize {
			t.Errorf("run %s has %v steps, %d attempts and %d artifacts, want %d of each", r.ID, counts, len(attempts.Items), len(artifacts.Items), batchSize)
		}
	}
	var result string
	if err := store.read.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&result); err != nil || result != "ok" {
		t.Errorf("integrity_check: %s (%v)", result, err)
	}
}
