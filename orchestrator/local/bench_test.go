package local_test

import (
	"os/exec"
	"strconv"
	"testing"

	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/orchestrator/local"
)

// A process that does nothing, through the runner and without it.
func BenchmarkProcess(b *testing.B) {
	p := program("end")
	b.Run("runner", func(b *testing.B) {
		o, err := local.New(local.Config{Runner: local.RunnerProcess})
		if err != nil {
			b.Fatal(err)
		}
		r, err := o.Runner(b.Context(), orchestrator.Run{ID: "run", Program: p}, nil)
		if err != nil {
			b.Fatal(err)
		}
		defer r.Close(b.Context())
		a, _ := claimed()
		for i := 0; b.Loop(); i++ {
			a.ID = strconv.Itoa(i)
			if exit, err := r.Run(b.Context(), a); err != nil || exit.Reason != "" {
				b.Fatal(exit, err)
			}
		}
	})
	b.Run("exec", func(b *testing.B) {
		for b.Loop() {
			cmd := &exec.Cmd{Path: p.Path, Args: p.Args, Env: p.Env}
			if err := cmd.Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
