package local_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/component"
)

// checkError fails the test unless err has the code, names the path and says what to do.
func checkError(t *testing.T, err error, code component.Code, path, remedy string) {
	t.Helper()
	if err == nil || component.CodeOf(err) != code || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), remedy) {
		t.Errorf("got %v (code %v), want code %v, %q and %q", err, component.CodeOf(err), code, path, remedy)
	}
}

func TestPathIsFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, filepath.Join(path, "below")} {
		_, err := local.Open(path)
		checkError(t, err, component.FailedPrecondition, path, "move away what is there")
	}
}

func TestFilesInTheWay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"tmp", "sha256", filepath.Join("sha256", "58")} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		store := openDisk(t, dir)
		_, err := store.Put(t.Context(), strings.NewReader("hello\n")) // its digest begins with 58
		checkError(t, err, component.FailedPrecondition, path, "move away what is there")
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		if name != "tmp" && len(temporaries(t, dir)) != 0 {
			t.Errorf("temporary files are left: %q", temporaries(t, dir))
		}
	}
}

func TestUnwritable(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" || os.Geteuid() == 0 {
		t.Skip("permissions do not hold this user back")
	}
	dir := t.TempDir()
	store := openDisk(t, dir)
	info := put(t, store, "hello\n")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	folders := []string{filepath.Join(dir, "tmp"), filepath.Join(dir, "sha256", "58"), filepath.Join(dir, "sha256"), dir}
	for _, folder := range folders {
		if err := os.Chmod(folder, 0o555); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(folder, 0o755)
	}
	store = openDisk(t, dir)
	defer store.Close()
	_, err := store.Put(t.Context(), strings.NewReader("other"))
	checkError(t, err, component.PermissionDenied, dir, "make it writable")
	checkError(t, store.Delete(t.Context(), info.Digest), component.PermissionDenied, dir, "make it writable")
	if _, err := store.Stat(t.Context(), info.Digest); err != nil {
		t.Errorf("a store that cannot be written must be readable: %v", err)
	}
	_, err = local.Open(filepath.Join(dir, "new"))
	checkError(t, err, component.PermissionDenied, filepath.Join(dir, "new"), "make it writable")
}

func TestStoreRemovedWhileOpen(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	store := openDisk(t, dir)
	defer store.Close()
	info := put(t, store, "hello\n")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	_, err := store.Put(t.Context(), strings.NewReader("other"))
	checkError(t, err, component.FailedPrecondition, dir, "open it again")
	_, err = store.Stat(t.Context(), info.Digest)
	checkError(t, err, component.NotFound, string(info.Digest), "not in the store")
	if infos, err := store.List(t.Context(), "", 10); err != nil || len(infos) != 0 {
		t.Errorf("List gave %v and %v", infos, err)
	}
}
