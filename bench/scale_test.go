package main

import (
	"runtime"
	"testing"
)

// Every row of scale can be measured, here in a home of a few runs.
func TestScaleRows(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("records thousands of steps")
	}
	for _, r := range scaleRows(newHomes(t.TempDir(), 3)) {
		result, err := r.run(t.Context(), 1)
		if err != nil {
			t.Fatalf("%s: %v", r.name, err)
		}
		if result.Figure <= 0 || r.show(result.Figure) == "" || r.name != "scale-disk" && len(result.Baselines) != 1 {
			t.Errorf("%s: %+v", r.name, result)
		}
	}
}

// The tasks whose memory is measured do their work and say a figure.
func TestMemoryTasks(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("peak memory is measured on Linux only")
	}
	for _, name := range []string{"pending", "mapped", "wide", "chain", "artifact"} {
		if figure, err := inProcess(name, 100)(t.Context(), t.TempDir()); err != nil || figure <= 0 {
			t.Errorf("%s: %d, %v", name, figure, err)
		}
	}
	if _, err := inProcess("nothing", 1)(t.Context(), t.TempDir()); err == nil {
		t.Error("an unknown task is measured")
	}
}

func TestAmount(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{4 << 30: "4 GiB", 73_400_000: "73 MB", 1480: "1.5 kB"} {
		if got := amount(n); got != want {
			t.Errorf("%d is shown as %q, want %q", n, got, want)
		}
	}
}
