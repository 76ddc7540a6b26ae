package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func openNew(t *testing.T) *store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "tenon.db")).(*store)
}

// The connection that commits says itself how durably it does.
func TestDurable(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	const normal, full = 1, 2
	for i, durable := range []bool{false, true, false, false, true, true, false} {
		var mode, want int
		if err := s.update(t.Context(), "look", durable, func(t *tx) error { return t.row("PRAGMA synchronous").Scan(&mode) }); err != nil {
			t.Fatal(err)
		}
		if want = normal; durable {
			want = full
		}
		if mode != want {
			t.Errorf("commit %d: synchronous is %d, want %d", i, mode, want)
		}
	}
	// A durable batch that is refused leaves nothing behind.
	refused := metadata.Batch{Durable: true, Update: []metadata.Run{{ID: newID(), State: metadata.RunFailed}}}
	if err := s.Apply(t.Context(), refused); !errors.Is(err, component.ErrNotFound) {
		t.Fatal(err)
	}
	for query, want := range map[string]string{"PRAGMA synchronous": "1", "PRAGMA journal_mode": "wal"} {
		var got string
		if err := s.update(t.Context(), "look", false, func(t *tx) error { return t.row(query).Scan(&got) }); err != nil || got != want {
			t.Errorf("%s is %s, want %s (%v)", query, got, want, err)
		}
	}
}

// A group is as durable as its most durable write, and those that are refused in it are refused alone.
func TestGroup(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	r, create := newRun("p")
	apply(t, s, create)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var mode int
	row := func(run, step string) func(*tx) error {
		b := metadata.Batch{Steps: []metadata.Step{{StepKey: metadata.StepKey{Run: run, Step: step}, State: metadata.StepReady}}}
		e, err := encode(b)
		if err != nil {
			t.Fatal(err)
		}
		return func(t *tx) error { return newBatch(t, b, e).apply() }
	}
	group := []*write{
		{ctx: t.Context(), do: row(r.ID, "first")},
		{ctx: t.Context(), do: row(newID(), "of no run")},
		{ctx: ended, do: row(r.ID, "too late")},
		{ctx: t.Context(), do: func(t *tx) error { return t.row("PRAGMA synchronous").Scan(&mode) }, durable: true},
		{ctx: t.Context(), do: row(r.ID, "last")},
	}
	if err := s.transact(group); err != nil { // the writer waits for its queue meanwhile
		t.Fatal(err)
	}
	for i, want := range []component.Code{component.Unknown, component.NotFound, component.Canceled, component.Unknown, component.Unknown} {
		if code := component.CodeOf(group[i].err); code != want {
			t.Errorf("write %d: %v, want code %q", i, group[i].err, want)
		}
	}
	if mode != 2 {
		t.Errorf("synchronous is %d in a group that holds a durable write", mode)
	}
	page, err := s.Steps(t.Context(), metadata.StepQuery{Run: r.ID})
	if err != nil || len(page.Items) != 2 || page.Items[0].Step != "first" || page.Items[1].Step != "last" {
		t.Errorf("the steps are %+v (%v)", page.Items, err)
	}
}

// A full disk refuses what does not fit, says so, and breaks nothing.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	r, batch := newRun("p")
	apply(t, s, batch)
	limit := func(pages string) {
		t.Helper()
		if err := s.update(t.Context(), "limit", false, func(t *tx) error { return t.run("PRAGMA max_page_count=" + pages) }); err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // becomes what the database has now
	big := metadata.Batch{ID: newID(), Run: r.ID, Epoch: 1}
	fill(&big, r.ID, 0, 500)
	err := s.Apply(t.Context(), big)
	if component.CodeOf(err) != component.Exhausted || !strings.Contains(err.Error(), "the disk is full") {
		t.Fatalf("Apply on a full disk: %v, want an error with code exhausted", err)
	}
	if page, err := s.Steps(t.Context(), metadata.StepQuery{Run: r.ID}); err != nil || len(page.Items) != 0 {
		t.Errorf("a batch that did not fit left %d steps (%v)", len(page.Items), err)
	}
	limit("1000000")
	apply(t, s, big)
}

