package tenon_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/sqlite"
	"github.com/tenon-ml/tenon/pipeline"
)

// refusing is a metadata store that takes no records.
type refusing struct{ metadata.Store }

func (refusing) Apply(context.Context, metadata.Batch) error { return errBroken }

func TestRunThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	store, err := sqlite.Open(t.Context(), filepath.Join(home, "tenon.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	client := open(t, tenon.Config{Home: home, Metadata: refusing{store}})
	broken := pipeline.Define("broken", func(p *pipeline.Builder, _ struct{}) artifact.Ref[int] {
		return pipeline.Step(p, "fail", fail, struct{}{})
	})
	for range 2 { // the client survives
		if _, err := broken.Run(t.Context(), client, struct{}{}); !errors.Is(err, errBroken) {
			t.Errorf("error %v, want that of the store", err)
		}
	}
}
