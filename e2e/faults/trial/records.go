package trial

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/sqlite"
)

// Records are what is recorded of the runs of a site.
type Records struct {
	Runs        []metadata.Run // newest first
	Steps       map[metadata.StepKey]metadata.Step
	Attempts    []metadata.Attempt
	Checkpoints []metadata.Checkpoint
}

// Records returns what is recorded, as a program left it: a client would record what became of that program.
func (s *Site) Records(t testing.TB) Records {
	t.Helper()
	return recordsIn(t, filepath.Join(s.Home, "tenon.db"))
}

// Left returns what is recorded, from a copy, so that the next program finds the database and its log as the last one left them. No program
// may be running.
func (s *Site) Left(t testing.TB) Records {
	t.Helper()
	var r Records
	s.withCopy(t, func(path string) { r = recordsIn(t, path) })
	return r
}

// Deleting returns the contents whose deletion a garbage collector began and did not end. It reads a copy, as [Site.Left] does.
func (s *Site) Deleting(t testing.TB) (digests []artifact.Digest) {
	t.Helper()
	s.withCopy(t, func(path string) {
		store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		digests, err = store.Deleting(t.Context())
		if err := errors.Join(err, store.Close()); err != nil {
			t.Fatal(err)
		}
	})
	return digests
}

// withCopy copies the database and what belongs to it.
func (s *Site) withCopy(t testing.TB, read func(path string)) {
	t.Helper()
	dir, err := os.MkdirTemp(s.Dir, "copy-*") //nolint:usetesting // there are many, and each is large
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"tenon.db", "tenon.db-wal", "tenon.db-journal"} { // the index of the log is made again
		data, err := os.ReadFile(filepath.Join(s.Home, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	read(filepath.Join(dir, "tenon.db"))
}

func recordsIn(t testing.TB, path string) Records {
	t.Helper()
	r := Records{Steps: map[metadata.StepKey]metadata.Step{}}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return r // the program had no time to make it
	}
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = r.read(t.Context(), store)
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *Records) read(ctx context.Context, store metadata.Store) error {
	page, err := store.Runs(ctx, metadata.RunQuery{Cursor: metadata.Cursor{Limit: 1000}})
	if err != nil {
		return err
	}
	for _, listed := range page.Items {
		run, err := store.Run(ctx, listed.ID) // with its outputs
		if err != nil {
			return err
		}
		r.Runs = append(r.Runs, run)
		for row, err := range metadata.All(ctx, store.Steps, metadata.StepQuery{Run: run.ID}) {
			if err != nil {
				return err
			}
			r.Steps[row.StepKey] = row
		}
		for a, err := range metadata.All(ctx, store.Attempts, metadata.AttemptQuery{Run: run.ID}) {
			if err != nil {
				return err
			}
			r.Attempts = append(r.Attempts, a)
		}
		checkpoints, err := store.Checkpoints(ctx, run.ID)
		if err != nil {
			return err
		}
		r.Checkpoints = append(r.Checkpoints, checkpoints...)
	}
	return nil
}

// Unended describes the rows that have not ended.
func (r Records) Unended() []string {
	var rows []string
	for _, run := range r.Runs {
		if !run.State.Ended() {
			rows = append(rows, fmt.Sprintf("run %s is %s", run.ID, run.State))
		}
	}
	for key, row := range r.Steps {
		if !row.State.Ended() {
			rows = append(rows, fmt.Sprintf("step %v is %s", key, row.State))
		}
	}
	for _, a := range r.Attempts {
		if !a.State.Ended() {
			rows = append(rows, fmt.Sprintf("attempt %d of %v is %s", a.Number, a.StepKey, a.State))
		}
	}
	return rows
}

// Done reports whether a step is recorded as one that has a result.
func (r Records) Done(key metadata.StepKey) bool {
	state := r.Steps[key].State
	return state == metadata.StepSucceeded || state == metadata.StepCached
}

// Digests returns the digests of all results of a run and of its steps, by name.
func (r Records) Digests(run string) map[string]artifact.Digest {
	digests := map[string]artifact.Digest{}
	for key, row := range r.Steps {
		if key.Run != run {
			continue
		}
		for _, out := range row.Outputs {
			digests[fmt.Sprintf("%s[%d].%s", key.Step, key.Index, out.Name)] = out.Record.Digest
		}
	}
	for _, row := range r.Runs {
		if row.ID != run {
			continue
		}
		for name, rec := range row.Outputs {
			digests["result "+name] = rec.Digest
		}
	}
	return digests
}

// Verify reads the content of every record, which must be what the record says. The client with which it does so records what became of
// programs that are gone, and removes what they left.
func (s *Site) Verify(t testing.TB, r Records) {
	t.Helper()
	client := s.client(t)
	defer func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}()
	store, err := client.Artifacts(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for key, row := range r.Steps {
		for _, out := range row.Outputs {
			if err := verify(t.Context(), store, out.Record); err != nil {
				t.Errorf("output %s of step %v: %v", out.Name, key, err)
			}
		}
	}
	for _, run := range r.Runs {
		for name, rec := range run.Outputs {
			if err := verify(t.Context(), store, rec); err != nil {
				t.Errorf("result %s of run %s: %v", name, run.ID, err)
			}
		}
	}
	for _, a := range r.Attempts {
		for _, chunk := range append(a.Logs, a.Printed...) {
			if chunk.Digest == "" {
				continue
			}
			if _, err := content(t.Context(), store, chunk.Digest); err != nil {
				t.Errorf("log of attempt %d of step %v: %v", a.Number, a.StepKey, err)
			}
		}
	}
	for _, c := range r.Checkpoints {
		if err := verify(t.Context(), store, c.Record); err != nil {
			t.Errorf("checkpoint of step %v: %v", c.StepKey, err)
		}
	}
}

func verify(ctx context.Context, store artifact.Store, rec artifact.Record) error {
	switch {
	case rec.Codec == artifact.GatherCodec:
		for i, e := range rec.Elements {
			if err := verify(ctx, store, e); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
		return nil
	case rec.Inline != nil:
		if artifact.NewDigest(sha256.Sum256(rec.Inline)) != rec.Digest {
			return fmt.Errorf("the bytes in the record are not those of %s", rec.Digest)
		}
		return nil
	}
	size, err := content(ctx, store, rec.Digest)
	if err == nil && size != rec.Size {
		err = fmt.Errorf("%d bytes of %s are there, the record says %d", size, rec.Digest, rec.Size)
	}
	return err
}

// content reads all of a content, which verifies it, and returns its size.
func content(ctx context.Context, store artifact.Store, d artifact.Digest) (int64, error) {
	r, err := store.Open(ctx, d)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	return io.Copy(io.Discard, r)
}
