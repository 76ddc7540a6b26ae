package workerrpc_test

import (
	"strconv"
	"testing"

	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/internal/workerrpc"
	"github.com/tenon-ml/tenon/orchestrator"
)

// BenchmarkAttempt is what an attempt costs of the protocol, on both sides together, in processes that are warm.
func BenchmarkAttempt(b *testing.B) {
	e := start(b, workerrpc.Options{})
	env := e.env("")
	for i := 0; b.Loop(); i++ {
		id := strconv.Itoa(i)
		e.offer(id)
		conn, err := workerrpc.Connect(b.Context(), env.with(orchestrator.EnvAttempt, id).get)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := conn.Claim(b.Context(), id); err != nil {
			b.Fatal(err)
		}
		if err := conn.Finish(b.Context(), worker.Report{Attempt: id}); err != nil {
			b.Fatal(err)
		}
		conn.Close()
	}
}
