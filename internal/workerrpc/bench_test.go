package workerrpc_test

import (
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/internal/workerrpc"
	"github.com/tenon-ml/tenon/orchestrator"
	"strconv"
	"strings"
	"testing"
)

func BenchmarkStep(b *testing.B) {
	h := newHost()
	srv, err := workerrpc.Serve(b.Context(), workerrpc.Config{Host: h, Run: "run", Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer srv.Close()
	env := map[string]string{}
	for _, e := range srv.Env() {
		n, v, _ := strings.Cut(e, "=")
		env[n] = v
	}
	i := 0
	for b.Loop() {
		id := strconv.Itoa(i)
		i++
		h.add(worker.Assignment{Attempt: id})
		env[orchestrator.EnvAttempt] = id
		c, err := workerrpc.Connect(b.Context(), func(s string) string { return env[s] })
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Claim(b.Context(), id); err != nil {
			b.Fatal(err)
		}
		if err := c.Finish(b.Context(), worker.Report{Attempt: id}); err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}
