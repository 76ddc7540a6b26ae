// Package step is what a step sees: its configuration where it is wired, and its surroundings while it runs.
//
// A step is a plain function, func(context.Context, In) (Out, error). Inside it, everything that is about this attempt comes
// through the context:
//
//	step.Logger(ctx).Info("fitting", "rows", len(rows)) // stored with the run: tenon run logs
//	step.Progress(ctx, done, total)                     // a bar on the terminal
//	step.Metric(ctx, "loss", loss)                      // a point of a series, stored with the attempt
//	dir, err := step.TempDir(ctx)                       // for files of this attempt
//	attempt, ok := step.Info(ctx)                       // attempt.Key makes outside effects idempotent
//	found, err := step.Restore(ctx, &state)             // what an earlier attempt saved with step.Checkpoint
//	return out, step.Permanent(err)                     // do not try again
//	db, err := DB.Get(ctx)                              // what the steps of a process share: a Resource
//
// All of these also work outside a run, so that a step can be called as a plain function in a unit test.
//
// Where a step is wired, a [Config] says how it runs:
//
//	model := pipeline.Step(p, "train", Train, in, step.Config{
//		Timeout:   time.Hour,
//		Retry:     step.Retry{Attempts: 3},
//		Resources: step.Resources{CPU: 2, Memory: 4 << 30},
//		Cache:     step.TTL(24 * time.Hour),
//	})
//
// The same fields can be set for a whole pipeline (pipeline.StepDefaults), and for one run: by pipeline.RunConfig, or in the YAML of
// its file under "steps". Higher layers win field by field, and have a word for "none": [NoTimeout], [NoRetry], [NoTTL],
// [NoVersion], [NoResources], [NoTolerance], an empty list of limits.
package step
