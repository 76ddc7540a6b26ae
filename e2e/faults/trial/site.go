package trial

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/journal"
)

// envMark is the variable that shows which processes come of one site.
const envMark = "TRIAL_MARK"

// Patience is how long something is waited for that is to happen soon. It is ample: a machine may be busy with other tests.
const Patience = time.Minute

// Site is a state directory with the programs that run on it.
type Site struct {
	Dir     string // of all that is here
	Home    string
	Journal string // path of what steps write down
	mark    string
	env     []string                   // further variables
	seen    map[artifact.Digest]string // state of files whose bytes were read
}

// NewSite makes a site. Processes that are left on it at the end of the test are an error, and are ended.
func NewSite(t testing.TB, env ...string) *Site {
	t.Helper()
	dir := t.TempDir()
	s := &Site{Dir: dir, Home: filepath.Join(dir, "home"), Journal: filepath.Join(dir, "journal"), mark: envMark + "=" + dir, env: env, seen: map[artifact.Digest]string{}}
	t.Cleanup(func() { s.Remove(t) })
	return s
}

// Remove removes the site before the end of the test.
func (s *Site) Remove(t testing.TB) {
	t.Helper()
	if left := s.Processes(t); len(left) > 0 {
		t.Errorf("processes are left at the end: %v", left)
		for _, p := range left {
			p.Signal(syscall.SIGKILL)
		}
	}
	if err := os.RemoveAll(s.Dir); err != nil {
		t.Error(err)
	}
}

// Command returns a command of a program that works on the site.
func (s *Site) Command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), "TENON_HOME="+s.Home, journal.Env+"="+s.Journal, s.mark, "NO_COLOR=1")
	cmd.Env = append(cmd.Env, s.env...)
	return cmd
}

// Run runs a program to its end, which must be a good one, and returns what it wrote to its standard output.
func (s *Site) Run(t testing.TB, path string, args ...string) string {
	t.Helper()
	p := s.Start(t, path, args...)
	if err := p.Wait(t); err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(path), strings.Join(args, " "), err, p.Said())
	}
	return p.Output()
}

// Program is a program that was started.
type Program struct {
	*exec.Cmd
	out, err written
	ended    chan struct{}
	failed   error // set when ended is closed
}

// written is what a program wrote so far.
type written struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// Start starts a program. It is killed at the end of the test, if it still runs.
func (s *Site) Start(t testing.TB, path string, args ...string) *Program {
	t.Helper()
	return s.StartWith(t, nil, path, args...)
}

// StartWith starts a program as [Site.Start] does, with further variables in its environment.
func (s *Site) StartWith(t testing.TB, env []string, path string, args ...string) *Program {
	t.Helper()
	p := &Program{Cmd: s.Command(context.WithoutCancel(t.Context()), path, args...), ended: make(chan struct{})}
	p.Env = append(p.Env, env...)
	p.Cmd.Stdout, p.Cmd.Stderr = &p.out, &p.err
	p.WaitDelay = time.Second // for those who inherited its output
	if err := p.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		p.failed = p.Cmd.Wait()
	}()
	t.Cleanup(p.Kill)
	return p
}

// Ended is closed when the program has ended.
func (p *Program) Ended() <-chan struct{} { return p.ended }

// Wait waits for the end of the program, and returns what exec.Cmd.Wait does.
func (p *Program) Wait(t testing.TB) error {
	t.Helper()
	select {
	case <-p.ended:
		return p.failed
	case <-time.After(2 * Patience):
		p.Kill()
		t.Fatalf("%v does not end\n%s", p.Args, p.Said())
		return nil
	}
}

// Kill ends the program with SIGKILL, and returns when it is gone.
func (p *Program) Kill() {
	_ = p.Process.Kill()
	<-p.ended
}

// Output returns what the program wrote to its standard output, and Said what it wrote to both.
func (p *Program) Output() string { return p.out.String() }

// Said returns what the program wrote to standard output and to standard error.
func (p *Program) Said() string { return p.out.String() + p.err.String() }

// Open opens a client on the site, which is closed at the end of the test.
func (s *Site) Open(t testing.TB) *tenon.Client {
	t.Helper()
	client := s.client(t)
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

func (s *Site) client(t testing.TB) *tenon.Client {
	t.Helper()
	client, err := tenon.Open(t.Context(), tenon.Config{Home: s.Home})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Noted returns what steps wrote down, from an offset on.
func (s *Site) Noted(t testing.TB, from int64) []journal.Line {
	t.Helper()
	lines, err := journal.Read(s.Journal, from)
	if err != nil {
		t.Fatalf("journal: %v", err)
	}
	return lines
}

// Count returns how many lines say that a step did something.
func (s *Site) Count(t testing.TB, what, step string) int {
	t.Helper()
	n := 0
	for _, l := range s.Noted(t, 0) {
		if l.What == what && l.Step == step {
			n++
		}
	}
	return n
}

// Eventually waits for something that other processes do.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(Patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen", what)
		}
	}
}

// Number returns the number that an environment variable holds, or the usual one.
func Number(t testing.TB, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s=%s: want a number", name, text)
	}
	return n
}
