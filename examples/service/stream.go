package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tenon-ml/tenon/pipeline"
)

const (
	// pingEvery is how often a stream on which nothing happens shows that it lives.
	pingEvery = 15 * time.Second
	// patience is the time that a client has to take an event, in place of the server's time for a whole answer.
	patience = 10 * time.Second
)

// stream writes server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func newStream(w http.ResponseWriter) (*stream, error) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	s := &stream{w, http.NewResponseController(w)}
	return s, s.write(": here it begins\n\n") // a comment: the client learns at once that it is connected
}

// send sends one event. Without an ID it does not change where a client that comes again goes on.
func (s *stream) send(id string, e pipeline.Event) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if e.RunState.Ended() {
		id = lastID
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	return s.write(fmt.Sprintf("%sevent: %s\ndata: %s\n\n", id, e.Kind, data))
}

func (s *stream) write(text string) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}

// wait waits for one of two channels, and shows meanwhile that the stream lives.
func (s *stream) wait(ctx context.Context, more <-chan struct{}, tick <-chan time.Time) error {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-more:
			return nil
		case <-tick:
			return nil
		case <-ping.C:
			if err := s.write(": still here\n\n"); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// live sends the events of a feed, after the one that the client had last.
func (s *stream) live(ctx context.Context, f *feed, last string) error {
	next := 0
	if number, ok := strings.CutPrefix(last, f.name+"-"); ok {
		if n, err := strconv.Atoi(number); err == nil {
			next = n + 1
		}
	}
	for {
		events, first, more := f.since(next)
		for i, e := range events {
			if err := s.send(fmt.Sprintf("%s-%d", f.name, first+i), e); err != nil || e.RunState.Ended() {
				return err
			}
		}
		next = first + len(events)
		if err := s.wait(ctx, more, nil); err != nil {
			return err
		}
	}
}