// A database that another program holds is unavailable, not locked.
func TestHeldDatabase(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	other, err := sql.Open(driverName, dsn(s.path))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := s.update(t.Context(), "wait briefly", false, func(t *tx) error {
		var ms int
		return t.row("PRAGMA busy_timeout=20").Scan(&ms)
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	_, batch := newRun("p")
	err = s.Apply(t.Context(), batch)
	if component.CodeOf(err) != component.Unavailable || !strings.Contains(err.Error(), "another program") {
		t.Errorf("Apply: %v, want an error with code unavailable", err)
	}
	if _, err := s.Runs(t.Context(), metadata.RunQuery{}); err != nil {
		t.Errorf("reading beside it: %v", err)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	apply(t, s, batch)
}

// The IDs of old batches are forgotten when a store first writes, and what was deleted long ago; young ones are not, and neither is what was
// only condemned, or is being deleted.
func TestPrune(t *testing.T) {
	t.Parallel()
	path, _ := closed(t)
	at := func(age time.Duration) []byte {
		id := uuid.Must(uuid.NewV7())
		ms := time.Now().Add(-age).UnixMilli()
		for i := 5; i >= 0; i-- {
			id[i] = byte(ms)
			ms >>= 8
		}
		return id[:]
	}
	old, young := at(memory+time.Hour), at(memory-time.Hour)
	s := openAt(t, path).(*store)
	ago := func(age time.Duration) int64 { return nanos(time.Now().Add(-age)) }
	put := func(t *tx) error {
		if _, err := t.exec("INSERT INTO batches (id) VALUES (?), (?)", old, young); err != nil {
			return err
		}
		_, err := t.exec("INSERT INTO condemned (digest, deleting, generation, deleted) VALUES (x'01', 0, 1, ?), (x'02', 0, 1, ?), (x'03', 0, 0, NULL), (x'04', 1, 1, NULL)",
			ago(memory+time.Hour), ago(memory-time.Hour))
		return err
	}
	if err := s.update(t.Context(), "put", false, put); err != nil {
		t.Fatal(err)
	}
	other := openAt(t, path).(*store)
	if err := other.update(t.Context(), "look", false, func(tx *tx) error {
		for id, want := range map[string]bool{string(old): false, string(young): true} {
			got, err := tx.holds("SELECT EXISTS (SELECT 1 FROM batches WHERE id = ?)", []byte(id))
			if err != nil || got != want {
				t.Errorf("batch %x is remembered: %v, want %v (%v)", id, got, want, err)
			}
		}
		for i := byte(1); i <= 4; i++ {
			got, err := tx.isCondemned([]byte{i})
			if want := i != 1; err != nil || got != want {
				t.Errorf("content %d is remembered: %v, want %v (%v)", i, got, want, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// The index holds hashes: a result of another key with the same hash is not taken for this one's, and does not hide it.
func TestEqualHashes(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	r, create := newRun("p")
	fill(&create, r.ID, 0, 3)
	for i := range create.Steps {
		create.Steps[i].Computed = time.Unix(int64(i), 0)
	}
	apply(t, s, create)
	first, last := create.Steps[0].CacheKey, create.Steps[2].CacheKey
	if err := s.update(t.Context(), "collide", false, func(t *tx) error {
		_, err := t.exec("UPDATE steps SET cache = ?", cacheHash(first))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	found, err := s.Lookup(t.Context(), []string{first, last, "absent"})
	if err != nil || len(found) != 1 || found[first].CacheKey != first {
		t.Errorf("Lookup finds %v (%v), want the first key alone", found, err)
	}
	r.State = metadata.RunSucceeded
	apply(t, s, metadata.Batch{Update: []metadata.Run{r}})
	for i, want := range []int{1, 0} {
		if n, err := s.Forget(t.Context(), []string{first}, time.Time{}); err != nil || n != want {
			t.Errorf("Forget, time %d: %d rows, want %d (%v)", i, n, want, err)
		}
	}
	results, err := s.Results(t.Context(), metadata.ResultQuery{})
	if err != nil || len(results.Items) != 2 || results.Items[1].CacheKey != last {
		t.Errorf("Forget of one key leaves %+v (%v), want the two others", results.Items, err)
	}
}

// A collector's marks, and a checkpoint, are seen by the writes behind them in the same group.
func TestGroupSeesMarks(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	r, create := newRun("p")
	apply(t, s, create)
	key := metadata.StepKey{Run: r.ID, Step: "train", Index: -1}
	record := artifact.Record{Digest: digestOf("saved"), Size: 5, Codec: "raw/1", Type: "string"}
	batchOf := func(b metadata.Batch) func(*tx) error {
		e, err := encode(b)
		if err != nil {
			t.Fatal(err)
		}
		return func(t *tx) error { return newBatch(t, b, e).apply() }
	}
	group := []*write{
		{ctx: t.Context(), do: batchOf(metadata.Batch{Checkpoints: []metadata.Checkpoint{{StepKey: key, Attempt: "a", Record: record}}})},
		{ctx: t.Context(), do: batchOf(metadata.Batch{Steps: []metadata.Step{{StepKey: key, State: metadata.StepSucceeded}}})},
		{ctx: t.Context(), do: func(t *tx) error {
			t.condemned = true
			_, err := t.exec("INSERT INTO condemned (digest, deleting, generation) VALUES (?, 0, 0)", sum(record.Digest))
			return err
		}},
		{ctx: t.Context(), do: batchOf(metadata.Batch{Run: r.ID, Epoch: 1, Holds: []artifact.Digest{record.Digest}})},
	}
	if err := s.transact(group); err != nil {
		t.Fatal(err)
	}
	for i, w := range group {
		if refused := errors.Is(w.err, metadata.ErrCondemned); refused != (i == 3) || w.err != nil && !refused {
			t.Errorf("write %d: %v", i, w.err)
		}
	}
	left, err := s.Checkpoints(t.Context(), r.ID)
	if err != nil || len(left) != 0 {
		t.Errorf("of a step that is done these checkpoints are left: %+v (%v)", left, err)
	}
}
