package local_test

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/orchestrator/local"
)

// program is this binary, to do an act.
func program(act string) orchestrator.Program {
	self, err := os.Executable()
	check(err)
	return orchestrator.Program{Path: self, Args: os.Args[:1], Env: append(os.Environ(), actEnv+"="+act, "GOTRACEBACK=single")}
}

func shell(script string) orchestrator.Program {
	return orchestrator.Program{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: os.Environ()}
}

// newRunner returns a runner that starts workers with p.
func newRunner(t *testing.T, p orchestrator.Program) orchestrator.Runner {
	t.Helper()
	return timedRunner(t, p, time.Minute, time.Minute)
}

func timedRunner(t *testing.T, p orchestrator.Program, claim, death time.Duration) orchestrator.Runner {
	t.Helper()
	o, err := local.New(local.Config{Runner: local.RunnerProcess})
	if err != nil {
		t.Fatal(err)
	}
	r, err := local.WithTiming(o, claim, death).Runner(t.Context(), orchestrator.Run{ID: "run", Program: p}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return r
}

// claimed is an attempt that was claimed, and what its process prints.
func claimed() (orchestrator.Attempt, *recorder) {
	a, printed := unclaimed()
	c := make(chan struct{})
	close(c)
	a.Claimed = c
	return a, printed
}

func unclaimed() (orchestrator.Attempt, *recorder) {
	printed := &recorder{ready: make(chan struct{})}
	return orchestrator.Attempt{
		ID: "attempt-" + strconv.FormatInt(time.Now().UnixNano(), 10), Run: "run", Step: "step", Index: -1, Number: 1,
		Claimed: make(chan struct{}), Output: printed,
	}, printed
}

// recorder keeps what is printed. Ready is closed when a line says so.
type recorder struct {
	mu    sync.Mutex
	text  bytes.Buffer
	once  sync.Once
	ready chan struct{}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := r.text.Write(p)
	if bytes.Contains(r.text.Bytes(), []byte("ready\n")) {
		r.once.Do(func() { close(r.ready) })
	}
	return n, err
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func run(t *testing.T, p orchestrator.Program) (orchestrator.Exit, string) {
	t.Helper()
	a, printed := claimed()
	exit, err := newRunner(t, p).Run(t.Context(), a)
	if err != nil {
		t.Errorf("Run: %v", err)
	}
	return exit, printed.String()
}

// Both streams are one pipe: what is printed arrives in order.
func TestOutputInOrder(t *testing.T) {
	t.Parallel()
	exit, printed := run(t, program("print in turn"))
	if exit.Reason != "" {
		t.Errorf("the reason is %q", exit.Reason)
	}
	for i, line := range strings.Fields(printed) {
		if line != strconv.Itoa(i) {
			t.Fatalf("line %d is %s", i, line)
		}
	}
}

// counter counts what is printed.
type counter struct{ bytes, largest int }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += len(p)
	c.largest = max(c.largest, len(p))
	return len(p), nil
}

func TestMuchOutput(t *testing.T) {
	t.Parallel()
	a, _ := claimed()
	var c counter
	a.Output = &c
	begin := time.Now()
	exit, err := newRunner(t, program("print 100 MB")).Run(t.Context(), a)
	if err != nil || exit.Reason != "" || c.bytes != printed || c.largest > 64<<10 {
		t.Errorf("Run: %+v, %v; %d bytes arrived, %d at once", exit, err, c.bytes, c.largest)
	}
	t.Logf("%.0f MB/s", float64(c.bytes)/1e6/time.Since(begin).Seconds())
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	a, printed := claimed()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-printed.ready
		cancel()
	}()
	exit, err := newRunner(t, program("sleep")).Run(ctx, a)
	if err != nil || exit.Reason != "killed: it still ran when it had to end" || exit.Abandoned != nil {
		t.Errorf("Run: %+v, %v", exit, err)
	}
}

func TestContextHasEnded(t *testing.T) {
	t.Parallel()
	a, printed := claimed()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	exit, err := newRunner(t, program("exit")).Run(ctx, a)
	if err != nil || exit.Reason != "not started: it had to end before" || printed.String() != "" {
		t.Errorf("Run: %+v, %v; it printed %q", exit, err, printed)
	}
}

