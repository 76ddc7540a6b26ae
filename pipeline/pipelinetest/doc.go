// Package pipelinetest runs pipelines in unit tests.
//
// [Run] runs a whole pipeline in temporary storage and returns its typed result; [Golden] holds its graph against a
// golden file, and checks on the way that the pipeline function is deterministic:
//
//	func TestPenguins(t *testing.T) {
//		pipelinetest.Golden(t, Penguins, Params{LR: 0.1}, "testdata/penguins.graph.json")
//		out := pipelinetest.Run(t, Penguins, Params{LR: 0.1})
//		if acc := out.Accuracy.Value(); acc < 0.95 {
//			t.Errorf("accuracy %v", acc)
//		}
//	}
//
// [Simulate] runs it in virtual time with injected crashes, duplicate attempts, timeouts, and slow and failing stores, and reports steps that do
// not get over them, with the seed that repeats it; [Seeds] goes through many:
//
//	func TestPenguinsUnderFaults(t *testing.T) {
//		pipelinetest.Seeds(t, 20, func(t *testing.T, seed uint64) {
//			pipelinetest.Simulate(t, Penguins, Params{LR: 0.1}, seed)
//		})
//	}
//
// A pipeline that waits for a person is given its answers with [Approve] and [Reject]. A step of a recorded run is called again, with what it was
// called with, by [Repro], in a test that "tenon run repro" writes.
//
// Set UPDATE_GOLDEN=1, or a boolean flag -update of the test's own, to write the golden files.
package pipelinetest
