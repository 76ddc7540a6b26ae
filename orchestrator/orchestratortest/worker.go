package orchestratortest

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/tenon-ml/tenon/orchestrator"
)

// The environment of a worker of the suite, beside that of orchestrator.
const (
	envRole  = "ORCHESTRATORTEST_ROLE"
	envCheck = "ORCHESTRATORTEST_CHECK"
)

// What a worker is to be.
const (
	roleWorker = "worker" // it does what the suite's executor says
	roleChild  = "child"  // of a worker: it does nothing, for ever
	roleMute   = "mute"   // it never claims its attempt
	roleQuits  = "quits"  // it ends without having claimed it
)

// quitCode is the exit code of a worker that quits.
const quitCode = 3

// hello is what a worker, or its child, says first.
type hello struct {
	Attempt string   `json:"attempt"`
	Child   bool     `json:"child"`
	Args    []string `json:"args"`
	Dir     string   `json:"dir"`
	Check   string   `json:"check"` // of the environment
}

// order is what the suite says to a worker. It answers {} to all but exit.
type order struct {
	Do    string `json:"do"`
	Code  int    `json:"code,omitempty"`
	Say   string `json:"say,omitempty"`
	Lines int    `json:"lines,omitempty"`
}

const (
	doExit  = "exit"  // with Code, after having printed Say
	doDie   = "die"   // at once, by a signal where there are signals
	doPrint = "print" // Lines lines to standard output, and as many to standard error
	doFork  = "fork"  // start a child
)

// Work does the work of a worker, if the process was started as one by the suite: a test's binary is also the program that runners start.
// It is called first of all in TestMain:
//
//	func TestMain(m *testing.M) {
//		if code, ok := orchestratortest.Work(); ok {
//			os.Exit(code)
//		}
//		os.Exit(m.Run())
//	}
//
// It reports false if the process is no worker.
func Work() (code int, ok bool) {
	role := os.Getenv(envRole)
	switch role {
	case "":
		return 0, false
	case roleQuits:
		fmt.Fprintln(os.Stderr, "this worker quits")
		return quitCode, true
	}
	conn, err := dial(os.Getenv(orchestrator.EnvWorker))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	defer conn.Close()
	if role == roleMute {
		_, _ = io.Copy(io.Discard, conn) // the end of the suite is that of the worker
		return 1, true
	}
	in, out := json.NewDecoder(conn), json.NewEncoder(conn)
	dir, _ := os.Getwd()
	_ = out.Encode(hello{
		Attempt: os.Getenv(orchestrator.EnvAttempt), Child: role == roleChild,
		Args: os.Args[1:], Dir: dir, Check: os.Getenv(envCheck),
	})
	for {
		var o order
		if err := in.Decode(&o); err != nil {
			fmt.Fprintln(os.Stderr, "the suite is gone:", err)
			return 1, true
		}
		if o.Do == doExit {
			fmt.Fprint(os.Stderr, o.Say)
			return o.Code, true
		}
		if err := o.follow(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1, true
		}
		_ = out.Encode(struct{}{})
	}
}

func (o order) follow() error {
	switch o.Do {
	case doDie:
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			return err
		}
		return self.Kill()
	case doPrint:
		for i := range o.Lines {
			fmt.Fprintf(os.Stdout, "out %d\n", i)
			fmt.Fprintf(os.Stderr, "err %d\n", i)
		}
		return nil
	case doFork:
		child := exec.Command(os.Args[0])
		if self, err := os.Executable(); err == nil {
			child.Path = self
		}
		child.Env = append(os.Environ(), envRole+"="+roleChild)
		return child.Start()
	}
	return fmt.Errorf("the suite wants %q, which this worker does not know", o.Do)
}

// testBinary is this process's program.
func testBinary(s *suite) orchestrator.Program {
	self, err := os.Executable()
	if err != nil {
		s.Fatal(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		s.Fatal(err)
	}
	return orchestrator.Program{Path: self, Args: os.Args[:1], Dir: dir, Env: os.Environ()}
}
