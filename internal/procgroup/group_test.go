package procgroup_test

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/internal/procgroup"
)

const markEnv = "PROCGROUP_TEST_MARK"

// group starts cmd. Printed is what comes from its processes.
func group(t *testing.T, cmd *exec.Cmd) (g *procgroup.Group, printed *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	cmd.Stdout, cmd.Stderr = w, w
	g, err = procgroup.Start(cmd, markEnv+"="+t.Name())
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return g, r
}

// all returns what was printed up to the end of the last process that had the output open. It fails if one still has.
func all(t *testing.T, printed *os.File) string {
	t.Helper()
	if err := printed.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Skipf("a pipe has no deadline here: %v", err)
	}
	text, err := io.ReadAll(printed)
	if err != nil {
		t.Errorf("a process of the group lives: %v", err)
	}
	return string(text)
}

// await returns when the group has printed a line that ends with word.
func await(t *testing.T, printed *os.File, word string) {
	t.Helper()
	var text strings.Builder
	one := make([]byte, 1)
	for !strings.HasSuffix(text.String(), word+"\n") {
		if _, err := printed.Read(one); err != nil {
			t.Fatalf("%v, after %q", err, text.String())
		}
		text.Write(one)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	g, _ := group(t, self("exit"))
	state, err := g.Wait()
	if err != nil || state.ExitCode() != 3 {
		t.Errorf("Wait: %v, %v", state, err)
	}
	g.Kill() // does nothing
}

func TestNoSuchProgram(t *testing.T) {
	t.Parallel()
	if _, err := procgroup.Start(exec.Command("/does/not/exist"), "A=b"); !os.IsNotExist(err) {
		t.Errorf("the error is %v", err)
	}
}

func TestKillOwn(t *testing.T) {
	t.Parallel()
	g, printed := group(t, self("child and own"))
	state, err := g.Wait()
	if err != nil || state.Success() {
		t.Errorf("Wait: %v, %v", state, err)
	}
	all(t, printed)
}
