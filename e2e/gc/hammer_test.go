package gc_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/internal/gc"
	"github.com/tenon-ml/tenon/metadata"
)

// hammer runs, deletes, prunes and collects all at once.
type hammer struct {
	*testing.T
	home    string
	clients [2]*tenon.Client // two, each with connections of its own

	runs, resumed, deleted, forgotten, collections, collected atomic.Int64
}

// TestHammer collects without any grace: what a run puts is protected by the run alone, or not even by that.
func TestHammer(t *testing.T) {
	t.Parallel()
	for name, collect := range map[string]func(h *hammer) (int, error){
		"no grace": func(h *hammer) (int, error) {
			r, err := h.clients[0].GC(h.Context(), tenon.GCOptions{Grace: -1})
			n := 0
			for _, s := range r.Stores {
				n += s.Deleted.Contents
			}
			return n, err
		},
		"the protocol alone": func(h *hammer) (int, error) {
			release, err := gc.Acquire(filepath.Join(h.home, "gc.lock"))
			if err != nil {
				return 0, err
			}
			defer release()
			arts, err := h.clients[0].Artifacts(h.Context(), "")
			if err != nil {
				return 0, err
			}
			r, err := gc.Collect(h.Context(), gc.Config{Metadata: h.clients[0].Metadata(), Artifacts: arts, Grace: -time.Hour})
			return r.Deleted.Contents, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			h := &hammer{T: t, home: home, clients: [2]*tenon.Client{open(t, home), open(t, home)}}
			h.strike(collect)
			h.check()
		})
	}
}

// everything reports whether each of what is done at once has happened.
func (h *hammer) everything() bool {
	return h.deleted.Load() > 0 && h.collected.Load() > 0 && h.forgotten.Load() > 0
}

// strike does everything at once for a while, on a machine with much else to do for longer.
func (h *hammer) strike(collect func(*hammer) (int, error)) {
	h.Helper()
	duration := 3 * time.Second
	if testing.Short() {
		duration = time.Second
	}
	began := time.Now()
	goOn := func() bool {
		past := time.Since(began)
		return past < duration || past < time.Minute && !h.everything()
	}
	var group sync.WaitGroup
	keep := func(do func() error) {
		group.Go(func() {
			for goOn() && !h.Failed() {
				if err := do(); err != nil {
					h.Error(err)
				}
			}
		})
	}
	for i := range 3 {
		keep(func() error { return h.run(h.clients[i%2], rand.IntN(6)) })
	}
	keep(h.delete)
	keep(h.prune)
	keep(func() error {
		n, err := collect(h)
		h.collections.Add(1)
		h.collected.Add(int64(n))
		return err
	})
	group.Wait()
}

// run runs the pipeline to its end, and resumes it when content was collected that it had put and not recorded.
func (h *hammer) run(client *tenon.Client, n int) error {
	ctx := h.Context()
	h.runs.Add(1)
	run, err := churn.Run(ctx, client, seed{n})
	if lost(err) {
		return nil // not even its begin is recorded
	}
	if err != nil {
		return err
	}
	for {
		result, err := run.Result(ctx)
		switch {
		case err == nil && !bytes.Equal(result.Value(), joined(n)):
			return errors.New("the result is wrong")
		case err == nil, errors.Is(err, tenon.ErrNotFound) && h.gone(run.ID()):
			return nil
		case !lost(err):
			return err
		}
		h.resumed.Add(1)
		again, err := churn.Resume(ctx, client, run.ID())
		switch {
		case lost(err), errors.Is(err, tenon.ErrNotFound):
			return nil // it was deleted, or is resumed at the end
		case err != nil && h.succeeded(run.ID()):
			return nil // only reading the result failed
		case err != nil:
			return err
		}
		run = again
	}
}

// lost reports whether an error says that content was collected before it was recorded.
func lost(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "collected as garbage before it was recorded") || errors.Is(err, tenon.ErrNotFound) ||
		strings.Contains(err.Error(), "not in the store"))
}

func (h *hammer) gone(run string) bool {
	_, err := h.clients[0].Metadata().Run(h.Context(), run)
	return errors.Is(err, tenon.ErrNotFound)
}

func (h *hammer) succeeded(run string) bool {
	r, err := h.clients[0].Metadata().Run(h.Context(), run)
	return err == nil && r.State == metadata.RunSucceeded
}

// delete deletes one run that has succeeded.
func (h *hammer) delete() error {
	store := h.clients[1].Metadata()
	all, err := runs(h.Context(), store, metadata.RunSucceeded)
	if err != nil || len(all) < 3 {
		return err
	}
	h.deleted.Add(1)
	return store.DeleteRun(h.Context(), all[rand.IntN(len(all))].ID)
}

// prune makes the cache forget one result, of a run that has succeeded as the command line does.
func (h *hammer) prune() error {
	ctx, store := h.Context(), h.clients[1].Metadata()
	page, err := store.Results(ctx, metadata.ResultQuery{})
	if err != nil || len(page.Items) == 0 {
		return err
	}
	r := page.Items[rand.IntN(len(page.Items))]
	if !h.succeeded(r.Run) {
		return nil
	}
	n, err := store.Forget(ctx, []string{r.CacheKey}, time.Time{})
	h.forgotten.Add(int64(n))
	return err
}

// check looks at what is left when all is quiet.
func (h *hammer) check() {
	h.Helper()
	ctx, client := h.Context(), h.clients[0]
	failed, err := runs(ctx, client.Metadata(), metadata.RunFailed)
	if err != nil {
		h.Fatal(err)
	}
	for _, r := range failed {
		run, err := churn.Resume(ctx, client, r.ID)
		if err != nil {
			h.Fatal(err)
		}
		if _, err := run.Result(ctx); err != nil {
			h.Errorf("a run that failed cannot be resumed: %v", err)
		}
	}
	contents := verify(h.T, client)
	h.Logf("%d runs, resumed %d times, %d deleted, %d results forgotten, %d contents deleted in %d collections; %d contents verified",
		h.runs.Load(), h.resumed.Load(), h.deleted.Load(), h.forgotten.Load(), h.collected.Load(), h.collections.Load(), contents)
	if !h.everything() || contents == 0 {
		h.Error("some of it did not happen")
	}
	h.clean(client)
}

// clean deletes everything, and checks that nothing is left.
func (h *hammer) clean(client *tenon.Client) {
	h.Helper()
	ctx := h.Context()
	all, err := runs(ctx, client.Metadata())
	if err != nil {
		h.Fatal(err)
	}
	for _, r := range all {
		if err := client.Metadata().DeleteRun(ctx, r.ID); err != nil {
			h.Fatal(err)
		}
	}
	if _, err := client.GC(ctx, tenon.GCOptions{Grace: -1}); err != nil {
		h.Fatal(err)
	}
	arts, err := client.Artifacts(ctx, "")
	if err != nil {
		h.Fatal(err)
	}
	left, err := arts.List(ctx, "", 10)
	if err != nil || len(left) > 0 {
		h.Errorf("left are %v (%v)", left, err)
	}
}
