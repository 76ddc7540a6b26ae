// Package edits builds and runs a program after each of a table of edits, and after random ones, to show which steps find their results
// in the cache then. No edit that can change a result may leave a step cached; edits of what a step does not use must.
package edits
