package pipelinetest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
	"github.com/tenon-ml/tenon/step"
)

// envMistake names the mistake that TestMistake makes, in the process that makes it.
const envMistake = "TENON_TEST_MISTAKE"

type mistakeIn struct{ Dir string }

type mistakeOut struct {
	Fine artifact.Ref[string]
	N    artifact.Ref[int]
}

// mistake is a step that something is wrong with.
type mistake struct {
	do func(ctx context.Context, file string) (int, error)
	// want is a regular expression of what is said of it.
	want   string
	config step.Config
}

var appended struct {
	sync.Mutex
	list []string
}

func mistakes() map[string]mistake {
	return map[string]mistake{
		"reads the clock": {
			func(context.Context, string) (int, error) { return int(time.Now().Unix()), nil },
			`step it: output N is not deterministic: the same inputs gave [0-9a-f]{12} \(undisturbed run 1, execution 1\) and [0-9a-f]{12} \(undisturbed run 2, execution 1\)`,
			step.Config{},
		},
		"appends to a global list": {
			func(context.Context, string) (int, error) {
				appended.Lock()
				defer appended.Unlock()
				appended.list = append(appended.list, "row")
				return len(appended.list), nil
			},
			`step it: output N is not deterministic: `, step.Config{},
		},
		"appends to a file of the run": {
			func(_ context.Context, file string) (int, error) {
				f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
				if err != nil {
					return 0, err
				}
				defer f.Close()
				if _, err := f.WriteString("row\n"); err != nil {
					return 0, err
				}
				info, err := f.Stat()
				return int(info.Size()), err
			},
			`step it: output N is not idempotent: the same inputs gave [0-9a-f]{12} \(undisturbed run 1, execution 1\) and [0-9a-f]{12} \(the disturbed run, execution [2-9], driver \d\)`,
			step.Config{},
		},
		"makes a file that must not exist": {
			func(_ context.Context, file string) (int, error) {
				f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL, 0o600)
				if err != nil {
					return 0, err
				}
				return 1, f.Close()
			},
			`step it: is not idempotent: executed again it failed \(the disturbed run, execution [2-9], driver \d\): open .*: file exists`, step.Config{},
		},
		"leaves half of its work where it stops": { // only a crash in its middle shows it
			func(ctx context.Context, file string) (int, error) {
				if _, err := os.Stat(file); err == nil {
					return 2, nil // what the one before was about to do
				}
				if err := os.WriteFile(file, nil, 0o600); err != nil {
					return 0, err
				}
				step.Logger(ctx).Info("half way")
				return 1, os.Remove(file)
			},
			`step it: output N is not idempotent: `, step.Config{},
		},
		"must be alone": { // two at once show it
			func(ctx context.Context, file string) (int, error) {
				f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL, 0o600)
				if err != nil {
					return 0, errors.New("somebody else is at it")
				}
				defer os.Remove(file)
				return 1, errors.Join(f.Close(), sleep(context.WithoutCancel(ctx), time.Second))
			},
			`step it: is not idempotent: executed again it failed .*: somebody else is at it`, step.Config{},
		},
		"ignores its timeout": {
			func(context.Context, string) (int, error) {
				time.Sleep(time.Hour)
				return 1, nil
			},
			`step it: ignores its context: it went on for \d.*s after its context had ended`, step.Config{Timeout: 2 * time.Hour},
		},
		"panics in the second run": {
			func(context.Context, string) (int, error) {
				appended.Lock()
				defer appended.Unlock()
				if appended.list = append(appended.list, "run"); len(appended.list) == 3 {
					panic("three is too many")
				}
				return 1, nil
			},
			`step it: is not deterministic: with the same inputs it failed \(the disturbed run, execution 1, driver 1\): panic: three is too many`, step.Config{},
		},
	}
}

// TestMistake makes the mistake that the environment names.
func TestMistake(t *testing.T) {
	m, ok := mistakes()[os.Getenv(envMistake)]
	if !ok {
		t.Skip("it fails, in a process that TestSimulateFindsMistakes starts")
	}
	p := pipeline.Define("mistaken", func(p *pipeline.Builder, in mistakeIn) mistakeOut {
		return pipeline.Step(p, "it", func(ctx context.Context, in mistakeIn) (mistakeOut, error) {
			at, _ := step.Info(ctx)
			n, err := m.do(ctx, filepath.Join(in.Dir, at.Run))
			return mistakeOut{artifact.New("fine"), artifact.New(n)}, err
		}, in, m.config)
	})
	pipelinetest.Seeds(t, 40, func(t *testing.T, seed uint64) {
		appended.list = nil
		if done := pipelinetest.Simulate(t, p, mistakeIn{t.TempDir()}, seed); t.Failed() {
			t.Fatalf("found after %d executions", done.Executions)
		}
	})
}

// TestSimulateFindsMistakes runs tests that must fail in processes of their own, and repeats the seed that they name.
func TestSimulateFindsMistakes(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`repeat it with pipelinetest.Simulate and seed (\d+), or in pipelinetest.Seeds with TENON_SEED=(\d+)`)
	for name, m := range mistakes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := regexp.MustCompile(m.want)
			test := func(env ...string) string {
				t.Helper()
				cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMistake$", "-test.failfast")
				cmd.Env = append(os.Environ(), append(env, envMistake+"="+name)...)
				out, err := cmd.CombinedOutput()
				var exit *exec.ExitError
				if !errors.As(err, &exit) || !want.Match(out) {
					t.Fatalf("the test ends with %v, want a failure that matches %s\n%s", err, m.want, out)
				}
				return string(out)
			}
			out := test("TENON_SEED=", "TENON_SEEDS=")
			seed := named.FindStringSubmatch(out)
			if seed == nil || seed[1] != seed[2] || !strings.Contains(out, "TestMistake/seed="+seed[1]) {
				t.Fatalf("the seed is not named:\n%s", out)
			}
			test("TENON_SEED="+seed[1], "TENON_SEEDS=")
		})
	}
}
