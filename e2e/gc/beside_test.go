package gc_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/gc"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// producer makes the artifact that other pipelines use.
var producer = pipeline.Define("producer", func(p *pipeline.Builder, in seed) artifact.Ref[[]byte] {
	return pipeline.Step(p, "blob", makeBlob, in)
})

// gate holds up steps until it is opened.
type gate struct {
	open  chan struct{}
	fails atomic.Bool // one step fails at the gate, once
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

func (g *gate) pass(ctx context.Context) error {
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type besideParams struct {
	Data  artifact.Source
	Chats bool // a step logs much before the gate
}

type lateIn struct {
	Data  artifact.Source
	Blob  artifact.Ref[[]byte]
	Model artifact.Ref[[]byte]
	Items artifact.Ref[[][]byte]
}

type publishIn struct {
	Blob     artifact.Ref[[]byte]
	Approval artifact.Ref[pipeline.Approval]
}

type chatIn struct{ Chats bool }

// beside is a pipeline that needs content of every kind before the gate and after it: what it computed, what it found in the cache, elements of
// a list that have not run yet, a source, what another pipeline made, a checkpoint, a log, and what waits for a person.
func beside(g *gate) *pipeline.Pipeline[besideParams, artifact.Ref[[]byte]] {
	each := func(ctx context.Context, in itemIn) (artifact.Ref[[]byte], error) {
		if err := g.pass(ctx); err != nil {
			return artifact.Ref[[]byte]{}, err
		}
		if g.fails.CompareAndSwap(true, false) {
			return artifact.Ref[[]byte]{}, step.Permanent(errors.New("at the gate"))
		}
		return invert(ctx, in)
	}
	saves := func(ctx context.Context, _ struct{}) (artifact.Ref[bool], error) {
		var state []byte
		if found, err := step.Restore(ctx, &state); err != nil || found {
			return artifact.New(bytes.Equal(state, noise("state", 0, 20<<10))), err
		}
		err := step.Checkpoint(ctx, noise("state", 0, 20<<10))
		return artifact.Ref[bool]{}, errors.Join(err, g.pass(ctx), errors.New("the first attempt fails"))
	}
	chats := func(ctx context.Context, in chatIn) (artifact.Ref[bool], error) {
		if in.Chats {
			for i := range 60 { // more than a chunk, and nothing that can be compressed much
				step.Logger(ctx).Info(hex.EncodeToString(noise("line", i, 20<<10)))
			}
		}
		return artifact.New(true), g.pass(ctx)
	}
	late := func(ctx context.Context, in lateIn) (artifact.Ref[[]byte], error) {
		r, err := in.Data.Open(ctx)
		if err != nil {
			return artifact.Ref[[]byte]{}, err
		}
		defer r.Close()
		data, err := io.ReadAll(r)
		return artifact.New(slices.Concat(data, in.Blob.Value(), in.Model.Value(), bytes.Join(in.Items.Value(), nil))), err
	}
	publish := func(_ context.Context, in publishIn) (artifact.Ref[int], error) {
		return artifact.New(len(in.Blob.Value())), nil
	}
	light := step.Config{Resources: step.Resources{CPU: 0.01}} // so that three run at once wherever the test does
	return pipeline.Define("beside", func(p *pipeline.Builder, in besideParams) artifact.Ref[[]byte] {
		pipeline.Step(p, "saves", saves, struct{}{}, light, step.Config{Retry: step.Retry{Attempts: 2, Backoff: time.Millisecond}})
		pipeline.Step(p, "chats", chats, chatIn{in.Chats}, light)
		blob := pipeline.Step(p, "blob", makeBlob, seed{7})
		list := pipeline.Step(p, "list", makeList, seed{7})
		items := pipeline.Map(p, "each", each, list, func(i artifact.Ref[item]) itemIn { return itemIn{i} }, light)
		approval := pipeline.Wait(p, "ask", "Go on?", struct{ Blob artifact.Ref[[]byte] }{blob})
		pipeline.Step(p, "publish", publish, publishIn{blob, approval})
		return pipeline.Step(p, "late", late, lateIn{
			Data: in.Data, Blob: blob, Model: pipeline.Use[[]byte](p, "producer/output"),
			Items: pipeline.Gather(items, func(r artifact.Ref[[]byte]) artifact.Ref[[]byte] { return r }),
		}, pipeline.After("chats"))
	})
}

// wanted is the result of beside.
func wanted() []byte {
	b := slices.Concat(noise("data", 0, 30<<10), noise("blob", 7, 8<<10), noise("blob", 1, 8<<10))
	for i := range 3 {
		inverted := noise("item", 7+i, 5<<10)
		for k := range inverted {
			inverted[k] ^= 0xff
		}
		b = append(b, inverted...)
	}
	return b
}

func params(chats bool) besideParams {
	return besideParams{Data: artifact.FromBytes("data.bin", noise("data", 0, 30<<10)), Chats: chats}
}

// finish runs a pipeline to its end.
func finish[P, Out any](t *testing.T, client *tenon.Client, p *pipeline.Pipeline[P, Out], in P) (id string) {
	t.Helper()
	run, err := p.Run(t.Context(), client, in)
	if err == nil {
		_, err = run.Result(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return run.ID()
}

// awaitSteps waits until steps of a run are recorded in a state.
func awaitSteps(t *testing.T, client *tenon.Client, run string, state metadata.StepState, names ...string) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		page, err := client.Metadata().Steps(t.Context(), metadata.StepQuery{Run: run, Cursor: metadata.Cursor{Limit: 1000}})
		if err != nil {
			t.Fatal(err)
		}
		missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			return slices.ContainsFunc(page.Items, func(s metadata.Step) bool { return s.Step == name && s.Elements == 0 && s.State == state })
		})
		if len(missing) == 0 {
			return
		}
		if r, err := client.Metadata().Run(t.Context(), run); err != nil || r.State.Ended() {
			t.Fatalf("%v are not %s, and the run is %s: %s (%v)", missing, state, r.State, r.Error, err)
		}
		<-tick.C
	}
}

