package scale_test

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/cli"
	"github.com/tenon-ml/tenon/internal/fullhome"
	"github.com/tenon-ml/tenon/internal/gc"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/sqlite"
	"github.com/tenon-ml/tenon/stack"
)

// place is a home whose store counts what is read of it.
type place struct {
	home  string
	store *counting
}

// newPlace makes a home of so many runs of the pipeline summed, the newest of which really was.
func newPlace(t *testing.T, runs int) *place {
	t.Helper()
	p := &place{home: t.TempDir()}
	store, err := sqlite.Open(t.Context(), filepath.Join(p.home, "tenon.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	p.store = &counting{Store: store}
	_, r := finish(t, p.client(t), summed, 20)
	template, err := fullhome.Read(t.Context(), store, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := template.Fill(t.Context(), store, runs-1); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) client(t *testing.T) *tenon.Client {
	t.Helper()
	return open(t, tenon.Config{Home: p.home, Metadata: p.store})
}

// client is what the commands of these tests need of a client.
type client struct {
	cli.Client
	real *tenon.Client
}

func (c client) Home() string             { return c.real.Home() }
func (c client) Metadata() metadata.Store { return c.real.Metadata() }
func (c client) Close() error             { return c.real.Close() }
func (c client) Stack(ctx context.Context, name string) (stack.Stack, error) {
	return c.real.Stack(ctx, name)
}
func (c client) Artifacts(ctx context.Context, name string) (artifact.Store, error) {
	return c.real.Artifacts(ctx, name)
}
func (c client) Collect(ctx context.Context, how gc.Request) ([]gc.StoreReport, error) {
	_, err := c.real.GC(ctx, tenon.GCOptions{DryRun: how.DryRun})
	return []gc.StoreReport{}, err
}

// tenon runs a command of tenon.
func (p *place) tenon(t *testing.T, args ...string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := cli.Run(t.Context(), cli.App{
		Program: "tenon", Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Open: func(ctx context.Context, _ cli.Options) (cli.Client, error) {
			c, err := tenon.Open(ctx, tenon.Config{Home: p.home, Metadata: p.store})
			return client{real: c}, err
		},
	}, args)
	if code != 0 {
		t.Errorf("tenon %s: exit code %d\n%s", strings.Join(args, " "), code, errs.String())
	}
}

// What people and programs do every day reads as many rows, in as many calls, of a store with hundreds of runs as of one with a few. That no call
// reads more than it returns is what the tests of the store's query plans are for.
func TestReadsAreFlat(t *testing.T) {
	t.Parallel()
	few, many := newPlace(t, 12), newPlace(t, 300)
	tenon := func(args ...string) func(*testing.T, *place) {
		return func(t *testing.T, p *place) {
			t.Helper()
			p.tenon(t, args...)
		}
	}
	for _, work := range []struct {
		name string
		do   func(*testing.T, *place)
	}{
		{"open a client", func(t *testing.T, p *place) {
			t.Helper()
			p.client(t)
		}},
		{"a run", func(t *testing.T, p *place) {
			t.Helper()
			finish(t, p.client(t), chain, 1)
		}},
		{"a cached run", func(t *testing.T, p *place) {
			t.Helper()
			finish(t, p.client(t), summed, 20)
		}},
		{"run list", tenon("run", "list", "--limit", "10")},
		{"run list with filters", tenon("run", "list", "--state", "failed,succeeded", "--pipeline", "summed", "--limit", "10")},
		{"run show", tenon("run", "show", "LAST")},
		{"run show with all", tenon("run", "show", "LAST", "--elements", "-o", "json")},
		{"run logs", tenon("run", "logs", "LAST", "sum")},
		{"run diff", tenon("run", "diff", "LAST", "LAST")},
		{"artifact list", tenon("artifact", "list", "--limit", "10")},
		{"artifact versions", tenon("artifact", "list", "--name", "summed/output", "--limit", "1")},
		{"artifact get", tenon("artifact", "get", "LAST/list")},
		{"cache list", tenon("cache", "list", "--limit", "10")},
		{"gc", tenon("gc", "--dry-run")},
	} {
		var reads [2]map[string]asked
		for i, p := range []*place{few, many} {
			p.store.reset()
			work.do(t, p)
			reads[i] = p.store.reset()
		}
		if diff := cmp.Diff(reads[0], reads[1]); diff != "" {
			t.Errorf("%s reads of a store of 12 runs and of one of 300 (-12 +300):\n%s", work.name, diff)
		}
		if len(reads[1]) == 0 {
			t.Errorf("%s read nothing: is it still counted?", work.name)
		}
	}
}
