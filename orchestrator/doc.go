// Package orchestrator is the component kind that says where the attempts of a run execute, and how much may execute at
// once.
//
// The engine is the only scheduler. It hands each attempt to a [Runner], which runs it somewhere: as a goroutine of this
// process, as a process, a container, a Kubernetes Job. Whatever a runner starts does the same thing: it claims the attempt
// from the engine, heartbeats, and finishes it.
//
// An [Orchestrator] makes one Runner for each run, and tells with its [Capabilities] where attempts run, within which [Limits], and
// how steps are configured that say nothing themselves.
//
// orchestrator/local is the flavor of the default stack, orchestrator/orchestratortest the conformance suite for every
// implementation.
package orchestrator
