package workerrpc

import (
	"time"

	"github.com/tenon-ml/tenon/artifact"
)

// Job is what a worker needs to know about the run, beside its assignment.
type Job struct {
	Pipeline string
	// Params is the canonical encoding of the pipeline's parameters, from which the worker builds the graph again.
	Params []byte
	// Graph is the digest that the graph must have.
	Graph artifact.Digest
	// Executable that the worker must run.
	Executable Executable
	// Home is the state directory, for components that keep their data there.
	Home string
	// TempDir is the parent of the attempts' own directories.
	TempDir string
	// Stack is the specification of the stack, as YAML. Empty: the program composes its stack itself.
	Stack []byte
	// StackName names it in errors.
	StackName string
}

// Executable identifies a program. The file's identity spares a worker to hash it.
type Executable struct {
	Digest   artifact.Digest
	Size     int64
	Modified time.Time
}