func approve(t *testing.T, client *tenon.Client, run string) {
	t.Helper()
	signal := metadata.Signal{ID: uuid.Must(uuid.NewV7()).String(), Run: run, Kind: metadata.SignalApprove, Step: "ask", By: "test", Created: time.Now()}
	if err := client.Metadata().Apply(t.Context(), metadata.Batch{Signals: []metadata.Signal{signal}}); err != nil {
		t.Fatal(err)
	}
}

// forgetAll makes the cache forget everything.
func forgetAll(t *testing.T, client *tenon.Client) {
	t.Helper()
	page, err := client.Metadata().Results(t.Context(), metadata.ResultQuery{Cursor: metadata.Cursor{Limit: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range page.Items {
		if _, err := client.Metadata().Forget(t.Context(), []string{r.CacheKey}, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
}

// collect collects, and says how much was deleted.
func collect(t *testing.T, client *tenon.Client, alone bool) (deleted int) {
	t.Helper()
	if !alone {
		r, err := client.GC(t.Context(), tenon.GCOptions{Grace: -1})
		if err != nil {
			t.Fatal(err)
		}
		return r.Stores[0].Deleted.Contents
	}
	release, err := gc.Acquire(filepath.Join(client.Home(), "gc.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	arts, err := client.Artifacts(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	r, err := gc.Collect(t.Context(), gc.Config{Metadata: client.Metadata(), Artifacts: arts, Grace: -time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return r.Deleted.Contents
}

// TestBesideRun collects while a run is held up in its middle, after everything was deleted and forgotten that it came from.
func TestBesideRun(t *testing.T) {
	t.Parallel()
	for name, alone := range map[string]bool{"no grace": false, "the protocol alone": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := open(t, t.TempDir())
			used := finish(t, client, producer, seed{1})
			before := newGate()
			close(before.open)
			first, err := beside(before).Run(t.Context(), client, params(false))
			if err != nil {
				t.Fatal(err)
			}
			approve(t, client, first.ID())
			if _, err := first.Result(t.Context()); err != nil {
				t.Fatal(err)
			}

			g := newGate()
			run, err := beside(g).Run(t.Context(), client, params(!alone), pipeline.RunConfig{Parallel: 3})
			if err != nil {
				t.Fatal(err)
			}
			awaitSteps(t, client, run.ID(), metadata.StepCached, "blob", "list")
			awaitSteps(t, client, run.ID(), metadata.StepRunning, "saves", "chats", "each")
			awaitSteps(t, client, run.ID(), metadata.StepWaiting, "ask")
			finish(t, client, producer, seed{2}) // the newest version is another one
			for _, gone := range []string{used, first.ID()} {
				if err := client.Metadata().DeleteRun(t.Context(), gone); err != nil {
					t.Fatal(err)
				}
			}
			forgetAll(t, client)
			deleted := collect(t, client, alone)
			if again := collect(t, client, alone); again > 0 {
				t.Errorf("a second collection deletes %d contents", again)
			}
			if deleted == 0 {
				t.Error("nothing was garbage: is what the first run computed still kept?")
			}
			verify(t, client)

			close(g.open)
			approve(t, client, run.ID())
			result, err := run.Result(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(result.Value(), wanted()) {
				t.Error("the result is wrong")
			}
			verify(t, client)
		})
	}
}

// TestResumeAfterCollection: a run that failed has what it needs to go on, whatever was deleted meanwhile.
func TestResumeAfterCollection(t *testing.T) {
	t.Parallel()
	client := open(t, t.TempDir())
	used := finish(t, client, producer, seed{1})
	g := newGate()
	close(g.open)
	g.fails.Store(true)
	p := beside(g)
	run, err := p.Run(t.Context(), client, params(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); err == nil {
		t.Fatal("the run did not fail")
	}
	finish(t, client, producer, seed{2})
	if err := client.Metadata().DeleteRun(t.Context(), used); err != nil {
		t.Fatal(err)
	}
	collect(t, client, true)
	verify(t, client)
	run, err = p.Resume(t.Context(), client, run.ID())
	if err != nil {
		t.Fatal(err)
	}
	approve(t, client, run.ID())
	result, err := run.Result(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(result.Value(), wanted()) {
		t.Error("the result is wrong")
	}
	verify(t, client)
}
