package tenon_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/internal/gc"
	"github.com/tenon-ml/tenon/metadata"
	orchestratorlocal "github.com/tenon-ml/tenon/orchestrator/local"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/stack"
)

// large is what no record holds.
var large = pipeline.Define("large", func(p *pipeline.Builder, in struct{ Text string }) artifact.Ref[string] {
	return pipeline.Step(p, "repeat", func(_ context.Context, in struct{ Text string }) (artifact.Ref[string], error) {
		return artifact.New(strings.Repeat(in.Text, 5000)), nil
	}, in)
})

// store puts content into a directory.
func store(t *testing.T, dir string, contents ...string) (digests []artifact.Digest) {
	t.Helper()
	arts, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer arts.Close()
	for _, c := range contents {
		info, err := arts.Put(t.Context(), strings.NewReader(c))
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, info.Digest)
	}
	return digests
}

// stored returns the contents of a directory.
func stored(t *testing.T, dir string) (contents []string) {
	t.Helper()
	arts, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer arts.Close()
	infos, err := arts.List(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		r, err := arts.Open(t.Context(), info.Digest)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		contents = append(contents, string(text))
	}
	slices.Sort(contents)
	return contents
}

func putStack(t *testing.T, client *tenon.Client, name, artifacts string) {
	t.Helper()
	spec := "name: " + name + "\norchestrator: {flavor: local}\nartifact_store: " + artifacts + "\n"
	if _, err := client.Metadata().PutStack(t.Context(), metadata.Stack{Name: name, Spec: []byte(spec)}, 0); err != nil {
		t.Fatal(err)
	}
}

// Each artifact store is collected once, and what a run refers to stays in all of them.
func TestGCSeveralStacks(t *testing.T) {
	t.Parallel()
	home, elsewhere, own := t.TempDir(), t.TempDir(), t.TempDir()
	arts, err := local.Open(own)
	if err != nil {
		t.Fatal(err)
	}
	orchestrator, err := orchestratorlocal.New(orchestratorlocal.Config{})
	if err != nil {
		t.Fatal(err)
	}
	mine, err := stack.New(stack.Parts{Name: "mine", Orchestrator: orchestrator, Artifacts: arts})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mine.Close() })
	client := open(t, tenon.Config{Home: home, Stack: mine})
	putStack(t, client, "other", "{flavor: local, config: {path: "+elsewhere+"}}")
	putStack(t, client, "same", "{flavor: local}")
	putStack(t, client, "spelled-out", "{flavor: local, config: {path: artifacts}}")
	putStack(t, client, "foreign", "{flavor: unheard-of}")
	run, err := large.Run(t.Context(), client, struct{ Text string }{"used"}, pipeline.RunConfig{Stack: "other"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); err != nil {
		t.Fatal(err)
	}
	used := strings.Repeat("used", 5000)
	dirs := []string{filepath.Join(home, "artifacts"), elsewhere, own}
	for _, dir := range dirs {
		store(t, dir, used, "garbage")
	}
	var told [][]string
	report, err := client.GC(t.Context(), tenon.GCOptions{Grace: -1, Progress: func(s tenon.GCStore) { told = append(told, s.Stacks) }})
	if err == nil || !strings.Contains(err.Error(), "unheard-of") {
		t.Errorf("a stack that cannot be opened: %v", err)
	}
	for _, dir := range dirs {
		if diff := cmp.Diff([]string{used}, stored(t, dir)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", dir, diff)
		}
	}
	one := func(contents ...string) (c tenon.GCCount) {
		for _, s := range contents {
			c.Contents++
			c.Bytes += int64(len(s))
		}
		return c
	}
	full := func(stacks ...string) tenon.GCStore {
		return tenon.GCStore{Stacks: stacks, Examined: one(used, "garbage"), Kept: one(used), Deleted: one("garbage")}
	}
	want := tenon.GCReport{Stores: []tenon.GCStore{
		full("default", "same"),
		{Stacks: []string{"foreign"}, Error: err.Error()},
		full("other"),
		{Stacks: []string{"spelled-out"}, Examined: one(used), Kept: one(used)},
		full("mine"),
	}}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if want := [][]string{{"default", "same"}, {"other"}, {"spelled-out"}, {"mine"}}; !cmp.Equal(want, told) {
		t.Errorf("progress was told of %v, want %v", told, want)
	}
}

