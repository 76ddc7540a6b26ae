// Package hook tells the world outside how runs and steps ended: a Go function with [Func], an address with [Webhook], anything else with a
// [Hook] of one's own.
//
//	var Nightly = pipeline.Define("nightly", build,
//		pipeline.OnFailure(hook.Webhook{URL: "https://alerts.example.com/tenon", SecretEnv: "ALERTS_SECRET"}))
//
//	pipeline.Step(p, "publish", Publish, in, step.OnSuccess(hook.Func(announce)))
//
// Hooks are called in the process that drives the run, once its end or the end of the step is recorded, and beside the run: what they
// return and how long they take changes nothing about it. Their failures are logged. Result returns when they have ended.
//
// A hook is called at most once for one end. Whoever must not miss any asks the metadata store: a program that is killed between
// recording an end and calling its hooks does not call them when the run is resumed.
package hook
