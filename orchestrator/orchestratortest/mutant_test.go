package orchestratortest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/orchestrator/local"
	"github.com/tenon-ml/tenon/orchestrator/orchestratortest"
)

func TestMain(m *testing.M) {
	if code, ok := orchestratortest.Work(); ok {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

func open(t *testing.T) orchestrator.Orchestrator {
	o, err := local.New(local.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// faulty is an orchestrator whose runners are wrong in one way.
type faulty struct {
	orchestrator.Orchestrator
	wrap func(orchestrator.Runner, orchestrator.Executor) orchestrator.Runner
}

func (f faulty) Runner(ctx context.Context, run orchestrator.Run, inside orchestrator.Executor) (orchestrator.Runner, error) {
	r, err := f.Orchestrator.Runner(ctx, run, inside)
	if err != nil {
		return nil, err
	}
	return f.wrap(r, inside), nil
}

type hasty struct{ orchestrator.Runner }

func (h hasty) Run(ctx context.Context, a orchestrator.Attempt) (orchestrator.Exit, error) {
	go h.Runner.Run(ctx, a)
	return orchestrator.Exit{}, nil
}

type forgetful struct{ orchestrator.Runner }

func (f forgetful) Run(ctx context.Context, a orchestrator.Attempt) (orchestrator.Exit, error) {
	a.Index = -1
	return f.Runner.Run(ctx, a)
}

type silent struct{ orchestrator.Runner }

func (s silent) Run(ctx context.Context, a orchestrator.Attempt) (orchestrator.Exit, error) {
	exit, err := s.Runner.Run(ctx, a)
	if exit.Abandoned != nil {
		over := make(chan struct{})
		close(over)
		exit.Abandoned = over
	}
	return exit, err
}

type impatient struct{ orchestrator.Runner }

func (impatient) Close(context.Context) error { return nil }

type twice struct {
	orchestrator.Runner
	inside orchestrator.Executor
}

func (t twice) Run(ctx context.Context, a orchestrator.Attempt) (orchestrator.Exit, error) {
	if a.Index == 41 {
		t.inside(ctx, a)
	}
	return t.Runner.Run(ctx, a)
}

// mutants are runners with one fault each, and the subtest that finds it.
var mutants = map[string]struct {
	finder string
	wrap   func(orchestrator.Runner, orchestrator.Executor) orchestrator.Runner
}{
	"hasty":     {"RunBlocks", func(r orchestrator.Runner, _ orchestrator.Executor) orchestrator.Runner { return hasty{r} }},
	"forgetful": {"Attempt", func(r orchestrator.Runner, _ orchestrator.Executor) orchestrator.Runner { return forgetful{r} }},
	"twice":     {"Attempt", func(r orchestrator.Runner, e orchestrator.Executor) orchestrator.Runner { return twice{r, e} }},
	"silent":    {"Deaf", func(r orchestrator.Runner, _ orchestrator.Executor) orchestrator.Runner { return silent{r} }},
	"impatient": {"CloseWaits", func(r orchestrator.Runner, _ orchestrator.Executor) orchestrator.Runner { return impatient{r} }},
	"careless":  {"CloseGivesUp", func(r orchestrator.Runner, _ orchestrator.Executor) orchestrator.Runner { return impatient{r} }},
}

const mutantEnv = "ORCHESTRATORTEST_MUTANT"

// find runs a mutant's subtest in another process, where it must fail.
func find(t *testing.T, test, mutant, finder string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+test+"$/^"+finder+"$", "-test.v")
	cmd.Env = append(os.Environ(), mutantEnv+"="+mutant)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--- FAIL: "+test+"/"+finder) {
		t.Errorf("the suite does not find the fault: %v\n%s", err, out)
	}
}

func TestSuiteFindsFaults(t *testing.T) {
	t.Parallel()
	for name, m := range mutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			find(t, "TestMutant", name, m.finder)
		})
	}
}

func TestMutant(t *testing.T) {
	m, ok := mutants[os.Getenv(mutantEnv)]
	if !ok {
		t.Skip("for TestSuiteFindsFaults")
	}
	orchestratortest.Run(t, orchestratortest.Harness{
		Open: func(t *testing.T) orchestrator.Orchestrator { return faulty{open(t), m.wrap} },
	})
}
