package main

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/metadata"
)

// said is the JSON body of a request that cancels, approves or rejects; it may be left out.
type said struct {
	By   string `json:"by"`
	Note string `json:"note"`
}

func (s *service) cancel(w http.ResponseWriter, r *http.Request) {
	s.signal(w, r, metadata.SignalCancel)
}

func (s *service) approve(w http.ResponseWriter, r *http.Request) {
	s.signal(w, r, metadata.SignalApprove)
}

func (s *service) reject(w http.ResponseWriter, r *http.Request) {
	s.signal(w, r, metadata.SignalReject)
}

// signal asks the driver of a run for something, whichever process that is. It answers when the request is recorded, and the driver hears of it
// a moment later. An answer that nobody has asked for yet counts when the question comes.
func (s *service) signal(w http.ResponseWriter, r *http.Request, kind metadata.SignalKind) {
	ctx := r.Context()
	var body said
	run, err := s.recorded(ctx, r.PathValue("id"))
	if err == nil && r.ContentLength != 0 {
		err = readJSON(w, r, &body)
	}
	if err == nil && len(body.By)+len(body.Note) > 1000 {
		err = &problem{http.StatusBadRequest, "by, note: more than 1000 bytes"}
	}
	signal := metadata.Signal{Run: run.ID, Kind: kind, By: body.By, Note: body.Note, Created: time.Now()}
	if err == nil && kind != metadata.SignalCancel {
		signal.Step = review
		var params Params
		if params, err = s.params(ctx, run.ID); err == nil && !params.Review {
			err = &problem{http.StatusConflict, "run " + run.ID + " asks nobody: it was started without review"}
		}
	}
	if err == nil {
		var id uuid.UUID
		id, err = uuid.NewV7()
		signal.ID = id.String()
	}
	if err == nil {
		err = s.client.Metadata().Apply(ctx, metadata.Batch{Signals: []metadata.Signal{signal}})
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.reply(w, r, http.StatusAccepted, struct {
		ID string `json:"id"`
	}{run.ID})
}
