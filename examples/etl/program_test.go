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
const asProgram = "ETL_AS_PROGRAM"

// TestProgram runs the program as a person does, on files beside its working directory.
func TestProgram(t *testing.T) {
	if os.Getenv(asProgram) != "" {
		os.Args = append(os.Args[:1], os.Args[3:]...) // without -test.run and --
		main()
	}
	t.Parallel()
	dir := filepath.Dir(copies(t)[0].URI())
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := exec.CommandContext(t.Context(), path, "-test.run=^TestProgram$", "--",
		"run", "--home", filepath.Join(t.TempDir(), "home"), "-o", "json", "--set", "flights=[2001-01.parquet, ./2001-03.parquet]", "--set", "late=60")
	program.Dir, program.Env = dir, append(os.Environ(), asProgram+"=1")
	var stdout, stderr bytes.Buffer
	program.Stdout, program.Stderr = &stdout, &stderr
	if err := program.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	var got struct {
		State   string
		Counts  map[string]int
		Outputs map[string]struct{ Preview string }
	}
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, &stdout)
	}
	if diff := cmp.Diff(map[string]int{"succeeded": 6}, got.Counts); diff != "" || got.State != "succeeded" {
		t.Errorf("the run is %s; counts (-want +got):\n%s", got.State, diff)
	}
	if got, want := got.Outputs["Summary"].Preview, "5.1 % of 15934 flights arrived over 60 minutes late"; got != want {
		t.Errorf("summary %q, want %q", got, want)
	}
}
