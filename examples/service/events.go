package main

import (
	"context"
	"net/http"
)

// lastID is the ID of the last event of a run. A browser that has it asks once more, and is told that there is nothing.
const lastID = "end"

// events streams what happens in a run as server-sent events, from its beginning to its end: what its observer is told if this process drives
// it, and what is recorded otherwise.
func (s *service) events(w http.ResponseWriter, r *http.Request) {
	id, last := r.PathValue("id"), r.Header.Get("Last-Event-ID")
	feed := s.board.feed(id) // before the run is looked at: one that is not going any more has been recorded
	run, err := s.recorded(r.Context(), id)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if last == lastID && run.State.Ended() {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.streams, cancel)()
	out, err := newStream(w)
	switch {
	case err != nil:
	case feed != nil:
		err = out.live(ctx, feed, last)
	default:
		err = s.replay(ctx, out, run.ID)
	}
	if err != nil && ctx.Err() == nil {
		s.logger.WarnContext(ctx, "a stream of events broke off", "run", run.ID, "err", err)
	}
}
