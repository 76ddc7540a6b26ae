// Package simulate runs a pipeline in a world where things go wrong, as a seed decides: attempts crash, drivers die, work is done twice, time
// runs out, stores are slow and lose acknowledgements.
//
// A [World] lives in a bubble of testing/synctest, so that no time passes but what is simulated. It has one or more [Run]s of one pipeline,
// and a run one or more [Driver]s, of which each but the last may die. A driver wraps what the real client or engine is driven with: both
// stores, the orchestrator, and the functions of the steps. What is decided for an execution of a step depends on the seed, the step and
// how often it was executed before, and not on what happens beside it; what is decided for a call of a store depends on how many came
// before it.
//
// In the end [World.Problems] compares all executions of all runs: the same inputs must have given the same outputs, however often a
// function was executed and wherever it was interrupted.
package simulate
