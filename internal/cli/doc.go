// Package cli is the command line, for programs that call tenon.Main and for the tenon command: one implementation.
//
// A program with pipelines gets the commands run, graph, params, version and completion; run is what it does without a
// command. Without pipelines it is the tenon command, which looks at what was recorded and manages stacks.
//
// [Run] executes one command line and returns the exit code: 0, 1 for a failed run or something that was not found, 2 for bad
// input, 130 after an interrupt. Bad input is one line on standard error, and nothing is written.
//
// What a command prints as its result goes to standard output. Progress, warnings and questions go to standard error.
package cli