// What was put in the last hour is left alone, unless a caller wants it otherwise.
func TestGCGrace(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	client := open(t, tenon.Config{Home: home})
	dir := filepath.Join(home, "artifacts")
	d := store(t, dir, "new", "old")
	if err := os.Chtimes(filepath.Join(dir, "sha256", d[1].Hex()[:2], d[1].Hex()[2:]), time.Time{}, time.Now().Add(-61*time.Minute)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		options tenon.GCOptions
		left    []string
	}{
		{tenon.GCOptions{Grace: 2 * time.Hour}, []string{"new", "old"}},
		{tenon.GCOptions{Grace: -1, DryRun: true}, []string{"new", "old"}},
		{tenon.GCOptions{}, []string{"new"}},
		{tenon.GCOptions{Grace: -1}, nil},
	} {
		if _, err := client.GC(t.Context(), test.options); err != nil {
			t.Fatal(err)
		}
		if got := stored(t, dir); !cmp.Equal(got, test.left) {
			t.Errorf("%+v leaves %q, want %q", test.options, got, test.left)
		}
	}
}

func TestGCRefused(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	client := open(t, tenon.Config{Home: home})
	release, err := gc.Acquire(filepath.Join(home, "gc.lock"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.GC(t.Context(), tenon.GCOptions{}); !errors.Is(err, tenon.ErrFailedPrecondition) || !strings.Contains(err.Error(), "another garbage collector") {
		t.Errorf("a second collector: %v", err)
	}
	if _, err := client.GC(t.Context(), tenon.GCOptions{DryRun: true}); err != nil {
		t.Errorf("a dry run beside a collector: %v", err)
	}
	release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.GC(ctx, tenon.GCOptions{}); !errors.Is(err, context.Canceled) && !errors.Is(err, tenon.ErrCanceled) {
		t.Errorf("a context that has ended: %v", err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.GC(t.Context(), tenon.GCOptions{}); !errors.Is(err, tenon.ErrFailedPrecondition) {
		t.Errorf("a closed client: %v", err)
	}
}

// Whoever opens the state next ends what a killed collector began, unless a collector is at work.
func TestKilledCollector(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	client := open(t, tenon.Config{Home: home})
	garbage := store(t, filepath.Join(home, "artifacts"), "garbage")
	for _, begin := range []func(context.Context, []artifact.Digest) ([]artifact.Digest, error){client.Metadata().Condemn, client.Metadata().BeginDelete} {
		if _, err := begin(t.Context(), garbage); err != nil {
			t.Fatal(err)
		}
	}
	release, err := gc.Acquire(filepath.Join(home, "gc.lock"))
	if err != nil {
		t.Fatal(err)
	}
	deleting := func() int {
		left, err := open(t, tenon.Config{Home: home}).Metadata().Deleting(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(left)
	}
	if deleting() != 1 {
		t.Error("the deletion of a collector that is at work was ended")
	}
	release()
	if deleting() != 0 {
		t.Error("the deletion of a collector that was killed was not ended")
	}
	report, err := client.GC(t.Context(), tenon.GCOptions{Grace: -1})
	if err != nil || report.Stores[0].Deleted.Contents != 1 {
		t.Errorf("%+v, %v", report, err)
	}
}

// A collection removes what a writer left that was killed, also from a store that the client opened before.
func TestGCOrphans(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	client := open(t, tenon.Config{Home: home})
	if _, err := client.Artifacts(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	orphan := filepath.Join(home, "artifacts", "tmp", "killed")
	if err := os.MkdirAll(orphan, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lock", "half"} {
		if err := os.WriteFile(filepath.Join(orphan, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.GC(t.Context(), tenon.GCOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(orphan); !os.IsNotExist(err) {
		t.Errorf("the temporary files of a killed writer are left: %v", err)
	}
}
