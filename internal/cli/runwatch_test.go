package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

// snapshots is a store in which a run is in another state at each look; the last one stays.
type snapshots struct {
	noRecords
	looks []snapshot
	at    int
	took  time.Duration // of each look
}

type snapshot struct {
	state metadata.RunState
	steps []metadata.Step
}

func (s *snapshots) Run(_ context.Context, id string) (metadata.Run, error) {
	s.at++
	time.Sleep(s.took)
	run := metadata.Run{ID: id, State: s.now().state}
	if run.State != metadata.RunPending {
		run.Started = epoch()
	}
	if run.State.Ended() {
		run.Finished = epoch().Add(time.Minute)
	}
	return run, nil
}

func (s *snapshots) now() snapshot { return s.looks[min(s.at, len(s.looks))-1] }

func (s *snapshots) Steps(ctx context.Context, q metadata.StepQuery) (metadata.Page[metadata.Step], error) {
	if ctx.Err() != nil {
		return metadata.Page[metadata.Step]{}, component.Errorf(component.Canceled, "steps: %w", ctx.Err())
	}
	var found []metadata.Step
	for _, st := range s.now().steps {
		if (q.Step == "" || q.Step == st.Step) && (!q.NoElements || st.Index < 0) {
			found = append(found, st)
		}
	}
	return metadata.Page[metadata.Step]{Items: found}, nil
}

func (s *snapshots) watcher(tell func(pipeline.Event)) *watcher {
	return &watcher{store: s, run: runID, tell: tell, steps: map[string]metadata.Step{}, elements: map[string][]state{}}
}

func noQuiet(context.Context) error { return nil }

// at is a moment of the run, in seconds.
func at(seconds int) time.Time { return epoch().Add(time.Duration(seconds) * time.Second) }

// row of a step that started, and ended if to is not 0.
func recorded(name string, index int, s metadata.StepState, from, to int, edit ...func(*metadata.Step)) metadata.Step {
	st := metadata.Step{StepKey: metadata.StepKey{Run: runID, Step: name, Index: index}, State: s, Attempts: 1}
	if from > 0 {
		st.Started = at(from)
	}
	if to > 0 {
		st.Finished = at(to)
	}
	for _, f := range edit {
		f(&st)
	}
	return st
}

