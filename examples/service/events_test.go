package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

// received is a server-sent event as a client sees it.
type received struct {
	id, kind string
	event    pipeline.Event
}

// open opens the stream of events of a run, and returns the status of the answer and what reads the next event.
func (s *api) open(ctx context.Context, run, last string) (status int, next func() (received, bool)) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/runs/"+run+"/events", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	answer, err := s.http.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { answer.Body.Close() })
	if got := answer.Header.Get("Content-Type"); answer.StatusCode == http.StatusOK && got != "text/event-stream" {
		s.t.Errorf("events are of type %q", got)
	}
	lines := bufio.NewScanner(answer.Body)
	return answer.StatusCode, func() (e received, ok bool) {
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e.id = value
			case "event":
				e.kind = value
			case "data":
				if err := json.Unmarshal([]byte(value), &e.event); err != nil {
					s.t.Errorf("%q: %v", value, err)
				}
			default: // an empty line ends an event, and one that begins with a colon is none
				if e.kind != "" {
					return e, true
				}
			}
		}
		return e, false
	}
}

// events reads all events of a run, to its end.
func (s *api) events(run string) []received {
	s.t.Helper()
	status, next := s.open(s.t.Context(), run, "")
	if status != http.StatusOK {
		s.t.Fatalf("events: status %d", status)
	}
	var all []received
	for e, ok := next(); ok; e, ok = next() {
		if e.event.Run != run || e.kind != string(e.event.Kind) {
			s.t.Errorf("got %+v", e)
		}
		all = append(all, e)
	}
	if n := len(all); n == 0 || !all[n-1].event.RunState.Ended() || all[n-1].id != lastID {
		s.t.Errorf("the stream ends before the run, with %+v", all)
	}
	return all
}

// TestEvents follows a run while it is going, from its beginning and from the middle, and afterwards.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := serveIn(t, t.TempDir(), 10)
	params := quick()
	params.Review = true
	id := s.start(params)
	_, next := s.open(t.Context(), id, "")
	var early []received
	for e, ok := next(); ok; e, ok = next() {
		early = append(early, e)
		if e.event.StepState == metadata.StepWaiting {
			// The question was asked: who comes now hears of all that was before.
			_, again := s.open(t.Context(), id, e.id)
			s.request(http.MethodPost, "/runs/"+id+"/approve", "")
			if first, ok := again(); !ok || first.event.Step != review || first.event.StepState != metadata.StepSucceeded {
				t.Errorf("after event %s comes %+v", e.id, first)
			}
		}
	}
	states := func(events []received) map[string]metadata.StepState {
		last := map[string]metadata.StepState{}
		for _, e := range events {
			if e.event.Kind == pipeline.EventStep && e.event.Index < 0 {
				last[e.event.Step] = e.event.StepState
			}
		}
		return last
	}
	done := metadata.StepSucceeded
	want := map[string]metadata.StepState{"split": done, "simulate": done, "price": done, "review": done, "publish": done}
	if diff := cmp.Diff(want, states(early)); diff != "" {
		t.Errorf("states while it was going (-want +got):\n%s", diff)
	}
	progress, logged := false, false
	for i, e := range early {
		progress = progress || e.event.Kind == pipeline.EventProgress && e.event.Step == "simulate"
		logged = logged || e.event.Kind == pipeline.EventLog && strings.HasPrefix(e.event.Message, "published")
		if i > 0 && e.id == early[i-1].id {
			t.Errorf("two events are %s", e.id)
		}
	}
	if n := len(early); n == 0 || !early[n-1].event.RunState.Ended() || !progress || !logged {
		t.Errorf("progress %t, log %t, in %+v", progress, logged, early)
	}
	recorded := s.events(id)
	if diff := cmp.Diff(want, states(recorded)); diff != "" {
		t.Errorf("states afterwards (-want +got):\n%s", diff)
	}
	if first := recorded[0].event; first.RunState != metadata.RunRunning {
		t.Errorf("the first event recorded is %+v", first)
	}
	if status, _ := s.open(t.Context(), id, lastID); status != http.StatusNoContent {
		t.Errorf("a browser that has the last event is answered %d, and asks again", status)
	}
}

// TestElsewhere follows a run that another process drives, for longer than the server has for an answer.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	here := serveIn(t, home, 10, func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = lookEvery/2, lookEvery/2 })
	there := serveIn(t, home, 10)
	params := quick()
	params.Review = true
	id := there.start(params)
	_, next := here.open(t.Context(), id, "")
	var last received
	for e, ok := next(); ok; e, ok = next() {
		last = e
		if e.event.StepState == metadata.StepWaiting {
			there.request(http.MethodPost, "/runs/"+id+"/approve", "")
		}
	}
	if last.event.RunState != metadata.RunSucceeded {
		t.Errorf("the last event is %+v", last)
	}
}

// TestGone: a client that goes away in the middle leaves nothing behind, and the run goes on. That the handlers have ended is what closing the
// server waits for; TestMain looks for goroutines that are left.
func TestGone(t *testing.T) {
	t.Parallel()
	s := serveIn(t, t.TempDir(), 10)
	params := quick()
	params.Review = true
	id := s.start(params)
	for range 20 {
		ctx, leave := context.WithCancel(t.Context())
		_, next := s.open(ctx, id, "")
		if _, ok := next(); !ok {
			t.Error("no event")
		}
		leave()
	}
	s.request(http.MethodPost, "/runs/"+id+"/approve", "")
	s.events(id)
	if got := s.show(id); got.State != metadata.RunSucceeded {
		t.Errorf("the run is %+v", got)
	}
}

// TestFeed: a reader that is slower than a run gets what is still kept, and holds up nobody.
func TestFeed(t *testing.T) {
	t.Parallel()
	b := newBoard(1)
	const events = 3*memory + 7
	for i := range events {
		b.observe(pipeline.Event{Run: "r", Kind: pipeline.EventProgress, Done: int64(i)})
	}
	f := b.feed("r")
	got, first, more := f.since(5)
	if n := len(got); n > memory || n < memory/2 || first+n != events || got[0].Done != int64(first) || got[n-1].Done != events-1 {
		t.Errorf("%d events from %d on", n, first)
	}
	if late, first, _ := f.since(events + 5); len(late) > 0 || first != events {
		t.Errorf("%d events from %d on, although there are none", len(late), first)
	}
	b.observe(pipeline.Event{Run: "r", Kind: pipeline.EventRun, RunState: metadata.RunFailed})
	<-more
	if got, _, _ := f.since(events); len(got) != 1 || b.feed("r") != nil {
		t.Errorf("at the end %+v, and the board has %v", got, b.feed("r"))
	}
}
