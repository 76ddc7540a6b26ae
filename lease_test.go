package tenon_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/sqlite"
	"github.com/tenon-ml/tenon/pipeline"
)

// TestLeases: over a metadata store that several hosts share, a driver lives as long as its lease. Who opens a client next records the end of
// the runs of those whose lease is over.
func TestLeases(t *testing.T) {
	t.Parallel()
	meta, err := sqlite.Open(t.Context(), t.TempDir()+"/tenon.db", sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { meta.Close() })
	record := func(d metadata.Driver) string {
		id := uuid.Must(uuid.NewV7()).String()
		run := metadata.Run{ID: id, Pipeline: "p", State: metadata.RunRunning, Epoch: 1, Driver: d, Created: time.Now(), Started: time.Now()}
		if err := meta.Apply(t.Context(), metadata.Batch{Create: []metadata.Run{run}}); err != nil {
			t.Fatal(err)
		}
		return id
	}
	ids := map[string]string{
		"over":    record(metadata.Driver{Host: "elsewhere", Lease: time.Now().Add(-time.Second)}),
		"held":    record(metadata.Driver{Host: "elsewhere", Lease: time.Now().Add(time.Hour)}),
		"session": record(metadata.Driver{Host: "elsewhere", Session: "of another home"}),
		"unknown": record(metadata.Driver{Host: "elsewhere"}),
	}
	client, err := tenon.Open(t.Context(), tenon.Config{Home: t.TempDir(), Metadata: meta})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	for name, id := range ids {
		run, err := meta.Run(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if gone := name == "over"; run.Lost != gone || run.State.Ended() != gone {
			t.Errorf("%s: the run is %s, lost: %t", name, run.State, run.Lost)
		}
	}
	one := pipeline.Define("one", func(p *pipeline.Builder, _ struct{}) artifact.Ref[int] {
		return pipeline.Step(p, "it", func(ctx context.Context, _ struct{}) (artifact.Ref[int], error) {
			page, err := meta.Runs(ctx, metadata.RunQuery{Pipeline: "one"})
			if err == nil && (page.Items[0].Driver.Session != "" || time.Until(page.Items[0].Driver.Lease) <= 0) {
				err = errors.New("the driver has no lease")
			}
			return artifact.New(1), err
		}, struct{}{})
	})
	run, err := one.Run(t.Context(), client, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); err != nil {
		t.Error(err)
	}
}
