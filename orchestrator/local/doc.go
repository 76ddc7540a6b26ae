// Package local is the orchestrator of the default stack: attempts run on this machine, within budgets.
//
// The goroutine runner is the fastest there is: an attempt is a function call in this process. It cannot isolate steps from each
// other, nor force one that ignores its context to end. Such an attempt is abandoned: it keeps its share of the budget, and
// its step is not tried again, until it returns.
//
// [Config] bounds what runs at once: attempts, cores, memory, GPUs, and named limits for what steps share, such as a database or
// an API with a rate limit. In a stack file:
//
//	orchestrator:
//	  flavor: local
//	  config:
//	    memory: 8GiB
//	    limits:
//	      warehouse: {concurrency: 4}
//	      api: {rate: 10, burst: 20}
//
// A step says what it needs with step.Config: Resources and Limits.
package local
