// Package local is the orchestrator of the default stack: attempts run on this machine, within budgets.
//
// It has two runners. [Config] says which is the default, and a step may choose with step.Config{Runner: "process"}.
//
// The runner goroutine is the fastest there is: an attempt is a function call in this process. It cannot isolate steps from each
// other, nor force one that ignores its context to end. Such an attempt is abandoned: it keeps its share of the budget, and
// its step is not tried again, until it returns.
//
// The runner process starts the program once more for each attempt, as a worker: see tenon.RunWorker. However such an attempt ends, it ends
// alone, and [orchestrator.Exit] says in words what ended it: a crash, os.Exit, a signal, too much memory. Details that are good to know:
//
//   - On Linux the worker is the very image that runs, even if its file was rebuilt or removed since. Tools then show it as "exe".
//   - A worker has a process group of its own. When it ends, or is killed, what is left of the group is killed with it. Package
//     internal/procgroup says what escapes: on Linux only what the step sends away on purpose and without failing.
//   - What it prints to both of its streams is one log, in order. A worker that prints faster than that can be stored waits. Its standard
//     input is empty.
//   - One that has not claimed its attempt within 10 seconds is killed. It is no use to try again: the program must call tenon.RunWorker.
//   - A process that cannot be started, for want of memory, files or processes, is tried again as step.Retry says.
//   - step.Resources{Memory: ...} is enforced on Linux. Elsewhere the Go runtime tries to stay below it.
//
// [Config] bounds what runs at once: attempts, cores, memory, GPUs, and named limits for what steps share, such as a database or
// an API with a rate limit. In a stack file:
//
//	orchestrator:
//	  flavor: local
//	  config:
//	    runner: process
//	    memory: 8GiB
//	    limits:
//	      warehouse: {concurrency: 4}
//	      api: {rate: 10, burst: 20}
//
// A step says what it needs with step.Config: Resources and Limits.
package local
