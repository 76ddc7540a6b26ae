package artifacttest_test

import (
	"fmt"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/artifacttest"
	"github.com/tenon-ml/tenon/artifact/local"
)

// harness is for a store in a directory: the more functions it has, the more is tested.
func harness() artifacttest.Harness {
	return artifacttest.Harness{
		Open: func(t *testing.T) artifact.Store {
			store, err := local.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
		Remove: func(t *testing.T, store artifact.Store, digest artifact.Digest) {
			if err := store.Delete(t.Context(), digest); err != nil {
				t.Fatal(err)
			}
		},
		StreamSize: 8 << 20,
	}
}

// In a flavor's own tests, func TestStore(t *testing.T) does nothing but call artifacttest.Run(t, harness()).
func Example() {
	h := harness()
	_ = func(t *testing.T) { artifacttest.Run(t, h) }
	fmt.Println("can damage content:", h.Truncate != nil && h.Flip != nil)
	fmt.Println("can lose content:", h.Remove != nil)
	// Output:
	// can damage content: false
	// can lose content: true
}
