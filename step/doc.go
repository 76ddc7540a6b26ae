// Package step is what a step sees: its configuration where it is wired, and its surroundings while it runs.
//
// A step is a plain function, func(context.Context, In) (Out, error). Inside it, everything that is about this attempt comes
// through the context:
//
//	step.Logger(ctx).Info("fitting", "rows", len(rows))
//	step.Progress(ctx, done, total)
//	step.Metric(ctx, "loss", loss)
//
// All of these also work outside a run, so that a step can be called as a plain function in a unit test.
package step
