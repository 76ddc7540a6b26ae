package doccheck

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

// service is quoted by docs/writing-steps.md.
type service struct {
	client *tenon.Client
	events chan pipeline.Event
}

func (s *service) start(w http.ResponseWriter, r *http.Request) {
	ctx := context.WithoutCancel(r.Context()) // the run goes on when the request has ended
	run, err := Search.Run(ctx, s.client, Search.Params(), pipeline.RunConfig{Observer: s.observe})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, run.ID())
}

func (s *service) observe(e pipeline.Event) {
	s.events <- e // a pipeline.Event is made for JSON, too
	if e.RunState.Ended() {
		close(s.events)
	}
}

func TestService(t *testing.T) {
	t.Parallel()
	s := &service{client: pipelinetest.Open(t), events: make(chan pipeline.Event, 1000)}
	ctx, cancel := context.WithCancel(t.Context())
	answer := httptest.NewRecorder()
	s.start(answer, httptest.NewRequestWithContext(ctx, http.MethodPost, "/runs", nil))
	cancel()
	id := strings.TrimSpace(answer.Body.String())
	var last pipeline.Event
	for last = range s.events {
		if last.Run != id {
			t.Errorf("an event is of run %q, want %q", last.Run, id)
		}
	}
	if last.RunState != metadata.RunSucceeded {
		t.Errorf("the last event is %+v", last)
	}
}
