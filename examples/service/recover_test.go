package main

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/sqlite"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

// slow are parameters of a run of two seconds and more: four shards of a second each, of which two are simulated at once.
func slow(seed int) Params {
	p := quick()
	p.Shards, p.Paths, p.Pause, p.Seed = 4, 4*20*batch, 50, uint64(seed)
	return p
}

// task is a step of a run, or an element of one.
type task struct {
	Run, Step string
	Index     int
}

// executions counts how often each task ran.
func executions(t *testing.T, home string) map[task]int {
	t.Helper()
	count := map[task]int{}
	for _, e := range journal(t, ledgerIn(home)) {
		count[task{e.Run, e.Step, e.Index}]++
	}
	return count
}

// restored returns the simulations that went on from a checkpoint.
func restored(t *testing.T, home string) map[task]bool {
	t.Helper()
	all := map[task]bool{}
	for _, e := range journal(t, ledgerIn(home)) {
		if e.From > 0 {
			all[task{e.Run, e.Step, e.Index}] = true
		}
	}
	return all
}

func ledgerIn(home string) Ledger { return Ledger{filepath.Join(home, "ledger")} }

// stored is what the store has of runs.
type stored struct {
	runs       map[string]metadata.Run
	succeeded  map[task]bool
	checkpoint map[task]bool // has one
}

