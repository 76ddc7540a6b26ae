package environment_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

// TestServiceOutlivesFullDisk: a program that serves does not have to be started again: a run that could not be recorded has failed, and is resumed
// by the same client once there is space. With the database's reserve its end is recorded at once.
func TestServiceOutlivesFullDisk(t *testing.T) {
	t.Parallel()
	for _, reserve := range []bool{true, false} {
		t.Run(map[bool]string{true: "reserve", false: "no reserve"}[reserve], func(t *testing.T) {
			t.Parallel()
			site := trial.NewSite(t)
			mount(t, "disk", site.Home, "tmpfs", 0, "size=8m,nr_inodes=300")
			open := func() *tenon.Client {
				client, err := tenon.Open(t.Context(), tenon.Config{Home: site.Home})
				if err != nil {
					t.Fatal(err)
				}
				return client
			}
			if err := open().Close(); err != nil {
				t.Fatal(err)
			}
			if !reserve {
				if err := os.RemoveAll(filepath.Join(site.Home, "tenon.db.reserve")); err != nil {
					t.Fatal(err)
				}
			}
			client := open()
			defer client.Close()
			var free func()
			// What it returns is in its record, for which the database has no room.
			hoard := func(context.Context, struct{}) (artifact.Ref[[]byte], error) {
				if free == nil {
					free = fill(t, site.Home)
				}
				return artifact.New(make([]byte, 4000)), nil
			}
			p := pipeline.Define("hoard", func(p *pipeline.Builder, _ struct{}) artifact.Ref[[]byte] {
				return pipeline.Step(p, "hoard", hoard, struct{}{})
			})
			run, err := p.Run(t.Context(), client, struct{}{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := run.Result(t.Context()); !errors.Is(err, tenon.ErrExhausted) {
				t.Fatalf("on a full disk: %v, want an error with code exhausted", err)
			}
			recorded, err := client.Metadata().Run(t.Context(), run.ID())
			if err != nil || reserve && !recorded.State.Ended() {
				t.Errorf("on the full disk the run is recorded as %s, %v", recorded.State, err)
			}
			free()
			again, err := p.Resume(t.Context(), client, run.ID())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := again.Result(t.Context()); err != nil {
				t.Error(err)
			}
			if recorded, err = client.Metadata().Run(t.Context(), run.ID()); err != nil || recorded.State != metadata.RunSucceeded {
				t.Errorf("in the end the run is %s, %v", recorded.State, err)
			}
		})
	}
}
