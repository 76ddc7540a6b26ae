package gc_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/internal/gc"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/sqlite"
)

// none is a grace with which no content is young, however late it was put: only the protocol protects it.
const none = -time.Hour

// home is what a collector works on.
type home struct {
	t    testing.TB
	dir  string
	meta metadata.Store
	arts artifact.Store
}

func newHome(t testing.TB) *home {
	t.Helper()
	return openHome(t, t.TempDir())
}

func openHome(t testing.TB, dir string) *home {
	t.Helper()
	meta, err := sqlite.Open(t.Context(), filepath.Join(dir, "tenon.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	arts, err := local.Open(filepath.Join(dir, "artifacts"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(meta.Close(), arts.Close()); err != nil {
			t.Error(err)
		}
	})
	return &home{t: t, dir: dir, meta: meta, arts: arts}
}

func (h *home) config() gc.Config {
	return gc.Config{Metadata: h.meta, Artifacts: h.arts, Grace: none}
}

// collect collects, and checks that nothing failed.
func (h *home) collect(c gc.Config) gc.Report {
	h.t.Helper()
	r, err := gc.Collect(h.t.Context(), c)
	if err != nil {
		h.t.Fatalf("Collect: %v", err)
	}
	sum := gc.Count{}
	for _, c := range []gc.Count{r.Kept, r.Young, r.Deleted, r.Failed} {
		sum.Contents += c.Contents
		sum.Bytes += c.Bytes
	}
	if sum != r.Examined {
		h.t.Errorf("%+v does not add up", r)
	}
	return r
}

func digestOf(content string) artifact.Digest {
	return artifact.NewDigest(sha256.Sum256([]byte(content)))
}

func (h *home) put(content string) artifact.Digest {
	h.t.Helper()
	info, err := h.arts.Put(h.t.Context(), strings.NewReader(content))
	if err != nil {
		h.t.Fatal(err)
	}
	return info.Digest
}

func (h *home) file(d artifact.Digest) string {
	return filepath.Join(h.dir, "artifacts", "sha256", d.Hex()[:2], d.Hex()[2:])
}

// age makes content look as if it was put so long ago.
func (h *home) age(d artifact.Digest, by time.Duration) {
	h.t.Helper()
	if err := os.Chtimes(h.file(d), time.Time{}, time.Now().Add(-by)); err != nil {
		h.t.Fatal(err)
	}
}

// has reports whether content is there, and whole.
func (h *home) has(d artifact.Digest) bool {
	h.t.Helper()
	r, err := h.arts.Open(context.Background(), d)
	if err != nil {
		return false
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, r); err != nil {
		h.t.Errorf("%s: %v", d, err)
	}
	return true
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// run records a run that goes on.
func (h *home) run() string {
	h.t.Helper()
	id := newID()
	now := time.Now()
	h.apply(metadata.Batch{Create: []metadata.Run{{ID: id, Name: id, Pipeline: "p", State: metadata.RunRunning, Epoch: 1, Created: now, Started: now}}})
	return id
}

func (h *home) apply(b metadata.Batch) {
	h.t.Helper()
	if err := h.meta.Apply(h.t.Context(), b); err != nil {
		h.t.Fatal(err)
	}
}

// end ends a run.
func (h *home) end(run string) {
	h.t.Helper()
	r, err := h.meta.Run(h.t.Context(), run)
	if err != nil {
		h.t.Fatal(err)
	}
	r.State, r.Finished = metadata.RunSucceeded, time.Now()
	h.apply(metadata.Batch{Update: []metadata.Run{r}})
}

// output is the batch that records content as what a step made.
func output(run, step, content string, state metadata.StepState) metadata.Batch {
	return metadata.Batch{Steps: []metadata.Step{{
		StepKey: metadata.StepKey{Run: run, Step: step, Index: -1}, State: state, CacheKey: "key of " + content, Computed: time.Now(),
		Outputs: []metadata.Output{{ID: newID(), Name: "output", Record: artifact.Record{Digest: digestOf(content), Size: int64(len(content)), Codec: "bytes", Type: "[]byte"}}},
	}}}
}

// made records a run that has ended, with content that it made.
func (h *home) made(contents ...string) (run string) {
	h.t.Helper()
	run = h.run()
	for i, content := range contents {
		h.put(content)
		h.apply(output(run, fmt.Sprint("step ", i), content, metadata.StepSucceeded))
	}
	h.end(run)
	return run
}

func (h *home) deleteRun(run string) {
	h.t.Helper()
	if err := h.meta.DeleteRun(h.t.Context(), run); err != nil {
		h.t.Fatal(err)
	}
}

// checkRecords reads the bytes of everything that is recorded, and returns how much that is.
func (h *home) checkRecords(when string) int {
	h.t.Helper()
	q, n := metadata.ArtifactQuery{}, 0
	for more := true; more; more = q.After != "" {
		page, err := h.meta.Artifacts(h.t.Context(), q)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, a := range page.Items {
			n++
			if !a.Pruned && !h.has(a.Record.Digest) {
				h.t.Errorf("%s: the record of step %s is without its bytes", when, a.Step)
			}
		}
		q.After = page.Next
	}
	return n
}

// never is the zero time: results are forgotten whenever they were computed.
var never time.Time

func refs(contents ...string) (digests []artifact.Digest) {
	for _, c := range contents {
		digests = append(digests, digestOf(c))
	}
	return digests
}
