package gc_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/gc"
	"github.com/tenon-ml/tenon/metadata"
)

func count(contents ...string) (c gc.Count) {
	for _, content := range contents {
		c.Contents++
		c.Bytes += int64(len(content))
	}
	return c
}

func checkReport(t *testing.T, got, want gc.Report) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

// What is referenced stays, what was put a short while ago is not asked about, and the rest goes.
func TestCollect(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	checkReport(t, h.collect(h.config()), gc.Report{})
	run := h.made("output", "another output")
	for _, content := range []string{"output", "another output", "garbage", "more garbage"} {
		h.age(h.put(content), 2*time.Hour)
	}
	h.age(h.put("fresh"), 50*time.Minute)
	c := h.config()
	c.Grace = time.Hour
	want := gc.Report{
		Examined: count("output", "another output", "garbage", "more garbage", "fresh"),
		Kept:     count("output", "another output"), Young: count("fresh"), Deleted: count("garbage", "more garbage"),
	}
	c.DryRun = true
	checkReport(t, h.collect(c), want)
	checkReport(t, h.collect(c), want)
	c.DryRun = false
	checkReport(t, h.collect(c), want)
	if h.has(digestOf("garbage")) || !h.has(digestOf("output")) || !h.has(digestOf("fresh")) {
		t.Error("the wrong content was deleted")
	}
	h.deleteRun(run)
	checkReport(t, h.collect(c), gc.Report{
		Examined: count("output", "another output", "fresh"), Young: count("fresh"), Deleted: count("output", "another output"),
	})
}

// A dry run calls nothing that writes.
func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.put("garbage")
	before := tree(t, h.dir)
	c := h.config()
	c.DryRun = true
	tap := &tap{}
	tap.at = func(p point) {
		if p != started && p != listed && p != asked {
			t.Errorf("a dry run comes to %v", p)
		}
	}
	checkReport(t, h.collect(tap.config(c)), gc.Report{Examined: count("garbage"), Deleted: count("garbage")})
	if diff := cmp.Diff(before, tree(t, h.dir)); diff != "" {
		t.Errorf("files changed (-before +after):\n%s", diff)
	}
}

// tree returns what the files of a directory hold, but for the memory that processes share.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "-shm") {
			return err
		}
		content, err := os.ReadFile(path)
		files[path] = string(content)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return files
}

// What a run put that still goes on may be recorded at its end, however long ago it was put: the log of an attempt is.
func TestRunGoesOn(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	run := newID()
	r := metadata.Run{ID: run, Name: run, Pipeline: "p", State: metadata.RunRunning, Epoch: 1, Created: time.Now().Add(-9 * time.Hour)}
	h.apply(metadata.Batch{Create: []metadata.Run{r}})
	h.age(h.put("log"), 8*time.Hour)
	h.age(h.put("put a little before"), 9*time.Hour+30*time.Minute)
	h.age(h.put("garbage"), 11*time.Hour)
	c := h.config()
	c.Grace = time.Hour
	checkReport(t, h.collect(c), gc.Report{
		Examined: count("log", "put a little before", "garbage"), Young: count("log", "put a little before"), Deleted: count("garbage"),
	})
	h.end(run)
	checkReport(t, h.collect(c), gc.Report{Examined: count("log", "put a little before"), Deleted: count("log", "put a little before")})
}

// Content that is put again after it was listed is young, up to the last moment.
func TestPutAgainMeanwhile(t *testing.T) {
	t.Parallel()
	for at := listed; at <= begun; at++ {
		h := newHome(t)
		h.age(h.put("again"), 2*time.Hour)
		h.age(h.put("garbage"), 2*time.Hour)
		c := h.config()
		c.Grace = time.Hour
		tap := &tap{}
		tap.at = func(p point) {
			if p == at {
				h.put("again")
			}
		}
		checkReport(t, h.collect(tap.config(c)), gc.Report{Examined: count("again", "garbage"), Young: count("again"), Deleted: count("garbage")})
		if !h.has(digestOf("again")) {
			t.Errorf("put again when the collector has %v, and deleted", at)
		}
	}
}

// refusing fails where it is told to.
type refusing struct {
	artifact.Store
	digest artifact.Digest // is not deleted
	list   error
}

func (s refusing) Delete(ctx context.Context, d artifact.Digest) error {
	if d == s.digest {
		return component.Errorf(component.PermissionDenied, "delete content %s: not allowed", d)
	}
	return s.Store.Delete(ctx, d)
}

func (s refusing) List(ctx context.Context, after artifact.Digest, limit int) ([]artifact.Info, error) {
	if s.list != nil {
		return nil, s.list
	}
	return s.Store.List(ctx, after, limit)
}

// One content that cannot be deleted does not keep the others.
func TestOneFails(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	stubborn := h.put("stubborn")
	h.put("garbage")
	c := h.config()
	c.Artifacts = refusing{Store: h.arts, digest: stubborn}
	r, err := gc.Collect(t.Context(), c)
	if !errors.Is(err, component.ErrPermissionDenied) || !strings.Contains(err.Error(), string(stubborn)) || !strings.Contains(err.Error(), "1 contents") {
		t.Errorf("got %v, want PermissionDenied, the number and the digest", err)
	}
	checkReport(t, r, gc.Report{Examined: count("stubborn", "garbage"), Failed: count("stubborn"), Deleted: count("garbage")})
	if left, err := h.meta.Deleting(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("writers of %v wait (%v)", left, err)
	}
	checkReport(t, h.collect(h.config()), gc.Report{Examined: count("stubborn"), Deleted: count("stubborn")})
}

