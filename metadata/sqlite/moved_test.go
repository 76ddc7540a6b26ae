//go:build !windows

package sqlite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/component"
)

// What is written to a file that is elsewhere by now, or nowhere, would be found by nobody.
func TestMovedAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm func(dir string) error
		want string
	}{
		"moved":    {func(dir string) error { return os.Rename(dir, dir+"-elsewhere") }, "moved away or deleted"},
		"deleted":  {os.RemoveAll, "moved away or deleted"},
		"replaced": {replaced, "replaced by another"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "home")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "tenon.db")
			store := openAt(t, path)
			before, batch := newRun("before")
			apply(t, store, batch)
			if err := c.harm(dir); err != nil {
				t.Fatal(err)
			}
			_, batch = newRun("after")
			err := store.Apply(t.Context(), batch)
			if component.CodeOf(err) != component.FailedPrecondition || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("Apply: %v, want %q and the path", err, c.want)
			}
			if name != "moved" {
				return
			}
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("the directory was made again: %v", err)
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			moved := openAt(t, filepath.Join(dir+"-elsewhere", "tenon.db"))
			if got, err := moved.Run(t.Context(), before.ID); err != nil || got.Pipeline != "before" {
				t.Errorf("what was recorded before: %+v, %v", got, err)
			}
		})
	}
}

// replaced puts an empty file in the place of the database.
func replaced(dir string) error {
	path := filepath.Join(dir, "tenon.db")
	if err := os.Rename(path, path+".old"); err != nil {
		return err
	}
	return os.WriteFile(path, nil, 0o600)
}
