package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon"
)

func TestMain(m *testing.M) {
	testscript.Main(leakFree{m}, map[string]func(){
		"tenon":   func() { tenon.Main() },
		"prog":    func() { tenon.Main(numbers("numbers")) },
		"asks":    func() { tenon.Main(asks()) },
		"several": func() { tenon.Main(numbers("numbers"), numbers("others")) },
	})
}

// leakFree runs the tests and fails if goroutines are left.
type leakFree struct{ m *testing.M }

func (l leakFree) Run() int {
	code := l.m.Run()
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestScripts runs whole programs, each script in a home of its own.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, scripts(t, "script"))
}

// scripts are those of a directory.
func scripts(t *testing.T, dir string) testscript.Params {
	t.Helper()
	return testscript.Params{
		Dir:                 filepath.Join("testdata", dir),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       flag.Lookup("update").Value.String() == "true",
		Setup: func(env *testscript.Env) error {
			env.Setenv("TENON_HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("TZ", "UTC")
			env.Values["env"] = env
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     exits,
			"held":      held,
			"interrupt": interrupt,
			"jsonpath":  jsonPath,
			"mask":      mask,
			"untouched": untouched,
		},
	}
}

// exits CODE COMMAND [ARG...] runs a command that ends with an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	checkExit(ts, ts.Exec(args[1], args[2:]...), want)
}

func checkExit(ts *testscript.TestScript, err error, want int) {
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// interrupt TIMES CODE COMMAND [ARG...] runs a command and interrupts it: first when it says "holding", then after each answer to an
// interrupt. What it wrote to standard error is in stderr.txt.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: interrupt TIMES CODE COMMAND [ARG...]")
	}
	times, err := strconv.Atoi(args[0])
	ts.Check(err)
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	env, _ := ts.Value("env").(*testscript.Env)
	cmd := exec.Command(executable(ts, args[2]), args[3:]...)
	cmd.Dir, cmd.Env = env.WorkDir, env.Vars
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	var all bytes.Buffer
	lines := bufio.NewScanner(stderr)
	for awaited := "holding"; lines.Scan(); {
		fmt.Fprintln(&all, lines.Text())
		if times > 0 && strings.Contains(lines.Text(), awaited) {
			ts.Check(cmd.Process.Signal(os.Interrupt))
			awaited = "interrupt again"
			times--
		}
	}
	ts.Check(os.WriteFile(filepath.Join(env.WorkDir, "stderr.txt"), all.Bytes(), 0o600))
	checkExit(ts, cmd.Wait(), want)
}

// held HOW CODE COMMAND [ARG...] runs a pipeline that does not end, and beside it a command that watches it. When the command has told that a step is
// running, HOW is what happens: "end" and "kill" are for the pipeline's program, "interrupt" is for the command. The command ends with the exit code;
// what it wrote is in stdout.txt and stderr.txt.
func held(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: held end|kill|interrupt CODE COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	env, _ := ts.Value("env").(*testscript.Env)
	program := exec.Command(executable(ts, "prog"), "--name", "held", "--set", "hold=true")
	watcher := exec.Command(executable(ts, args[2]), args[3:]...)
	var out bytes.Buffer
	watcher.Stdout = &out
	for _, cmd := range []*exec.Cmd{program, watcher} {
		cmd.Dir, cmd.Env = env.WorkDir, env.Vars
	}
	told, err := program.StderrPipe()
	ts.Check(err)
	seen, err := watcher.StderrPipe()
	ts.Check(err)
	ts.Check(program.Start())
	programLines := bufio.NewScanner(told)
	for programLines.Scan() && !strings.Contains(programLines.Text(), "holding") {
	}
	ts.Check(watcher.Start())
	var all bytes.Buffer
	for lines := bufio.NewScanner(seen); lines.Scan(); {
		fmt.Fprintln(&all, lines.Text())
		switch {
		case !strings.Contains(lines.Text(), "running"):
		case args[0] == "end":
			ts.Check(program.Process.Signal(os.Interrupt))
		case args[0] == "kill":
			ts.Check(program.Process.Kill())
		default:
			ts.Check(watcher.Process.Signal(os.Interrupt))
		}
	}
	watched := watcher.Wait()
	if args[0] == "interrupt" {
		ts.Check(program.Process.Signal(os.Interrupt)) // it is there
	}
	for programLines.Scan() {
	}
	_ = program.Wait() // it was interrupted, or killed
	ts.Check(os.WriteFile(filepath.Join(env.WorkDir, "stdout.txt"), out.Bytes(), 0o600))
	ts.Check(os.WriteFile(filepath.Join(env.WorkDir, "stderr.txt"), all.Bytes(), 0o600))
	checkExit(ts, watched, want)
}

// executable finds a command of the script.
func executable(ts *testscript.TestScript, name string) string {
	dirs := filepath.SplitList(ts.Getenv("PATH"))
	i := slices.IndexFunc(dirs, func(dir string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	})
	if i < 0 {
		ts.Fatalf("no command %s", name)
	}
	return filepath.Join(dirs[i], name)
}

// jsonpath FILE PATH WANT compares what stands at a path, such as steps.0.state, in a JSON document.
func jsonPath(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: jsonpath FILE PATH WANT")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &v))
	for key := range strings.SplitSeq(args[1], ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(at) {
				ts.Fatalf("%s: no element %s of %d", args[1], key, len(at))
			}
			v = at[i]
		default:
			ts.Fatalf("%s: no %s in %v", args[1], key, v)
		}
	}
	if got := fmt.Sprint(v); (got == args[2]) == neg {
		ts.Fatalf("%s is %s, want %s", args[1], got, args[2])
	}
}

// mask FILE writes masked.txt: FILE with a name in place of everything that differs from run to run.
func mask(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: mask FILE")
	}
	text := ts.ReadFile(args[0])
	ids := map[string]string{}
	text = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`).ReplaceAllStringFunc(text, func(id string) string {
		if ids[id] == "" {
			ids[id] = fmt.Sprintf("ID-%d", len(ids)+1)
		}
		return ids[id]
	})
	for pattern, name := range map[string]string{
		`sha256:[0-9a-f]{64}`: "DIGEST",
		`"(cache_key|host|preview|session|path|package|dir)": "([^"\\]|\\.)*"`: `"$1": "TEXT"`,
		`"(pid|duration_seconds|size)": [0-9.e+-]+`:                            `"$1": 0`,
		`20\d\d-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)`:                           "TIME",
		`numbers-20\d{6}-\d{6}`:                                                "numbers-TIME",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, name)
	}
	ts.Check(os.WriteFile(ts.MkAbs("masked.txt"), []byte(text), 0o600))
}

// untouched says that nothing was written into the home.
func untouched(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: untouched")
	}
	if entries, err := os.ReadDir(ts.Getenv("TENON_HOME")); err == nil {
		ts.Fatalf("the home exists and holds %v", entries)
	}
}
