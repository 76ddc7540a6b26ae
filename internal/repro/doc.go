// Package repro calls one step of a recorded run again, outside of any run: with the same parameters, inputs and outside data.
//
// [Collect] gathers from the metadata store all that the step was called with, as a [Case]. [Case.Write] makes a Go test of it, beside the
// package of the pipeline, and a directory with a [Recording] and the content of what it names. The test reads the recording and performs it:
// [Recording.Perform] calls the step by the binding that the pipeline itself makes, so that it makes no difference whether the step is a
// function, a literal, a method or a program.
package repro
