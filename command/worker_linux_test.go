package command_test

import (
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

// A worker that is killed takes the program that it runs with it, and what that has started.
func TestKilledWorker(t *testing.T) {
	t.Parallel()
	path, read := fifo(t)
	run, err := stuck.Run(t.Context(), pipelinetest.Open(t), stuckParams{path}, inWorkers)
	if err != nil {
		t.Fatal(err)
	}
	pids := strings.Fields(read())
	worker, err := strconv.Atoi(pids[2])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(worker, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the error is %v", err)
	}
	for _, pid := range pids {
		if !gone(t, pid) {
			t.Errorf("process %s of %v lives", pid, pids)
		}
	}
}
