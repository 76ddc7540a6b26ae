// Package preview makes what a person reads of a run before it runs: the fates that the engine foresees, with what changed since earlier
// results, and how long the steps took before.
//
// [Make] only reads, and asks for each step about a bounded number of earlier runs, however many are recorded.
package preview
