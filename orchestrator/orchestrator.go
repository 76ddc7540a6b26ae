package orchestrator

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/step"
)

// Kind is the component kind of [Orchestrator].
var Kind = component.NewKind[Orchestrator]("orchestrator")

// Orchestrator makes runners. All methods are safe for concurrent use.
type Orchestrator interface {
	// Capabilities tells where attempts run and what limits them. It is constant and does no I/O.
	Capabilities() Capabilities
	// Runner returns the runner for the attempts of one run that this process drives. Inside runs one attempt within this
	// process; a runner that starts processes or containers does not use it.
	Runner(ctx context.Context, run Run, inside Executor) (Runner, error)
	// Close releases what the orchestrator holds.
	Close() error
}

// Run identifies the run whose attempts a runner starts.
type Run struct {
	ID       string `json:"id"`
	Pipeline string `json:"pipeline"`
	// Program is how the user's program is started as a worker. Its Path is empty if every attempt of the run is inside.
	Program Program `json:"program"`
}

// Program is a command that starts the user's program as the worker of one attempt, with [EnvAttempt] added to its environment.
type Program struct {
	Path string   `json:"path"`
	Args []string `json:"args"` // all of them, the name of the program first
	Dir  string   `json:"dir"`  // working directory
	Env  []string `json:"env"`  // the whole environment: "name=value"
}

// The environment of a worker. A process in which [EnvWorker] is set executes one attempt, and starts no run of its own.
const (
	EnvWorker  = "TENON_WORKER"         // where the worker protocol is served: "unix:///path" or "http://127.0.0.1:port"
	EnvRun     = "TENON_WORKER_RUN"     // run ID
	EnvAttempt = "TENON_WORKER_ATTEMPT" // attempt ID
	EnvToken   = "TENON_WORKER_TOKEN"   //nolint:gosec // path of the file with the token of the run
)

// WorkerFailed begins the line that a worker prints before it exits with status 1 because it cannot execute its step: it got to
// tenon.RunWorker, and no further. An error follows.
const WorkerFailed = "tenon: this worker cannot execute its step:"

// Attempt is one try of one step, or of one element of a mapped step.
type Attempt struct {
	ID     string `json:"id"` // UUIDv7
	Run    string `json:"run"`
	Step   string `json:"step"`
	Index  int    `json:"index"`  // of the element in a mapped step; -1 otherwise
	Number int    `json:"number"` // 1 for the first try
	// Runner is the way to run it, one of Capabilities.Runners; empty for the only one.
	Runner string `json:"runner,omitempty"`
	// Resources that the attempt may use.
	Resources step.Resources `json:"resources"`
	// Claimed is closed when the attempt's worker has claimed it, if it does not run inside: a worker that does not claim soon after its
	// start never will.
	Claimed <-chan struct{} `json:"-"`
	// Output takes what the worker's process prints, if it does not run inside. It is safe for concurrent use and never fails.
	Output io.Writer `json:"-"`
}

// Runner runs attempts somewhere. Run is safe for concurrent use.
type Runner interface {
	// Run runs one attempt to its end and returns how it ended; what the attempt produced has reached the engine through the
	// worker protocol by then. The engine asks a running attempt to stop through that protocol; when ctx ends, Run
	// forces the attempt to end, and returns once it can have no further effect.
	//
	// An error says that the attempt could not be started or was lost, and its code whether another try may
	// help (Unavailable). What the step itself did wrong is not an error of Run.
	Run(ctx context.Context, a Attempt) (Exit, error)
	// Close waits for what Run left behind, and releases the runner. It is called once, after the last Run returned. If ctx ends
	// while something is left, the error's code is DeadlineExceeded.
	Close(ctx context.Context) error
}

// Exit tells how an attempt ended, as its runner saw it.
type Exit struct {
	// Reason is empty for an attempt that ended by itself, or says in words what ended it: "killed: out of memory".
	Reason string `json:"reason,omitempty"`
	// Usage is what the attempt's process used; zero for an attempt that had none of its own.
	Usage Usage `json:"usage,omitzero"`
	// Abandoned is closed when an attempt ends that ignored ctx and could not be forced; nil if the attempt has ended. Until
	// then the attempt keeps its budget and is not retried.
	Abandoned <-chan struct{} `json:"-"`
}

// Usage of a process and its children. Zero is not measured.
type Usage struct {
	CPU        time.Duration `json:"cpu,omitempty"`         // user and system time
	PeakMemory step.Bytes    `json:"peak_memory,omitempty"` // largest resident set
}

// Executor runs one attempt within this process and returns when its step function has returned. It asks the function to
// stop when ctx ends, but cannot force it.
type Executor func(ctx context.Context, a Attempt) Exit

// Capabilities says where attempts run. The zero value is a local orchestrator without limits.
type Capabilities struct {
	// Remote says that attempts run on other hosts, which need a shared artifact store and an image.
	Remote bool   `json:"remote"`
	Limits Limits `json:"limits"`
	// Runners are the ways to run an attempt that a step may choose by step.Config.Runner, the default first. Empty: there is one, inside
	// unless Remote.
	Runners []RunnerInfo `json:"runners,omitempty"`
	// StepDefaults is the lowest layer of every step's configuration.
	StepDefaults step.Config `json:"step_defaults"`
}

// RunnerInfo describes one way to run attempts.
type RunnerInfo struct {
	Name string `json:"name"`
	// Inside says that attempts run within the program's own process.
	Inside bool `json:"inside"`
}

// Runner returns the way to run attempts that has the given name, the default for "". It reports false if there is none.
func (c Capabilities) Runner(name string) (RunnerInfo, bool) {
	if len(c.Runners) == 0 {
		return RunnerInfo{Inside: !c.Remote}, name == ""
	}
	if name == "" {
		return c.Runners[0], true
	}
	i := slices.IndexFunc(c.Runners, func(r RunnerInfo) bool { return r.Name == name })
	if i < 0 {
		return RunnerInfo{}, false
	}
	return c.Runners[i], true
}

// Limits of what may run at once in one run. Zero means unlimited, but for GPU.
type Limits struct {
	Parallel int        `json:"parallel,omitempty"` // attempts
	CPU      float64    `json:"cpu,omitempty"`      // cores
	Memory   step.Bytes `json:"memory,omitempty"`   // bytes
	GPU      int        `json:"gpu,omitempty"`      // devices; zero means none: a step that asks for one is refused
	// Named limits, to which steps refer by step.Config.Limits.
	Named map[string]Limit `json:"named,omitempty"`
}

// Limit is a named limit. Zero fields are unlimited.
type Limit struct {
	Concurrency int     `json:"concurrency,omitempty" yaml:"concurrency"` // attempts at once
	Rate        float64 `json:"rate,omitempty" yaml:"rate"`               // attempts started per second
	Burst       int     `json:"burst,omitempty" yaml:"burst"`             // attempts that may start at once under Rate; 0 means 1
}
