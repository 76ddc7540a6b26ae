package workerrpc_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/logs"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/internal/workerrpc"
	"github.com/tenon-ml/tenon/metadata"
)

// A host is the same host directly and through a connection.
func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("direct", func(t *testing.T) {
		t.Parallel()
		conforms(t, func(*testing.T) (*host, worker.Host) {
			h := newHost()
			return h, h
		})
	})
	for name, o := range map[string]workerrpc.Options{"unix": {}, "loopback": {Loopback: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conforms(t, func(t *testing.T) (*host, worker.Host) {
				e := start(t, o)
				return e.host, e.connect("any")
			})
		})
	}
}

// offered adds an attempt that may be claimed.
func offered(h *host, id string) *attempt {
	return h.add(worker.Assignment{Attempt: id, Run: runID, Step: "train", Index: -1, Number: 1})
}

// ignoreLocal leaves out what is of one process.
var ignoreLocal = cmp.Options{cmpopts.IgnoreFields(worker.Assignment{}, "Stop", "Shared"), cmpopts.IgnoreFields(worker.Failure{}, "Err", "Code")}

func conforms(t *testing.T, open func(*testing.T) (*host, worker.Host)) {
	ctx := t.Context()
	checks := map[string]func(*testing.T, *host, worker.Host){
		"what was assigned is claimed": func(t *testing.T, h *host, w worker.Host) {
			want := worker.Assignment{
				Attempt: "a", Run: runID, Pipeline: "penguins", Node: 3, Step: "train", Index: 7, Number: 2, Key: "k",
				Inputs: []artifact.Record{inline("1")}, BeatEvery: time.Second,
			}
			h.add(want)
			got, err := w.Claim(ctx, "a")
			if diff := cmp.Diff(want, got, ignoreLocal); err != nil || diff != "" {
				t.Errorf("error %v, assignment (-want +got):\n%s", err, diff)
			}
			if !isOpen(got.Stop) {
				t.Error("the attempt is asked to stop from the beginning")
			}
		},
		"an attempt is claimed once": func(t *testing.T, h *host, w worker.Host) {
			offered(h, "a")
			a, err := w.Claim(ctx, "a")
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.Claim(ctx, "a")
			wantCode(t, err, component.FailedPrecondition, "attempt a was claimed before")
			if !isOpen(a.Stop) {
				t.Error("the second claim stops the first")
			}
			if err := w.Finish(ctx, worker.Report{Attempt: "a"}); err != nil {
				t.Errorf("the first claim cannot finish: %v", err)
			}
		},
		"of many claims of one attempt one succeeds": func(t *testing.T, h *host, w worker.Host) {
			offered(h, "a")
			errs := make([]error, 8)
			var wg sync.WaitGroup
			for i := range errs {
				wg.Go(func() { _, errs[i] = w.Claim(ctx, "a") })
			}
			wg.Wait()
			claimed := 0
			for _, err := range errs {
				if err == nil {
					claimed++
				} else if !errors.Is(err, component.ErrFailedPrecondition) {
					t.Error(err)
				}
			}
			if claimed != 1 {
				t.Errorf("%d claims succeeded", claimed)
			}
		},
		"an attempt that is not there is refused": func(t *testing.T, _ *host, w worker.Host) {
			_, err := w.Claim(ctx, "nobody")
			wantCode(t, err, component.FailedPrecondition, "attempt \"nobody\" is over")
			wantCode(t, w.Beat(ctx, worker.Beat{Attempt: "nobody"}), component.FailedPrecondition)
			wantCode(t, w.Finish(ctx, worker.Report{Attempt: "nobody"}), component.FailedPrecondition)
		},
		"an attempt is asked to stop": func(t *testing.T, h *host, w worker.Host) {
			at := offered(h, "a")
			a, err := w.Claim(ctx, "a")
			if err != nil {
				t.Fatal(err)
			}
			close(at.stop)
			wait(t, a.Stop, "the request to stop")
			if err := w.Finish(ctx, worker.Report{Attempt: "a"}); err != nil {
				t.Errorf("after it was asked to stop: %v", err)
			}
		},
		"an attempt that was asked to stop before it is claimed": func(t *testing.T, h *host, w worker.Host) {
			close(offered(h, "a").stop)
			a, err := w.Claim(ctx, "a")
			if err != nil {
				t.Fatal(err)
			}
			wait(t, a.Stop, "the request to stop")
		},
		"beats arrive in order": func(t *testing.T, h *host, w worker.Host) {
			offered(h, "a")
			if _, err := w.Claim(ctx, "a"); err != nil {
				t.Fatal(err)
			}
			checkpoint := inline("2")
			want := []worker.Beat{
				{Attempt: "a", Done: -1, Total: -1, Lines: []logs.Line{{Time: time.Unix(1, 2), Level: 4, Message: "hot x=1"}}},
				{Attempt: "a", Done: 0, Total: 0},
				{Attempt: "a", Done: 1, Total: 2, Checkpoint: &checkpoint},
				{Attempt: "a", Done: -1, Total: -1, Metrics: []metadata.Metric{metric("a", 1)}},
			}
			for _, b := range want {
				if err := w.Beat(ctx, b); err != nil {
					t.Error(err)
				}
			}
			got, _ := h.heard("a")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("beats (-want +got):\n%s", diff)
			}
		},
		"a report arrives": func(t *testing.T, h *host, w worker.Host) {
			offered(h, "a")
			want := worker.Report{
				Attempt: "a", Outputs: []artifact.Record{inline("3")}, Logs: []metadata.LogChunk{{Lines: 1, Size: 2, Inline: []byte("z")}},
				Metrics: []metadata.Metric{metric("a", 1), metric("a", 2)}, Started: time.Unix(1, 0), Finished: time.Unix(2, 0), Host: "ada", Read: 1, Written: 2, PeakMemory: 3,
			}
			if err := w.Finish(ctx, want); err != nil {
				t.Fatal(err)
			}
			if _, got := h.heard("a"); len(got) != 1 || !cmp.Equal(want, got[0]) {
				t.Errorf("report (-want +got):\n%s", cmp.Diff([]worker.Report{want}, got))
			}
		},
		"a failure arrives with its error": func(t *testing.T, h *host, w worker.Host) {
			offered(h, "a")
			failure := worker.Failure{Message: "no room", Kind: worker.KindError, Permanent: true, Stack: "main.go:1", Err: component.Errorf(component.Exhausted, "no room")}
			if err := w.Finish(ctx, worker.Report{Attempt: "a", Failure: &failure}); err != nil {
				t.Fatal(err)
			}
			_, got := h.heard("a")
			if diff := cmp.Diff(&failure, got[0].Failure, ignoreLocal); diff != "" || !errors.Is(got[0].Failure.Err, component.ErrExhausted) {
				t.Errorf("error %v, failure (-want +got):\n%s", got[0].Failure.Err, diff)
			}
		},
		"a report may be repeated": func(t *testing.T, h *host, w worker.Host) {
			offered(h, "a")
			for range 3 {
				if err := w.Finish(ctx, worker.Report{Attempt: "a", Host: "ada"}); err != nil {
					t.Error(err)
				}
			}
		},
		"an attempt that was superseded is refused": func(t *testing.T, h *host, w worker.Host) {
			offered(h, "a")
			if _, err := w.Claim(ctx, "a"); err != nil {
				t.Fatal(err)
			}
			if err := w.Finish(ctx, worker.Report{Attempt: "a"}); err != nil {
				t.Fatal(err)
			}
			h.supersede("a")
			wantCode(t, w.Beat(ctx, worker.Beat{Attempt: "a"}), component.FailedPrecondition, "attempt \"a\" is over")
			wantCode(t, w.Finish(ctx, worker.Report{Attempt: "a"}), component.FailedPrecondition, "attempt \"a\" is over")
		},
		"every code arrives": func(t *testing.T, h *host, w worker.Host) {
			for code := component.Unknown; code <= component.Exhausted; code++ {
				h.fail(component.Errorf(code, "because of %d", code))
				wantCode(t, w.Finish(ctx, worker.Report{Attempt: "a"}), code, "because of "+strconv.Itoa(int(code)))
				_, err := w.Claim(ctx, "a")
				wantCode(t, err, code, "because of "+strconv.Itoa(int(code)))
			}
		},
		"a call that its caller gives up ends": func(t *testing.T, h *host, w worker.Host) {
			offered(h, "a")
			h.block()
			defer h.unblock()
			ctx, cancel := context.WithCancel(ctx)
			done := make(chan error, 1)
			go func() { done <- w.Beat(ctx, worker.Beat{Attempt: "a"}) }()
			wait(t, h.blocked, "the call")
			cancel()
			wantCode(t, wait(t, done, "its end"), component.Canceled)
		},
		"attempts do not disturb each other": func(t *testing.T, h *host, w worker.Host) {
			var wg sync.WaitGroup
			for i := range 50 {
				wg.Go(func() {
					id := fmt.Sprint("attempt ", i)
					offered(h, id)
					a, err := w.Claim(ctx, id)
					if err != nil || a.Attempt != id {
						t.Errorf("%s claimed %q: %v", id, a.Attempt, err)
					}
					if err := errors.Join(w.Beat(ctx, worker.Beat{Attempt: id}), w.Finish(ctx, worker.Report{Attempt: id, Host: id})); err != nil {
						t.Error(err)
					}
					if beats, reports := h.heard(id); len(beats) != 1 || len(reports) != 1 || reports[0].Host != id {
						t.Errorf("%s was heard as %v and %v", id, beats, reports)
					}
				})
			}
			wg.Wait()
		},
	}
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, w := open(t)
			check(t, h, w)
		})
	}
}
