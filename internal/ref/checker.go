package ref

import "reflect"

// Checker is implemented by the input of a step that knows more about how the step is wired than its type says.
type Checker interface {
	// TenonCheck returns what is wrong with a step that takes this input and returns an output of the given type. The Refs of the input
	// have no values.
	TenonCheck(_ Access, output reflect.Type) []Mistake
}

// Mistake is one thing that is wrong with a step.
type Mistake struct {
	Field string // of the input or output, or ""
	Err   error  // says what is wrong and what to do
}
