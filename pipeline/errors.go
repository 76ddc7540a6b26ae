package pipeline

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tenon-ml/tenon/component"
)

// ErrSkipped says that a result has no value because the step that makes it was skipped.
var ErrSkipped = errors.New("skipped")

// Problem is one mistake in a pipeline.
type Problem struct {
	Step  string // or "" for the pipeline itself
	Field string // of the step's input or output, or ""
	At    string // file:line of the call that wired the step, or ""
	Err   error  // says what is wrong and what to do
}

// Error says what and where, in one line.
func (p Problem) Error() string {
	var b strings.Builder
	if p.At != "" {
		b.WriteString(relative(p.At) + ": ")
	}
	if p.Step != "" {
		fmt.Fprintf(&b, "step %.60s: ", p.Step)
	}
	if p.Field != "" {
		fmt.Fprintf(&b, "field %s: ", p.Field)
	}
	b.WriteString(p.Err.Error())
	return b.String()
}

// Unwrap returns Err.
func (p Problem) Unwrap() error { return p.Err }

// Error holds every mistake that was found in a pipeline, in the order of the code. Its code is Invalid.
type Error struct {
	Pipeline string
	Problems []Problem // at least one
}

// Error lists the mistakes, one a line.
func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return fmt.Sprintf("pipeline %s: %v", e.Pipeline, e.Problems[0])
	}
	var b strings.Builder
	fmt.Fprintf(&b, "pipeline %s has %d mistakes:", e.Pipeline, len(e.Problems))
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.Error())
	}
	return b.String()
}

// Is matches component.ErrInvalid.
func (e *Error) Is(target error) bool { return target == component.ErrInvalid }

// Unwrap returns the mistakes.
func (e *Error) Unwrap() []error {
	errs := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		errs[i] = p
	}
	return errs
}

// checkName accepts what is safe in a path, a URL, a label and a terminal.
func checkName(name string) error {
	bad := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r))
	}
	if name != "" && len(name) <= 100 && !strings.ContainsFunc(name, bad) && !strings.ContainsAny(name[:1], "._-") {
		return nil
	}
	if name == "" {
		return errors.New("is empty: give it a name")
	}
	return fmt.Errorf("%.40q: use at most 100 letters, digits, '.', '_' and '-', beginning with a letter or digit", name)
}
