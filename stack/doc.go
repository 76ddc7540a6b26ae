// Package stack puts components together: what a run executes on.
//
// A [Stack] is a named, validated set of components. There are two ways to one. A program composes it from values that it made:
//
//	s, err := stack.New(stack.Parts{Name: "tests", Orchestrator: o, Artifacts: a})
//
// Or it is written down, in a file or in the metadata store, as a [Spec]:
//
//	name: production
//	orchestrator:   {flavor: kubernetes, config: {namespace: ml}}
//	artifact_store: {flavor: s3, config: {bucket: ml-artifacts, region: eu-west-1}}
//
// [Parse] reads it, [Spec.Validate] checks it against the flavors that a program has, without opening anything, and [Open] opens
// it. All that is wrong is reported together, each on a line with file, line, column and key. Combinations that cannot work, such as
// an orchestrator on other hosts with artifacts on this one, are refused with the reason and the remedy.
package stack
