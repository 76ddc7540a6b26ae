//go:build unix

package multiprocess_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

// full puts more than files may have in this process, which is how a full disk looks, and then something that fits.
func full(store artifact.Store, path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}); err != nil {
		return err
	}
	_, err := store.Put(context.Background(), bytes.NewReader(make([]byte, 4<<20)))
	if !errors.Is(err, component.ErrExhausted) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "free space") {
		return fmt.Errorf("put: %w, want Exhausted, the path and what to do", err)
	}
	_, err = store.Put(context.Background(), strings.NewReader("it fits"))
	return err
}

func TestFull(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), role+"=full", dir+"="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if n := temporaries(t, path); n != 0 {
		t.Errorf("%d temporary files are left", n)
	}
	if got := digests(t, open(t, path)); len(got) != 1 {
		t.Errorf("the store lists %v, want one content", got)
	}
}