// look reads the store.
func look(t *testing.T, home string, ids []string) stored {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(home, "tenon.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s := stored{map[string]metadata.Run{}, map[task]bool{}, map[task]bool{}}
	for _, id := range ids {
		if s.runs[id], err = store.Run(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		page, err := store.Steps(t.Context(), metadata.StepQuery{
			Run: id, States: []metadata.StepState{metadata.StepSucceeded}, Cursor: metadata.Cursor{Limit: 1000},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Items {
			if row.Elements == 0 { // it ran itself
				s.succeeded[task{row.Run, row.Step, row.Index}] = true
			}
		}
		checkpoints, err := store.Checkpoints(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range checkpoints {
			s.checkpoint[task{c.Run, c.Step, c.Index}] = true
		}
	}
	return s
}

// undisturbed returns the results of runs that nobody interrupts, by their seeds.
func undisturbed(t *testing.T, runs int) map[uint64]artifact.Digest {
	t.Helper()
	client := pipelinetest.Open(t)
	quotes := Quotes(openLedger(t))
	results := map[uint64]artifact.Digest{}
	for i := range runs {
		p := slow(i)
		p.Pause = 0
		run, err := quotes.Run(t.Context(), client, p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run.Result(t.Context()); err != nil {
			t.Fatal(err)
		}
		recorded, err := client.Metadata().Run(t.Context(), run.ID())
		if err != nil {
			t.Fatal(err)
		}
		results[p.Seed] = recorded.Outputs["output"].Digest
	}
	return results
}

// killed starts runs in a service, and kills it with all that it started when all of them are going, some simulations have succeeded and
// others have saved checkpoints. It returns the seeds of the runs by their IDs.
func killed(t *testing.T, home, runner string, runs int) map[string]uint64 {
	t.Helper()
	service := launch(t, home, "-runner", runner)
	seeds := map[string]uint64{}
	var mu sync.Mutex
	var group sync.WaitGroup
	for i := range runs {
		group.Go(func() {
			p := slow(i)
			id := service.start(p)
			mu.Lock()
			defer mu.Unlock()
			seeds[id] = p.Seed
		})
	}
	group.Wait()
	ids := slices.Sorted(maps.Keys(seeds))
	within(t, time.Minute, "simulations that have succeeded, and checkpoints of others", func() bool {
		s := look(t, home, ids)
		return len(s.succeeded) > runs && len(s.checkpoint) > 2 // of each run split has succeeded
	})
	if err := service.kill(); err == nil {
		t.Error("the service ended by itself")
	}
	alone(t, home)
	return seeds
}

// TestKill: a service that is killed while 20 runs are going, and started again, finishes all of them. Nothing that was recorded as succeeded
// runs again, all else runs once more, and the results are those of runs that nobody interrupted.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("takes several seconds")
	}
	t.Parallel()
	results := undisturbed(t, 20)
	for name, test := range map[string]struct {
		runner         string
		runs, services int
	}{
		"goroutine":                   {"goroutine", 20, 1},
		"process":                     {"process", 20, 1},
		"two services start together": {"goroutine", 8, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			seeds := killed(t, home, test.runner, test.runs)
			ids := slices.Sorted(maps.Keys(seeds))
			before, ran := look(t, home, ids), executions(t, home)
			for id, run := range before.runs {
				if run.State != metadata.RunRunning {
					t.Fatalf("run %s was %s when the service was killed", id, run.State)
				}
			}

			services := make([]*program, test.services)
			var group sync.WaitGroup
			for i := range services {
				group.Go(func() { services[i] = launch(t, home, "-runner", test.runner) })
			}
			group.Wait()
			within(t, 2*time.Minute, "the end of all runs", func() bool {
				return services[0].inState(metadata.RunSucceeded)+services[0].inState(metadata.RunFailed) == test.runs
			})
			for _, s := range services {
				_ = s.kill()
			}

			after := look(t, home, ids)
			for id, run := range after.runs {
				if want := results[seeds[id]]; run.State != metadata.RunSucceeded || run.Outputs["output"].Digest != want {
					t.Errorf("run %s is %s, with the result %s, want %s: %s", id, run.State, run.Outputs["output"].Digest, want, run.Error)
				}
				if run.Epoch != 3 { // the first driver, the note that it is gone, and the second driver
					t.Errorf("run %s is in epoch %d: it was resumed more than once", id, run.Epoch)
				}
			}
			want := map[task]int{}
			for done := range after.succeeded {
				want[done] = ran[done] + 1
				if before.succeeded[done] {
					want[done]--
				}
			}
			if diff := cmp.Diff(want, executions(t, home)); diff != "" || len(want) != 7*test.runs {
				t.Errorf("%d tasks; how often they ran (-want +got):\n%s", len(want), diff)
			}
			if diff := cmp.Diff(before.checkpoint, restored(t, home)); diff != "" || len(before.checkpoint) == 0 {
				t.Errorf("what had a checkpoint, and what went on from one (-want +got):\n%s", diff)
			}
			if entries := ledgerEntries(t, ledgerIn(home)); len(entries) != test.runs {
				t.Errorf("%d quotes are published, want %d", len(entries), test.runs)
			}
			t.Logf("%d of %d tasks had succeeded, %d went on from a checkpoint", len(before.succeeded), len(want), len(before.checkpoint))
		})
	}
}

// TestStop: a service that is asked to end lets its steps save what they have, and the next one finishes their runs, but for what somebody
// cancelled.
func TestStop(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process on Windows cannot be asked to end")
	}
	t.Parallel()
	for _, runner := range []string{"goroutine", "process"} {
		t.Run(runner, func(t *testing.T) {
			t.Parallel()
			stop(t, runner)
		})
	}
}

func stop(t *testing.T, runner string) {
	home := t.TempDir()
	first := launch(t, home, "-runner", runner)
	cancelled := first.start(slow(0))
	first.request(http.MethodPost, "/runs/"+cancelled+"/cancel", "")
	first.events(cancelled)
	ids := []string{first.start(slow(1)), first.start(slow(2))}
	_, next := first.open(t.Context(), ids[0], "")
	for e, ok := next(); ok && e.event.Done == 0; e, ok = next() {
	}
	if err := first.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for _, ok := next(); ok; _, ok = next() { // the stream ends
	}
	if err := first.wait(); err != nil {
		t.Fatalf("the service ends with %v:\n%s", err, first.said())
	}
	alone(t, home)
	for id, run := range look(t, home, append(ids, cancelled)).runs {
		if run.State != metadata.RunCancelled || run.Lost != (id != cancelled) {
			t.Errorf("run %s is %s, lost: %t: %s", id, run.State, run.Lost, run.Error)
		}
	}
	second := launch(t, home, "-runner", runner)
	within(t, time.Minute, "the end of the runs", func() bool { return second.inState(metadata.RunSucceeded) == len(ids) })
	if got := second.show(cancelled); got.State != metadata.RunCancelled {
		t.Errorf("what was cancelled is %s", got.State)
	}
	if len(restored(t, home)) == 0 {
		t.Error("no simulation went on from where it was")
	}
}

// TestAsked: a run that waits for a person waits on after its service was killed.
func TestAsked(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	first := launch(t, home)
	params := quick()
	params.Review = true
	id := first.start(params)
	within(t, time.Minute, "the question", func() bool { return first.show(id).Steps[metadata.StepWaiting] == 1 })
	_ = first.kill()
	second := launch(t, home)
	second.request(http.MethodPost, "/runs/"+id+"/approve", `{"by": "ada"}`)
	second.events(id)
	if entries := ledgerEntries(t, ledgerIn(home)); len(entries) != 1 || entries[0].ApprovedBy != "ada" {
		t.Errorf("published are %+v", entries)
	}
	if ran := len(journal(t, ledgerIn(home))); ran != 5 { // split, two simulations, price, publish
		t.Errorf("%d steps ran, want each once", ran)
	}
}

// TestChangedProgram: a version of the service that another one began a run with finishes it only if it is told to.
func TestChangedProgram(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs an executable to which something can be appended")
	}
	t.Parallel()
	home := t.TempDir()
	first := launch(t, home)
	params := quick()
	params.Review = true
	id := first.start(params)
	_ = first.kill()

	changed := filepath.Join(t.TempDir(), "service")
	content, err := os.ReadFile(executable(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(changed, append(content, "another version"...), 0o700); err != nil {
		t.Fatal(err)
	}
	second := launchProgram(t, changed, home)
	if got := second.show(id); got.State != metadata.RunFailed || !strings.Contains(second.said(), "the program is not what it was when the run began") {
		t.Errorf("the run is %s, and the service says:\n%s", got.State, second.said())
	}
	_ = second.kill()
	third := launchProgram(t, changed, home, "-accept-changes")
	third.request(http.MethodPost, "/runs/"+id+"/approve", "")
	third.events(id)
	if got := third.show(id); got.State != metadata.RunSucceeded {
		t.Errorf("accepted, the run is %s: %s", got.State, got.Error)
	}
}
