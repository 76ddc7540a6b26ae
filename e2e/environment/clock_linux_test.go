package environment_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/e2e/faults/journal"
	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/metadata"
)

const (
	envClock = "E2E_CLOCK" // seconds by which the clock of a program goes wrong
	day      = 24 * 3600
)

// wrongClock makes a program with a standard library that believes in another time, since the clock of this machine is that of others too.
// Compiling everything anew takes minutes.
func wrongClock(t *testing.T, dir string) (path string) {
	t.Helper()
	if trial.Number(t, envRounds, 0) == 0 {
		t.Skipf("the standard library is compiled anew only if %s is set", envRounds)
	}
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	text, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	const reads = "\tsec, nsec, mono := runtimeNow()\n\tif mono == 0 {"
	changed := strings.Replace(string(text), reads, strings.Replace(reads, "\n", "\n\tsec += wrong\n", 1), 1)
	changed = strings.Replace(changed, `import (`, "import (\n\t\"syscall\"", 1) + `
var wrong = func() int64 {
	text, _ := syscall.Getenv("` + envClock + `")
	back := len(text) > 0 && text[0] == '-'
	if back {
		text = text[1:]
	}
	n, _ := atoi(text)
	if back {
		n = -n
	}
	return int64(n)
}()
`
	if !strings.Contains(changed, "sec += wrong") {
		t.Skip("this version of Go tells the time in another way")
	}
	temp := t.TempDir()
	file, overlay := filepath.Join(temp, "time.go"), filepath.Join(temp, "overlay.json")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {original: file}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{file: changed, overlay: string(list)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path = filepath.Join(temp, filepath.Base(dir))
	trial.Build(t, path, dir, "-overlay", overlay)
	return path
}

// at returns the command line of a program whose clock goes wrong.
func at(offset int, path string, args ...string) []string {
	return append([]string{"env", envClock + "=" + strconv.Itoa(offset), path}, args...)
}

// TestClockSetBack kills a program whose clock is a day ahead or behind, and goes on with the right one: it is resumed, its results are used, what
// it is told it obeys, and nothing that it put is collected.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	path, tenon := wrongClock(t, filepath.Join("..", "faults", "endure")), tenonCommand(t)
	want := undisturbed(t)
	for name, offset := range map[string]int{"ahead": day, "behind": -day, "far ahead": 400 * day} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := trial.NewSite(t)
			start := func(args ...string) *trial.Program {
				line := at(offset, path, args...)
				return site.Start(t, line[0], line[1:]...)
			}
			begun := func(n int64) {
				trial.Eventually(t, "a step", func() bool { size, _ := journal.Size(site.Journal); return size > n })
			}
			p := start(runArgs...)
			begun(2000)
			p.Kill()
			site.Quiet(t)
			killed := site.Records(t).Runs[0]
			if off := time.Until(killed.Created) - time.Duration(offset)*time.Second; off.Abs() > time.Minute {
				t.Fatalf("the program's clock is off by %v", time.Until(killed.Created))
			}
			site.Run(t, tenon, "gc", "--grace", "1s")
			recovers(t, site, path, runArgs, want)

			site.Run(t, path, runArgs...) // all from the cache
			counts := map[metadata.StepState]int{}
			for key, row := range site.Records(t).Steps {
				if key.Run != killed.ID {
					counts[row.State]++
				}
			}
			if counts[metadata.StepSucceeded] > 1 { // an external step runs again
				t.Errorf("results of another time are not used: %v", counts)
			}

			size, _ := journal.Size(site.Journal)
			p = start(append(runArgs, "--no-cache", "--name", "cancelled")...)
			begun(size)
			site.Run(t, tenon, "run", "cancel", "cancelled")
			if err := p.Wait(t); err == nil {
				t.Error("a run goes on that was cancelled at another time")
			}
			said(t, p, "cancelled")
		})
	}
}

// TestCancelledAtAnotherTime cancels a run whose driver began in the future and is gone: it is cancelled, not lost.
func TestCancelledAtAnotherTime(t *testing.T) {
	t.Parallel()
	client, err := tenon.Open(t.Context(), tenon.Config{Home: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	done, err := pieces.Run(t.Context(), client, numbersIn{1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := done.Result(t.Context()); err != nil {
		t.Fatal(err)
	}
	run, err := client.Metadata().Run(t.Context(), done.ID())
	if err != nil {
		t.Fatal(err)
	}
	graph, err := client.Metadata().Document(t.Context(), run.Graph)
	if err != nil {
		t.Fatal(err)
	}
	planned, err := client.Metadata().Document(t.Context(), run.Plan)
	if err != nil {
		t.Fatal(err)
	}
	tomorrow := time.Now().Add(day * time.Second)
	future := metadata.Run{
		ID: metadata.FirstID(tomorrow) + "-7000-8000-000000000000", Name: "future", Pipeline: run.Pipeline, State: metadata.RunRunning, Stack: run.Stack, Graph: run.Graph,
		Plan: run.Plan, Params: run.Params, Epoch: 1, Created: tomorrow, Started: tomorrow, Driver: metadata.Driver{Host: "other", Session: "gone", Since: tomorrow},
	}
	b := metadata.Batch{Run: future.ID, Epoch: 1, Create: []metadata.Run{future}, Documents: []metadata.Document{graph, planned}}
	if err := client.Metadata().Apply(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := client.Cancel(t.Context(), future.ID, tenon.Remark{}); err != nil {
		t.Fatal(err)
	}
	if future, err = client.Metadata().Run(t.Context(), future.ID); err != nil || future.State != metadata.RunCancelled || future.Lost {
		t.Errorf("the run is %s, lost: %t, %v", future.State, future.Lost, err)
	}
}
