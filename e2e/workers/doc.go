// Package workers holds tests of steps in processes of their own, with whole programs: which runner executes a step changes nothing in its
// result, a step costs few requests, and whatever happens to a worker, to the program, to its executable or to its state directory ends
// one attempt at worst, or leaves a run that can be resumed.
package workers
