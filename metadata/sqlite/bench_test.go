package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func digestOf(s string) artifact.Digest { return artifact.NewDigest(sha256.Sum256([]byte(s))) }

func openAt(tb testing.TB, path string) metadata.Store {
	tb.Helper()
	store, err := Open(tb.Context(), path, Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := store.Close(); err != nil {
			tb.Error(err)
		}
	})
	return store
}

func apply(tb testing.TB, store metadata.Store, batches ...metadata.Batch) {
	tb.Helper()
	for _, batch := range batches {
		if err := store.Apply(tb.Context(), batch); err != nil {
			tb.Fatal(err)
		}
	}
}

// newRun returns a running run and the batch that creates it.
func newRun(pipeline string) (metadata.Run, metadata.Batch) {
	now := time.Now()
	r := metadata.Run{
		ID: newID(), Name: "bench", Pipeline: pipeline, State: metadata.RunRunning, Stack: "default", Epoch: 1, Created: now, Started: now,
		Graph: digestOf(pipeline), Plan: digestOf(pipeline + "plan"), Params: json.RawMessage(`{"lr":0.1}`),
	}
	docs := []metadata.Document{{Digest: r.Graph, Kind: "graph", Body: []byte("{}")}, {Digest: r.Plan, Kind: "plan", Body: []byte("{}")}}
	return r, metadata.Batch{ID: newID(), Documents: docs, Create: []metadata.Run{r}}
}

// fill adds n steps of a chain, as the engine records steps that were quick: a row, its only attempt, one small output.
func fill(b *metadata.Batch, run string, from, n int) {
	previous := newID()
	for i := from; i < from+n; i++ {
		key := metadata.StepKey{Run: run, Step: fmt.Sprintf("step-%04d", i), Index: -1}
		now := time.Now()
		out := metadata.Output{ID: newID(), Name: "output", Record: artifact.Record{
			Digest: digestOf(key.Step), Size: 1, Codec: "cbor/1", Type: "int", Inline: []byte{1}, Preview: "1",
		}}
		b.Steps = append(b.Steps, metadata.Step{
			StepKey: key, State: metadata.StepSucceeded, CacheKey: string(digestOf(run + key.Step)), Computed: now, Attempts: 1, Started: now, Finished: now,
			Inputs: []metadata.Input{{Name: "In", Artifact: previous, Digest: out.Record.Digest}}, Outputs: []metadata.Output{out},
		})
		b.Attempts = append(b.Attempts, metadata.Attempt{
			ID: newID(), StepKey: key, Number: 1, State: metadata.StepSucceeded, Started: now, Finished: now, Host: "host",
		})
		previous = out.ID
	}
}

// BenchmarkApply commits the rows of steps one batch at a time, as the engine does, into a database that grows.
func BenchmarkApply(b *testing.B) {
	for _, size := range []int{1, 32, 1000} {
		b.Run(fmt.Sprintf("steps=%d", size), func(b *testing.B) {
			store := openAt(b, filepath.Join(b.TempDir(), "tenon.db"))
			var r metadata.Run
			steps := 1000
			for b.Loop() {
				b.StopTimer()
				if steps >= 1000 {
					var create metadata.Batch
					r, create = newRun("bench")
					apply(b, store, create)
					steps = 0
				}
				batch := metadata.Batch{ID: newID(), Run: r.ID, Epoch: 1}
				fill(&batch, r.ID, steps, size)
				steps += size
				b.StartTimer()
				apply(b, store, batch)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size)/1000, "µs/step")
		})
	}
}

func BenchmarkBaseline(b *testing.B) {
	for _, size := range []int{1, 32, 1000} {
		b.Run(fmt.Sprintf("steps=%d", size), func(b *testing.B) {
			db, err := sql.Open("sqlite3", "file:"+filepath.Join(b.TempDir(), "bare.db")+"?_journal_mode=WAL&_synchronous=NORMAL&_txlock=immediate")
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			db.SetMaxOpenConns(1)
			if _, err := db.Exec("CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB)"); err != nil {
				b.Fatal(err)
			}
			var batch metadata.Batch
			fill(&batch, newID(), 0, 1)
			one, _ := json.Marshal(batch.Steps[0])
			two, _ := json.Marshal(batch.Attempts[0])
			three, _ := json.Marshal(batch.Steps[0].Outputs[0].ID)
			b.Log(len(one), len(two))
			for b.Loop() {
				tx, err := db.BeginTx(context.Background(), nil)
				if err != nil {
					b.Fatal(err)
				}
				st, err := tx.Prepare("INSERT INTO rows (body) VALUES (?)")
				if err != nil {
					b.Fatal(err)
				}
				for range size {
					for _, body := range [][]byte{one, two, three} {
						if _, err := st.Exec(body); err != nil {
							b.Fatal(err)
						}
					}
				}
				st.Close()
				if err := tx.Commit(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*size), "µs/step")
		})
	}
}