// A process that does not end at once when it is killed, since the system holds it, is abandoned: here one with much memory, and no
// patience.
func TestSlowDeath(t *testing.T) {
	t.Parallel()
	a, printed := claimed()
	r := timedRunner(t, program("large"), time.Minute, time.Nanosecond)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-printed.ready
		cancel()
	}()
	exit, err := r.Run(ctx, a)
	if err != nil || exit.Abandoned == nil || !strings.HasPrefix(exit.Reason, "killed, but the system does not end it") {
		t.Fatalf("Run: %+v, %v", exit, err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	select {
	case <-exit.Abandoned:
	default:
		t.Error("Close did not wait for it")
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	if exit, _ := run(t, program("burn")); exit.Usage.CPU < 20*time.Millisecond || exit.Usage.CPU > time.Minute {
		t.Errorf("it used the processor for %v", exit.Usage.CPU)
	}
	if exit, _ := run(t, program("peak")); exit.Usage.PeakMemory < 256<<20 || exit.Usage.PeakMemory > 1<<30 {
		t.Errorf("it used %v of memory", exit.Usage.PeakMemory)
	}
}

// A run whose attempts are all inside needs no program.
func TestNoProgram(t *testing.T) {
	t.Parallel()
	a, _ := unclaimed()
	if _, err := newRunner(t, orchestrator.Program{}).Run(t.Context(), a); component.CodeOf(err) != component.Invalid {
		t.Errorf("the error is %v", err)
	}
}

func TestCannotStart(t *testing.T) {
	t.Parallel()
	gone := program("end")
	gone.Dir = "/does/not/exist"
	long := program("end")
	long.Env = append(slices.Clone(long.Env), "LONG="+strings.Repeat("x", 1<<20))
	for want, p := range map[string]orchestrator.Program{
		"start /does/not/exist/program as a worker: ": {Path: "/does/not/exist/program", Args: []string{"program"}},
		"working directory: stat /does/not/exist: ":   gone,
		" as a worker: fork/exec ":                    long,
	} {
		a, _ := unclaimed()
		_, err := newRunner(t, p).Run(t.Context(), a)
		if component.CodeOf(err) != component.Unavailable || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one with %q", err, want)
		}
	}
}

func TestNotClaimed(t *testing.T) {
	t.Parallel()
	const remedy = "it must get to tenon.RunWorker. Call tenon.RunWorker(pipelines...) in main when its dependencies are built, or tenon.Main; " +
		"in tests, call pipelinetest.Main in TestMain. It printed "
	for name, c := range map[string]struct {
		act   string
		claim time.Duration
		want  string
	}{
		"in time":        {"sleep", 300 * time.Millisecond, "did not claim its attempt within 300ms: " + remedy + "last:\n\tready"},
		"ended":          {"end", time.Minute, "ended before it claimed its attempt: exit status 0: " + remedy + "nothing"},
		"ended with one": {"exit", time.Minute, "ended before it claimed its attempt: exit status 3: " + remedy + "last:\n\tone\n\ttwo\n\tlast words"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, _ := unclaimed()
			_, err := timedRunner(t, program(c.act), c.claim, time.Minute).Run(t.Context(), a)
			if want := "the program, started as a worker, " + c.want; err == nil || err.Error() != want || component.CodeOf(err) != component.FailedPrecondition {
				t.Errorf("the error is\n%v, want\n%s", err, want)
			}
		})
	}
}

// An attempt without news of its claim is not waited for.
func TestNoNewsOfClaim(t *testing.T) {
	t.Parallel()
	a, _ := unclaimed()
	a.Claimed, a.Output = nil, nil
	exit, err := timedRunner(t, program("exit"), time.Nanosecond, time.Minute).Run(t.Context(), a)
	if err != nil || !strings.HasPrefix(exit.Reason, "exit status 3") {
		t.Errorf("Run: %+v, %v", exit, err)
	}
}