func TestStoreFails(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	c := h.config()
	c.Artifacts = refusing{Store: h.arts, list: component.Errorf(component.Unavailable, "the network is down")}
	if _, err := gc.Collect(t.Context(), c); !errors.Is(err, component.ErrUnavailable) || !strings.HasPrefix(err.Error(), "collect garbage: ") {
		t.Errorf("a store that does not list: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := gc.Collect(ctx, h.config()); !errors.Is(err, context.Canceled) && !errors.Is(err, component.ErrCanceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

// A collection that is cancelled at any point leaves nobody waiting, and what is left is done by the next one.
func TestCancelled(t *testing.T) {
	t.Parallel()
	for at := started; at < points; at++ {
		h := newHome(t)
		h.put("garbage")
		ctx, cancel := context.WithCancel(t.Context())
		tap := &tap{}
		tap.at = func(p point) {
			if p == at {
				cancel()
			}
		}
		_, err := gc.Collect(ctx, tap.config(h.config()))
		if at < ended && !errors.Is(err, context.Canceled) && !errors.Is(err, component.ErrCanceled) {
			t.Errorf("cancelled at %v: %v", at, err)
		}
		if left, err := h.meta.Deleting(t.Context()); err != nil || len(left) != 0 {
			t.Errorf("cancelled at %v: writers of %v wait (%v)", at, left, err)
		}
		h.collect(h.config())
		if h.has(digestOf("garbage")) {
			t.Errorf("cancelled at %v: garbage is left", at)
		}
	}
}

// unsure says that it is not available, once after it has done what it was asked to, and once before.
type unsure struct {
	metadata.Store
	begins, ends int
}

var errUnsure = component.Errorf(component.Unavailable, "the connection was lost")

func (s *unsure) BeginDelete(ctx context.Context, d []artifact.Digest) ([]artifact.Digest, error) {
	s.begins++
	begun, err := s.Store.BeginDelete(ctx, d)
	if s.begins == 1 {
		return nil, errUnsure
	}
	return begun, err
}

func (s *unsure) EndDelete(ctx context.Context, d []artifact.Digest) error {
	s.ends++
	if s.ends == 1 {
		return errUnsure
	}
	return s.Store.EndDelete(ctx, d)
}

func TestMetadataUnavailable(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.put("garbage")
	c := h.config()
	c.Metadata = &unsure{Store: h.meta}
	if _, err := gc.Collect(t.Context(), c); !errors.Is(err, component.ErrUnavailable) {
		t.Errorf("got %v, want Unavailable", err)
	}
	if left, err := h.meta.Deleting(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("writers of %v wait (%v)", left, err)
	}
	checkReport(t, h.collect(c), gc.Report{Examined: count("garbage"), Deleted: count("garbage")})
}

// Several pages, of which only some content goes.
func TestPages(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it flushes a thousand files to the disk")
	}
	h := newHome(t)
	run := h.run()
	var kept, garbage []string
	b := metadata.Batch{}
	for i := range 1100 {
		content := fmt.Sprint("content ", i)
		h.put(content)
		if i%10 == 0 {
			kept = append(kept, content)
			b.Steps = append(b.Steps, output(run, content, content, metadata.StepSucceeded).Steps...)
		} else {
			garbage = append(garbage, content)
		}
	}
	h.apply(b)
	var told []int
	c := h.config()
	c.Progress = func(r gc.Report) { told = append(told, r.Examined.Contents) }
	checkReport(t, h.collect(c), gc.Report{Examined: count(append(kept, garbage...)...), Kept: count(kept...), Deleted: count(garbage...)})
	if want := []int{500, 1000, 1100}; !cmp.Equal(told, want) {
		t.Errorf("progress was told at %v, want %v", told, want)
	}
	if n := h.checkRecords("after it"); n != len(kept) {
		t.Errorf("%d records, want %d", n, len(kept))
	}
}

// huge lists many contents that it does not have.
type huge struct {
	artifact.Store
	contents int
}

func (s huge) List(_ context.Context, after artifact.Digest, limit int) ([]artifact.Info, error) {
	first := 0
	if after != "" {
		if _, err := fmt.Sscanf(after.Hex()[:16], "%x", &first); err != nil {
			return nil, err
		}
		first++
	}
	var infos []artifact.Info
	for i := first; i < min(s.contents, first+limit); i++ {
		infos = append(infos, artifact.Info{Digest: artifact.Digest(fmt.Sprintf("sha256:%016x%048x", i, 0)), Size: 1})
	}
	return infos, nil
}

// The memory of a collection does not grow with the store.
func TestMemory(t *testing.T) {
	h := newHome(t)
	c := h.config()
	c.Artifacts, c.DryRun = huge{h.arts, 60_000}, true
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var first, most uint64
	c.Progress = func(r gc.Report) {
		if r.Examined.Contents == 10_000 {
			first = heap()
		}
		if r.Examined.Contents > 10_000 && r.Examined.Contents%10_000 == 0 {
			most = max(most, heap())
		}
	}
	if r := h.collect(c); r.Deleted.Contents != 60_000 {
		t.Errorf("%+v", r)
	}
	if most > first+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes", first, most)
	}
}
