package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSameDigestEverywhere builds the program in the ways in which people do.
func TestSameDigestEverywhere(t *testing.T) {
	t.Parallel()
	want, err := digest() // as "go test" builds it
	if err != nil {
		t.Fatal(err)
	}
	built := filepath.Join(t.TempDir(), "samegraph.exe")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", built, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, command := range [][]string{{"go", "run", "."}, {built}} {
		out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).Output()
		if err != nil {
			t.Fatalf("%v: %v", command, err)
		}
		if got := strings.TrimSpace(string(out)); got != want {
			t.Errorf("%v gives the digest %s, go test %s", command, got, want)
		}
	}
}