// TestWatchTells holds what a watcher tells of a run, look by look.
func TestWatchTells(t *testing.T) {
	t.Parallel()
	cached := recorded("load", -1, metadata.StepCached, 1, 2, func(s *metadata.Step) { s.Origin, s.Attempts = &metadata.StepKey{Run: "other"}, 0 })
	three := func(s *metadata.Step) { s.Elements, s.Attempts = 3, 0 }
	skipped := recorded("plot", -1, metadata.StepSkipped, 0, 9, func(s *metadata.Step) { s.Skip, s.Attempts = "condition is false", 0 })
	store := &snapshots{looks: []snapshot{
		{metadata.RunPending, nil},
		{metadata.RunRunning, []metadata.Step{cached, recorded("train", -1, metadata.StepRunning, 3, 0)}},
		{metadata.RunRunning, []metadata.Step{
			cached, recorded("train", -1, metadata.StepRetrying, 3, 0, func(s *metadata.Step) { s.Error = "connection refused" }),
			recorded("score", -1, metadata.StepRunning, 4, 0, three), recorded("score", 0, metadata.StepRunning, 4, 0),
		}},
		{metadata.RunRunning, []metadata.Step{
			cached, recorded("train", -1, metadata.StepRunning, 3, 0, func(s *metadata.Step) { s.Attempts = 2 }),
			recorded("score", -1, metadata.StepRunning, 4, 0, three), recorded("score", 0, metadata.StepSucceeded, 4, 5),
			recorded("score", 2, metadata.StepFailed, 4, 6, func(s *metadata.Step) { s.Error = "boom" }),
			recorded("approve", -1, metadata.StepWaiting, 6, 0, func(s *metadata.Step) { s.Attempts = 0 }),
		}},
		{metadata.RunFailed, []metadata.Step{
			cached, recorded("train", -1, metadata.StepSucceeded, 3, 8, func(s *metadata.Step) { s.Attempts = 2 }),
			recorded("approve", -1, metadata.StepSucceeded, 6, 7, func(s *metadata.Step) { s.Attempts = 0 }),
			recorded("score", -1, metadata.StepFailed, 4, 7, three, func(s *metadata.Step) { s.Error = "1 of 3 elements failed: boom" }),
			recorded("score", 0, metadata.StepSucceeded, 4, 5), recorded("score", 1, metadata.StepSucceeded, 4, 6),
			recorded("score", 2, metadata.StepFailed, 4, 6, func(s *metadata.Step) { s.Error = "boom" }),
			recorded("quick", -1, metadata.StepSucceeded, 7, 8), skipped,
		}},
	}}
	var got []string
	w := store.watcher(func(e pipeline.Event) {
		text := fmt.Sprintf("%d: %s %s", store.at, e.Kind, e.RunState)
		if e.Kind == pipeline.EventStep {
			text = fmt.Sprintf("%d: %s %s", store.at, elementName(e.Step, e.Index), e.StepState)
		}
		if e.Attempt > 1 {
			text += fmt.Sprintf(" attempt %d", e.Attempt)
		}
		if e.Elements > 0 {
			text += fmt.Sprintf(" of %d", e.Elements)
		}
		if e.Run != runID {
			t.Errorf("%s of run %q", text, e.Run)
		}
		if e.Reason != "" {
			text += ": " + e.Reason
		}
		got = append(got, text)
	})
	w.questions = map[string]string{"approve": "ready for production?"}
	synctest.Test(t, func(t *testing.T) {
		if err := w.follow(t.Context(), noQuiet); err != nil {
			t.Fatal(err)
		}
	})
	want := []string{
		"2: run running",
		"2: load cached: from run other",
		"2: train running",
		"3: train retrying: connection refused",
		"3: score running of 3",
		"3: score[0] running",
		"4: train running attempt 2",
		"4: score[0] succeeded",
		"4: approve waiting: ready for production?",
		"4: score[2] failed: boom",
		"5: score[1] succeeded",
		"5: approve succeeded",
		"5: quick running",
		"5: score failed of 3: 1 of 3 elements failed: boom",
		"5: train succeeded attempt 2",
		"5: quick succeeded",
		"5: plot skipped: condition is false",
		"5: run failed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestWatchOfWhatHasEnded: the events of a run that has ended make the board that its observer saw.
func TestWatchOfWhatHasEnded(t *testing.T) {
	t.Parallel()
	store := &snapshots{looks: []snapshot{{metadata.RunSucceeded, []metadata.Step{
		recorded("score", -1, metadata.StepSucceeded, 1, 3, func(s *metadata.Step) { s.Elements = 2 }), recorded("score", 0, metadata.StepSucceeded, 1, 2), recorded("score", 1, metadata.StepCached, 1, 2),
	}}}}
	b := storyBoard()
	w := store.watcher(b.apply)
	if ended, err := w.look(t.Context()); !ended || err != nil {
		t.Fatal(ended, err)
	}
	r := b.rows[b.index["score"]]
	if done, total, _ := r.progress(); done != 2 || total != 2 || r.counts[cached] != 1 || !r.started.Equal(at(1)) || !r.finished.Equal(at(3)) {
		t.Errorf("%d of %d elements, %+v", done, total, r)
	}
	if b.state != metadata.RunSucceeded || !b.started.Equal(epoch()) || !b.finished.Equal(at(60)) {
		t.Errorf("the run is %s, from %v to %v", b.state, b.started, b.finished)
	}
}

// TestWatchAsksWhoDrives: while nothing happens a client is opened now and then, which records the end of a run whose program is gone.
func TestWatchAsksWhoDrives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &snapshots{looks: []snapshot{{metadata.RunRunning, nil}}}
		began, asked := time.Now(), 0
		err := store.watcher(func(pipeline.Event) {}).follow(t.Context(), func(context.Context) error {
			if asked++; asked == 3 {
				store.looks = append(store.looks, snapshot{metadata.RunFailed, nil})
			}
			return nil
		})
		if took := time.Since(began); err != nil || asked != 3 || took != (3*quietLooks)*watchEvery {
			t.Errorf("asked %d times, for %v: %v", asked, took, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		store := &snapshots{looks: []snapshot{{metadata.RunRunning, nil}}}
		if err := store.watcher(func(pipeline.Event) {}).follow(t.Context(), func(context.Context) error { return broken }); !errors.Is(err, broken) {
			t.Errorf("an error of asking is %v", err)
		}
	})
}

// TestInterruptedQuestion: an interrupt while a client is opened is an interrupt, not an error of opening it.
func TestInterruptedQuestion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		store := &snapshots{looks: []snapshot{{metadata.RunRunning, nil}}}
		err := store.watcher(func(pipeline.Event) {}).follow(ctx, func(ctx context.Context) error {
			cancel(errInterrupted)
			return component.Errorf(component.Canceled, "open the state: %w", ctx.Err())
		})
		if !errors.Is(err, errInterrupted) {
			t.Errorf("an interrupt is %v", err)
		}
	})
}

