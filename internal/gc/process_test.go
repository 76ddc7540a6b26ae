package gc_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/gc"
	"github.com/tenon-ml/tenon/metadata/sqlite"
)

const (
	childEnv = "TENON_TEST_GC_HOME"
	killEnv  = "TENON_TEST_GC_POINT"
)

// child is a collector in a process of its own. It says when it comes to a point, and waits there for its end.
func child(dir string) {
	ctx := context.Background()
	fail := func(err error) {
		if err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
	}
	stop, err := strconv.Atoi(os.Getenv(killEnv))
	fail(err)
	meta, err := sqlite.Open(ctx, filepath.Join(dir, "tenon.db"), sqlite.Options{})
	fail(err)
	arts, err := local.Open(filepath.Join(dir, "artifacts"))
	fail(err)
	release, err := gc.Acquire(filepath.Join(dir, "gc.lock"))
	fail(err)
	defer release()
	tap := &tap{at: func(p point) {
		if p == point(stop) {
			fmt.Println("at", p)
			select {}
		}
	}}
	_, err = gc.Collect(ctx, tap.config(gc.Config{Metadata: meta, Artifacts: arts, Grace: none}))
	fail(err)
}

// A collector in another process is killed at each point. Until then nobody else collects; afterwards a run records what it was deleting.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it starts processes")
	}
	for stop := started; stop < points; stop++ {
		t.Run(stop.String(), func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			garbage := h.put("garbage")
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), childEnv+"="+h.dir, fmt.Sprint(killEnv, "=", int(stop)))
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil || line != fmt.Sprintln("at", stop) {
				t.Fatalf("the collector said %q (%v)", line, err)
			}
			lock := filepath.Join(h.dir, "gc.lock")
			_, err = gc.Acquire(lock)
			if who := fmt.Sprintf("process %d on ", cmd.Process.Pid); !errors.Is(err, component.ErrFailedPrecondition) || !strings.Contains(err.Error(), who) || !strings.Contains(err.Error(), lock) {
				t.Errorf("a second collector: %v, want FailedPrecondition, the process and the file", err)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			release, err := gc.Acquire(lock)
			if err != nil {
				t.Fatalf("the lock of a collector that was killed: %v", err)
			}
			defer release()
			if err := gc.Finish(t.Context(), h.meta); err != nil {
				t.Fatal(err)
			}
			s := &scene{home: h, content: "garbage", run: h.run()}
			if !s.record("succeeded") || !h.has(garbage) {
				t.Error("a run cannot record what the collector was deleting")
			}
			h.collect(h.config())
			h.checkRecords("after another collection")
		})
	}
}

func TestAcquire(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gc.lock")
	for range 2 {
		release, err := gc.Acquire(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := gc.Acquire(path); !errors.Is(err, component.ErrFailedPrecondition) || strings.Contains(err.Error(), "process") {
			t.Errorf("a lock of nobody knows whom: %v", err)
		}
		release()
	}
	if _, err := gc.Acquire(filepath.Join(path, "below")); !errors.Is(err, component.ErrUnavailable) {
		t.Errorf("a lock that cannot be made: %v", err)
	}
}
