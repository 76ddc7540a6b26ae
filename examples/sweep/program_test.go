package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// asProgram makes a test binary the program itself: what follows are the arguments.
const asProgram = "SWEEP_AS_PROGRAM"

// TestProgram runs the program as a person does, with parameters from a file and from flags, in a directory that is not its own.
func TestProgram(t *testing.T) {
	if os.Getenv(asProgram) != "" {
		os.Args = append(os.Args[:1], os.Args[3:]...) // without -test.run and --
		main()
	}
	t.Parallel()
	dir := t.TempDir()
	config := "name: tiny\nparams:\n  degrees: [1]\n  penalties: [0.001, 0.1]\n  folds: 2\n"
	if err := os.WriteFile(filepath.Join(dir, "tiny.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	program := exec.CommandContext(t.Context(), executable(t), "-test.run=^TestProgram$", "--",
		"run", "--home", filepath.Join(dir, "home"), "-o", "json", "--config", "tiny.yaml", "--set", "bar=1", "--set", "penalties=[0.01]")
	program.Dir, program.Env = dir, append(os.Environ(), asProgram+"=1")
	var stdout, stderr bytes.Buffer
	program.Stdout, program.Stderr = &stdout, &stderr
	if err := program.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	var got struct {
		Name, State string
		Counts      map[string]int
		Params      struct {
			Degrees   []int
			Penalties []float64
			Folds     int
			Bar       float64
		}
	}
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, &stdout)
	}
	want := got
	want.Name, want.State, want.Counts = "tiny", "succeeded", map[string]int{"succeeded": 8, "skipped": 1} // of a mapped step, its elements
	want.Params.Degrees, want.Params.Penalties, want.Params.Folds, want.Params.Bar = []int{1}, []float64{0.01}, 2, 1
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
}

func executable(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
