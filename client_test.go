package tenon_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, parts ...tenon.Part) *tenon.Client {
	t.Helper()
	client, err := tenon.Open(t.Context(), parts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

var errBroken = errors.New("the disk is full of eels")

func fail(context.Context, struct{}) (artifact.Ref[int], error) {
	return artifact.Ref[int]{}, errBroken
}

func TestResultWrapsTheStepsError(t *testing.T) {
	t.Parallel()
	broken := pipeline.Define("broken", func(p *pipeline.Builder, _ struct{}) artifact.Ref[int] {
		return pipeline.Step(p, "fail", fail, struct{}{})
	})
	run, err := broken.Run(t.Context(), open(t, tenon.Config{Home: t.TempDir()}), struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = run.Result(t.Context())
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "step fail: "+errBroken.Error()) || !strings.Contains(err.Error(), run.ID()) {
		t.Errorf("error %v does not wrap what the step returned, with run and step", err)
	}
}

// waiting is a pipeline whose one step waits for the end of its context.
func waiting(started chan<- struct{}) *pipeline.Pipeline[struct{}, artifact.Ref[int]] {
	return pipeline.Define("waiting", func(p *pipeline.Builder, _ struct{}) artifact.Ref[int] {
		return pipeline.Step(p, "wait", func(ctx context.Context, _ struct{}) (artifact.Ref[int], error) {
			close(started)
			<-ctx.Done()
			return artifact.Ref[int]{}, context.Cause(ctx)
		}, struct{}{})
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	for name, cancel := range map[string]func(*pipeline.Run[artifact.Ref[int]], *tenon.Client, context.CancelFunc){
		"the run":     func(r *pipeline.Run[artifact.Ref[int]], _ *tenon.Client, _ context.CancelFunc) { r.Cancel() },
		"its context": func(_ *pipeline.Run[artifact.Ref[int]], _ *tenon.Client, cancel context.CancelFunc) { cancel() },
		"the client":  func(_ *pipeline.Run[artifact.Ref[int]], c *tenon.Client, _ context.CancelFunc) { _ = c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			client := open(t, tenon.Config{Home: home})
			ctx, cancelCtx := context.WithCancel(t.Context())
			defer cancelCtx()
			started := make(chan struct{})
			run, err := waiting(started).Run(ctx, client, struct{}{})
			if err != nil {
				t.Fatal(err)
			}
			<-started
			cancel(run, client, cancelCtx)
			_, err = run.Result(t.Context())
			if !errors.Is(err, tenon.ErrCanceled) || !errors.Is(err, context.Canceled) {
				t.Errorf("error %v is neither ErrCanceled nor context.Canceled", err)
			}
			recorded, err := open(t, tenon.Config{Home: home}).Metadata().Run(t.Context(), run.ID())
			if err != nil {
				t.Fatal(err)
			}
			if recorded.State != metadata.RunCancelled {
				t.Errorf("recorded as %s", recorded.State)
			}
		})
	}
}

func TestClosedClient(t *testing.T) {
	t.Parallel()
	client := open(t, tenon.Config{Home: t.TempDir()})
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := squares.Run(t.Context(), client, squaresParams{Count: 1}); !errors.Is(err, tenon.ErrFailedPrecondition) {
		t.Errorf("run on a closed client: %v", err)
	}
}

// A result that is a file lives as long as the client.
func TestFileResult(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	client := open(t, tenon.Config{Home: home})
	files := pipeline.Define("files", func(p *pipeline.Builder, _ struct{}) artifact.Ref[artifact.File] {
		return pipeline.Step(p, "write", func(context.Context, struct{}) (artifact.Ref[artifact.File], error) {
			path := filepath.Join(t.TempDir(), "report.txt")
			return artifact.New(artifact.File(path)), os.WriteFile(path, []byte("read me"), 0o600)
		}, struct{}{})
	})
	run, err := files.Run(t.Context(), client, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := run.Result(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path := string(out.Value())
	if data, err := os.ReadFile(path); err != nil || string(data) != "read me" || filepath.Base(path) != "report.txt" {
		t.Errorf("%s holds %q, %v", path, data, err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(home, "tmp", "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestManyRunsOfOneClient(t *testing.T) {
	t.Parallel()
	client := open(t, tenon.Config{Home: t.TempDir()})
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			run, err := squares.Run(t.Context(), client, squaresParams{Count: n})
			if err != nil {
				t.Error(err)
				return
			}
			total, err := run.Result(t.Context())
			if want := (n - 1) * n * (2*n - 1) / 6; err != nil || total.Value() != want {
				t.Errorf("sum of %d squares: %v, %v", n, total, err)
			}
		})
	}
	wg.Wait()
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, parts := range map[string][]tenon.Part{
		"want at most one":  {tenon.Config{Home: t.TempDir()}, tenon.Config{}},
		"part 0 is a <nil>": {nil},
		"set TENON_HOME":    {tenon.Config{Home: filepath.Join(file, "home")}},
	} {
		client, err := tenon.Open(t.Context(), parts...)
		if err == nil {
			_ = client.Close()
		}
		if !errors.Is(err, tenon.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want one that is ErrInvalid and says %q", err, name)
		}
	}
}

func TestUnknownStack(t *testing.T) {
	t.Parallel()
	client := open(t, tenon.Config{Home: t.TempDir(), StackName: "production"})
	if _, err := squares.Run(t.Context(), client, squaresParams{Count: 1}); !errors.Is(err, tenon.ErrNotFound) || !strings.Contains(err.Error(), "production") {
		t.Errorf("error %v does not name the stack that is not there", err)
	}
}
