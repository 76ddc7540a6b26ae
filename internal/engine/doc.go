// Package engine walks a graph over a runner. It is the only scheduler of Tenon.
//
// [Run] starts one goroutine, the scheduler, that owns all state of the run and takes no locks. Everything else happens in other goroutines
// that report to it as events: attempts, cache lookups, splitting of lists, commits, timers. Data goes one way:
//
//	node waits for upstream ── resolve edges ──> tasks ── key, lookup ──> hit: ended
//	                                               └─ miss: queue ── limits ──> attempt ──> ended ──> downstream
//
// A node is a step of the graph; a task is what can be attempted: the step itself, or one element of a mapped step. The cost of
// scheduling is linear in nodes, edges and elements.
//
// The engine keeps no state of its own: what happened is in the metadata store. Records are committed in groups while the
// run goes on; a dependant of a short attempt may start before the record of that attempt is committed, within bounds, but nothing
// external starts, and Run does not return, before everything upstream is committed.
package engine
