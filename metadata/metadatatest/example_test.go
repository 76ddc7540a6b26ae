package metadatatest_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/metadatatest"
	"github.com/tenon-ml/tenon/metadata/sqlite"
)

// harness is for a store in a file.
func harness() metadatatest.Harness {
	return metadatatest.Harness{
		Open: func(t *testing.T) metadata.Store {
			store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tenon.db"), sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
	}
}

// In an implementation's own tests, func TestStore(t *testing.T) does nothing but call metadatatest.Run(t, harness()).
func Example() {
	h := harness()
	_ = func(t *testing.T) { metadatatest.Run(t, h) }
	fmt.Println("can open the same data twice:", h.Reopen != nil)
	// Output:
	// can open the same data twice: false
}
