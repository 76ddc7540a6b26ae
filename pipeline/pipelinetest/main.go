package pipelinetest

import "github.com/tenon-ml/tenon"

// Main is what the TestMain of a package calls whose tests run steps in processes of their own: such a process is the test's executable,
// started again, and executes its step instead of the tests. Parts are as for [tenon.RunWorker]; m is the *testing.M, or what wraps it. It
// returns what m.Run does.
//
//	func TestMain(m *testing.M) { os.Exit(pipelinetest.Main(m, penguins.Penguins)) }
func Main(m interface{ Run() int }, parts ...tenon.Part) int {
	tenon.RunWorker(parts...)
	return m.Run()
}
