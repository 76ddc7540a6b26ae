package sqlite

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/metadatatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	t.Parallel()
	metadatatest.Run(t, harness())
}

func harness() metadatatest.Harness {
	open := func(t *testing.T, path string) metadata.Store {
		t.Helper()
		store, err := Open(t.Context(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	return metadatatest.Harness{
		Open: func(t *testing.T) metadata.Store {
			t.Helper()
			return open(t, filepath.Join(t.TempDir(), "tenon.db"))
		},
		Reopen: func(t *testing.T, s metadata.Store) metadata.Store {
			t.Helper()
			return open(t, s.(*store).path)
		},
	}
}
