package command

import (
	"context"
	"reflect"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/step"
)

// Spec says which program a step runs, and how. It is data: all of it is recorded with the run, and part of the cache key.
//
// Args, Stdin, Stdout and the values of Env may hold placeholders, which the package comment lists. A value that is put in place of
// one is never read as a placeholder itself, nor by a shell: there is none.
type Spec struct {
	// Args is the program and its arguments. A program without a slash is looked for in the PATH of the process that runs the step;
	// another one starts at the working directory, where Files are.
	Args []string
	// Files are put into the working directory under these names, executable: the source of the program, what it reads beside its
	// inputs. A name may have directories, "lib/model.py"; the content may be that of a directory.
	Files map[string]artifact.Source
	// Stdin is the placeholder of the input that the program reads from its standard input, "{Rows:csv}". Empty: there is none.
	Stdin string
	// Stdout is the placeholder of the output that the program writes to its standard output, "{out.Sorted}". Empty: what it prints
	// there goes to the log.
	Stdout string
	// Env are variables of the program's environment, beside the few that every program gets.
	Env map[string]string
	// Inherit names variables that are taken over from the environment of the process that runs the step, where they are set. Their
	// values are neither recorded nor in the cache key: credentials, CUDA_VISIBLE_DEVICES.
	Inherit []string
}

// Call is the input of a step that runs a program: make it with [With].
type Call[In any] struct {
	Command Spec
	In      In
}

// With is the input of a step that runs a program. In is a struct as for any step: its Refs are the inputs, and its other fields are the
// parameters. All of them must be used in the command.
func With[In any](command Spec, in In) Call[In] { return Call[In]{command, in} }

// Run is the step function: it runs the program in a directory of its own, and returns what the program wrote. It is given to pipeline.Step,
// Map and Then, and can be called in a unit test; then the files of its outputs live until ctx ends.
//
// The error has the code NotFound if there is no such program, Invalid for a command with mistakes and for an output that is malformed, and
// FailedPrecondition if the program failed, or did not write an output. When ctx ends the program is asked to stop with SIGTERM, and
// killed five seconds later, each time with all that it started.
func Run[Out, In any](ctx context.Context, call Call[In]) (Out, error) {
	var out Out
	if err := run(ctx, call.Command, reflect.ValueOf(&call.In).Elem(), reflect.ValueOf(&out).Elem()); err != nil {
		var none Out
		return none, err
	}
	return out, nil
}

func run(ctx context.Context, spec Spec, in, out reflect.Value) error {
	c, mistakes := compile(spec, in.Type(), out.Type())
	if len(mistakes) > 0 {
		return step.Permanent(component.Errorf(component.Invalid, "command: %s: %w", mistakes[0].Field, mistakes[0].Err))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	j, err := newJob(ctx, c, in)
	if err != nil {
		return err
	}
	if err := j.prepare(ctx, spec); err != nil {
		return err
	}
	if err := j.execute(ctx); err != nil {
		return err
	}
	return j.collect(ctx, out)
}

// TenonCheck is for this module alone.
func (c Call[In]) TenonCheck(_ ref.Access, output reflect.Type) []ref.Mistake {
	_, mistakes := compile(c.Command, reflect.TypeFor[In](), output)
	return mistakes
}
