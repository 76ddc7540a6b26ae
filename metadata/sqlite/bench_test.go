package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
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

// BenchmarkForget forgets the thousand results of a run.
func BenchmarkForget(b *testing.B) {
	store := openAt(b, filepath.Join(b.TempDir(), "tenon.db"))
	for b.Loop() {
		b.StopTimer()
		r, batch := newRun("bench")
		fill(&batch, r.ID, 0, 1000)
		r.State = metadata.RunSucceeded
		batch.Update = []metadata.Run{r}
		var keys []string
		for i := range batch.Steps {
			st := &batch.Steps[i]
			st.Outputs[0].Record.Inline, st.Outputs[0].Record.Digest = nil, digestOf(r.ID+st.Step)
			keys = append(keys, st.CacheKey)
		}
		apply(b, store, batch)
		b.StartTimer()
		if n, err := store.Forget(b.Context(), keys, time.Time{}); err != nil || n != len(keys) {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkCheckpoint saves the state of a step again and again.
func BenchmarkCheckpoint(b *testing.B) {
	store := openAt(b, filepath.Join(b.TempDir(), "tenon.db"))
	r, create := newRun("bench")
	apply(b, store, create)
	for i := 0; b.Loop(); i++ {
		apply(b, store, metadata.Batch{ID: newID(), Run: r.ID, Epoch: 1, Checkpoints: []metadata.Checkpoint{{
			StepKey: metadata.StepKey{Run: r.ID, Step: "train", Index: -1}, Attempt: r.ID, Saved: time.Now(),
			Record: artifact.Record{Digest: digestOf(strconv.Itoa(i)), Size: 1 << 20, Codec: "raw/1", Type: "string"},
		}}})
	}
}

// BenchmarkBaseline writes the same rows into two bare tables: what SQLite alone costs.
func BenchmarkBaseline(b *testing.B) {
	for _, size := range []int{1, 32, 1000} {
		b.Run(fmt.Sprintf("steps=%d", size), func(b *testing.B) {
			db, err := sql.Open(driverName, dsn(filepath.Join(b.TempDir(), "bare.db")))
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			db.SetMaxOpenConns(1)
			if _, err := db.ExecContext(b.Context(), "CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT)"); err != nil {
				b.Fatal(err)
			}
			insert, err := db.PrepareContext(b.Context(), "INSERT INTO rows (body) VALUES (?)")
			if err != nil {
				b.Fatal(err)
			}
			defer insert.Close()
			var batch metadata.Batch
			fill(&batch, newID(), 0, 1)
			e, err := encode(batch)
			if err != nil {
				b.Fatal(err)
			}
			rows := []string{e.steps[0], e.attempts[0], batch.Steps[0].Outputs[0].ID}
			for b.Loop() {
				tx, err := db.BeginTx(b.Context(), nil)
				if err != nil {
					b.Fatal(err)
				}
				st := tx.StmtContext(context.Background(), insert) //nolint:sqlclosecheck // the transaction closes it
				for range size {
					for _, body := range rows {
						if _, err := st.ExecContext(context.Background(), body); err != nil {
							b.Fatal(err)
						}
					}
				}
				if err := tx.Commit(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size)/1000, "µs/step")
		})
	}
}

// BenchmarkOpen opens and closes a database that exists, as every command does.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "tenon.db")
	store := openAt(b, path)
	r, create := newRun("bench")
	fill(&create, r.ID, 0, 1000)
	apply(b, store, create)
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		store, err := Open(b.Context(), path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkRead reads from a database of 10 runs and of 1,000 runs, each of 1,000 steps: its size must not show.
func BenchmarkRead(b *testing.B) {
	for _, runs := range []int{10, 1000} {
		store := openAt(b, filepath.Join(b.TempDir(), "tenon.db"))
		var last metadata.Run
		var keys []string
		for i := range runs {
			r, batch := newRun([]string{"penguins", "flights"}[i%2])
			r.Tags = map[string]string{"team": []string{"a", "b"}[i%2]}
			batch.Create[0] = r
			fill(&batch, r.ID, 0, 1000)
			r.State = metadata.RunSucceeded
			batch.Update = []metadata.Run{r}
			apply(b, store, batch)
			last = r
			if i == runs/2 {
				for _, st := range batch.Steps {
					keys = append(keys, st.CacheKey)
				}
			}
		}
		ctx, page := b.Context(), metadata.Cursor{Limit: 100}
		for _, read := range []struct {
			name string
			do   func() error
		}{
			{"Run", func() error { _, err := store.Run(ctx, last.ID); return err }},
			{"Runs", func() error {
				_, err := store.Runs(ctx, metadata.RunQuery{Cursor: metadata.Cursor{Limit: 10}})
				return err
			}},
			{"RunsOfStates", func() error {
				_, err := store.Runs(ctx, metadata.RunQuery{
					Pipeline: "penguins", States: []metadata.RunState{metadata.RunFailed, metadata.RunSucceeded}, Cursor: metadata.Cursor{Limit: 5},
				})
				return err
			}},
			{"RunsByTag", func() error {
				_, err := store.Runs(ctx, metadata.RunQuery{Tags: map[string]string{"team": "b"}, Cursor: metadata.Cursor{Limit: 5}})
				return err
			}},
			{"Steps100", func() error { _, err := store.Steps(ctx, metadata.StepQuery{Run: last.ID, Cursor: page}); return err }},
			{"CountSteps", func() error { _, err := store.CountSteps(ctx, last.ID); return err }},
			{"Artifacts100", func() error { _, err := store.Artifacts(ctx, metadata.ArtifactQuery{Cursor: page}); return err }},
			{"Signals", func() error { _, err := store.Signals(ctx, metadata.SignalQuery{Run: last.ID}); return err }},
			{"Checkpoints", func() error { _, err := store.Checkpoints(ctx, last.ID); return err }},
			{"Names", func() error { _, err := store.Names(ctx, "", page); return err }},
			{"Results100", func() error { _, err := store.Results(ctx, metadata.ResultQuery{Cursor: page}); return err }},
			{"ResultsOfPipeline", func() error {
				_, err := store.Results(ctx, metadata.ResultQuery{Pipeline: "flights", Cursor: page})
				return err
			}},
			{"Lookup1", func() error { _, err := store.Lookup(ctx, keys[:1]); return err }},
			{"Lookup1000", func() error { _, err := store.Lookup(ctx, keys); return err }},
		} {
			b.Run(fmt.Sprintf("runs=%d/%s", runs, read.name), func(b *testing.B) {
				for b.Loop() {
					if err := read.do(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
