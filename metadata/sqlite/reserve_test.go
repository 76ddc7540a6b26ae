package sqlite

import (
	"errors"
	"os"
	"testing"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// Closing a database makes its reserve. Who has spent some of it deletes, and records ends, but adds nothing until the reserve is whole again.
func TestReserve(t *testing.T) {
	t.Parallel()
	path, r := closed(t)
	dir := path + reserveSuffix
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != reserveFiles {
		t.Fatalf("a database that was closed has a reserve of %d files, %v", len(files), err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Size() != reserveSize {
			t.Errorf("%s: %v, %v", f.Name(), info, err)
		}
	}
	s := openAt(t, path).(*store)
	for range 2 {
		if !s.reserve.spend() {
			t.Fatal("there is nothing to spend")
		}
	}
	// What takes the place of the reserve keeps it from being refilled, as a full disk does.
	if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, batch := newRun("p")
	if err := s.Apply(t.Context(), batch); component.CodeOf(err) != component.Exhausted {
		t.Errorf("adding beside a spent reserve: %v, want an error with code exhausted", err)
	}
	r.State = metadata.RunFailed
	apply(t, s, metadata.Batch{Run: r.ID, Epoch: r.Epoch, Update: []metadata.Run{r}})
	if err := s.DeleteRun(t.Context(), r.ID); err != nil {
		t.Error(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	apply(t, s, batch)
	if files, err := os.ReadDir(dir); err != nil || len(files) != reserveFiles {
		t.Errorf("the reserve was refilled to %d files, %v", len(files), err)
	}
}