// TestHowToAnswer: who sees that a step waits sees what to write, whether it is watched or run.
func TestHowToAnswer(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := newCLI(App{Stdout: &out, Stderr: &out})
	tell := c.telling(newLines(&out, storyBoard(), nil))
	tell(pipeline.Event{Kind: pipeline.EventStep, Run: runID, Step: "approve", Index: -1, StepState: metadata.StepWaiting, Reason: "ready for production?"})
	if got, want := out.String(), "to answer: tenon run approve "+runID+" approve, or reject\n"; !strings.HasSuffix(got, want) || !strings.Contains(got, "ready for production?") {
		t.Errorf("%q, want %q at its end", got, want)
	}
}

// TestWatchIsNoBurden: a run that takes long to read is read less often.
func TestWatchIsNoBurden(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		store := &snapshots{looks: []snapshot{{metadata.RunRunning, nil}}, took: time.Second}
		time.AfterFunc(59*time.Second, func() { cancel(errInterrupted) })
		err := store.watcher(func(pipeline.Event) {}).follow(ctx, noQuiet)
		if !errors.Is(err, errInterrupted) || store.at != 12 {
			t.Errorf("%d looks in 59 seconds: %v", store.at, err)
		}
	})
}

// TestClearedBoard: where the whole run is shown afterwards, the last frame leaves nothing of the board.
func TestClearedBoard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := newLive(newScreen(&out, environ("COLUMNS=60")), storyBoard(), time.Now, func(err error) { t.Error(err) })
		l.summed = true
		l.event(pipeline.Event{Kind: pipeline.EventRun, Time: time.Now(), RunState: metadata.RunRunning})
		time.Sleep(1050 * time.Millisecond) // between two frames
		l.mu.Lock()
		drawn := len(l.drawn)
		out.Reset()
		l.mu.Unlock()
		l.clear()
		l.close()
		if want := fmt.Sprintf("\x1b[%dA\r%s", drawn, eraseBelow); out.String() != want || drawn < 4 {
			t.Errorf("after %d rows: %q, want %q", drawn, out.String(), want)
		}
	})
}

// TestRefusedBoard: a run that never began leaves no board of steps that are pending, also if one was drawn.
func TestRefusedBoard(t *testing.T) {
	t.Parallel()
	for _, waited := range []time.Duration{0, 1050 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			l := newLive(newScreen(&out, environ("COLUMNS=60")), storyBoard(), time.Now, func(err error) { t.Error(err) })
			time.Sleep(waited)
			l.mu.Lock()
			drawn := len(l.drawn)
			out.Reset()
			l.mu.Unlock()
			l.close()
			want := "\r" + eraseBelow
			if drawn > 0 {
				want = fmt.Sprintf("\x1b[%dA", drawn) + want
			}
			if out.String() != want || (drawn > 0) != (waited > 0) {
				t.Errorf("after %d rows: %q, want %q", drawn, out.String(), want)
			}
		})
	}
}
