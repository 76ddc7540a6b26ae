package trial

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenon-ml/tenon/orchestrator"
)

// Processes returns the processes of the site that have not ended. Zombies have.
func (s *Site) Processes(t testing.TB) []Process {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var all []Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, ok := s.process(pid); ok {
			all = append(all, p)
		}
	}
	return all
}

// process looks at a process. Its environment is that with which it was started. A zombie has none, and who is just executing a program has
// none for a moment.
func (s *Site) process(pid int) (p Process, marked bool) {
	var env []byte
	for range 10 {
		var err error
		if env, err = os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err != nil {
			return p, false
		}
		if _, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err != nil || len(env) > 0 {
			break
		}
		<-time.After(100 * time.Microsecond)
	}
	p = Process{PID: pid, site: s}
	for v := range bytes.SplitSeq(env, []byte{0}) {
		if id, ok := strings.CutPrefix(string(v), orchestrator.EnvAttempt+"="); ok {
			p.Attempt = id
		}
		marked = marked || string(v) == s.mark
	}
	return p, marked
}

// Signal sends a signal to a process that lives. It reports false if it has ended.
func (p Process) Signal(sig os.Signal) bool {
	handle, err := unix.PidfdOpen(p.PID, 0)
	if err != nil {
		return false
	}
	defer unix.Close(handle) //nolint:errcheck // only a handle
	number, ok := sig.(unix.Signal)
	if again, marked := p.site.process(p.PID); !ok || !marked || again.Attempt != p.Attempt {
		return false // its number names another process
	}
	return unix.PidfdSendSignal(handle, number, nil, 0) == nil
}

// Runs reports whether the process executes the program with the given path.
func (p Process) Runs(path string) bool {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.PID))
	return err == nil && exe == path
}

// String says what the process is.
func (p Process) String() string {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.PID))
	return fmt.Sprintf("%d %q of attempt %q", p.PID, bytes.ReplaceAll(line, []byte{0}, []byte{' '}), p.Attempt)
}

// Locks returns the files of the site that are locked, by whichever process.
func (s *Site) Locks(t testing.TB) []string {
	t.Helper()
	held, err := os.ReadFile("/proc/locks")
	if err != nil {
		t.Fatal(err)
	}
	inodes := map[string]bool{}
	for line := range strings.Lines(string(held)) { // "1: POSIX  ADVISORY  WRITE 1234 fe:01:5678 0 EOF"
		for _, field := range strings.Fields(line) {
			if parts := strings.Split(field, ":"); len(parts) == 3 {
				inodes[parts[2]] = true
			}
		}
	}
	var locked []string
	for _, path := range s.Files(t) {
		var stat unix.Stat_t
		if unix.Lstat(path, &stat) == nil && inodes[strconv.FormatUint(stat.Ino, 10)] {
			locked = append(locked, path)
		}
	}
	return locked
}
