package step_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/scope"
	"github.com/tenon-ml/tenon/step"
)

// A unit test of a step is a plain call, with any context.
func TestOutsideARun(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	if info, ok := step.Info(ctx); ok || info != (step.Attempt{Index: -1}) {
		t.Errorf("Info says %+v, %v", info, ok)
	}
	if step.Logger(ctx) != slog.Default() {
		t.Error("Logger is not slog.Default")
	}
	step.Metric(ctx, "loss", 1)
	step.Progress(ctx, 1, 2)
	one, err := step.TempDir(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(one)
	two, err := step.TempDir(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(two)
	if one == two {
		t.Errorf("two calls share the directory %s, which the first caller removes", one)
	}
	if err := os.WriteFile(filepath.Join(one, "file"), nil, 0o600); err != nil {
		t.Error(err)
	}
}

func TestTempDirOutsideARunThatCannotBeMade(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	if dir, err := step.TempDir(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Skipf("this system has another temporary directory: %s, %v", dir, err)
	}
}

func TestInsideARun(t *testing.T) {
	t.Parallel()
	var said []string
	var logged bytes.Buffer
	full := errors.New("disk full")
	ctx := scope.With(t.Context(), &scope.Scope{
		Run: "r", Pipeline: "p", Step: "sub/s", Index: 7, Attempt: 2, AttemptID: "a", Key: "k",
		Logger:   slog.New(slog.NewTextHandler(&logged, nil)),
		Metric:   func(name string, v float64) { said = append(said, fmt.Sprint("metric ", name, " ", v)) },
		Progress: func(done, total int64) { said = append(said, fmt.Sprint("progress ", done, " ", total)) },
		TempDir:  func() (string, error) { return "", full },
	})
	ctx, cancel := context.WithCancel(ctx) // what a step derives keeps its surroundings, also when it has ended
	cancel()
	info, ok := step.Info(ctx)
	if want := (step.Attempt{Run: "r", Pipeline: "p", Step: "sub/s", Index: 7, Number: 2, ID: "a", Key: "k"}); !ok || info != want {
		t.Errorf("Info says %+v, %v; want %+v", info, ok, want)
	}
	step.Logger(ctx).Info("fitting")
	step.Metric(ctx, "loss", 0.5)
	step.Progress(ctx, 3, 0)
	if d := cmp.Diff([]string{"metric loss 0.5", "progress 3 0"}, said); d != "" {
		t.Error(d)
	}
	if !bytes.Contains(logged.Bytes(), []byte("msg=fitting")) {
		t.Errorf("the attempt's logger got %q", &logged)
	}
	if _, err := step.TempDir(ctx); !errors.Is(err, full) {
		t.Errorf("TempDir: %v", err)
	}
}

func TestPermanent(t *testing.T) {
	t.Parallel()
	base := component.Errorf(component.Invalid, "bad row 7")
	err := step.Permanent(base)
	for name, is := range map[string]error{
		"itself": err, "wrapped": fmt.Errorf("load: %w", err), "joined": errors.Join(errors.New("other"), err), "twice": step.Permanent(err),
		"two wraps": fmt.Errorf("%w and %w", errors.New("other"), err),
	} {
		if !step.IsPermanent(is) {
			t.Errorf("%s: not permanent", name)
		}
		if !errors.Is(is, component.ErrInvalid) {
			t.Errorf("%s: lost its code", name)
		}
	}
	if err.Error() != base.Error() {
		t.Errorf("the error says %q, want %q", err, base)
	}
	for name, not := range map[string]error{"nil": nil, "an error": base, "the text of one": errors.New(err.Error())} {
		if step.IsPermanent(not) {
			t.Errorf("%s: permanent", name)
		}
	}
	if err := step.Permanent(nil); err != nil {
		t.Errorf("Permanent(nil) is %v, so that a step cannot return step.Permanent(err)", err)
	}
}
