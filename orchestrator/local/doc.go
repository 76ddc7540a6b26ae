// Package local is the orchestrator of the default stack: attempts run on this machine, within budgets.
//
// The goroutine runner is the fastest there is: an attempt is a function call in this process. It cannot isolate steps from each
// other, nor force one that ignores its context to end; such an attempt is abandoned.
package local
