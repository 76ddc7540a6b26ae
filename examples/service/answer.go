package main

import (
	"context"
	"net/http"

	"github.com/tenon-ml/tenon"
)

// said is the JSON body of a request that cancels, approves or rejects; it may be left out.
type said struct {
	By   string `json:"by"`
	Note string `json:"note"`
}

func (s *service) cancel(w http.ResponseWriter, r *http.Request) {
	s.answer(w, r, s.client.Cancel)
}

func (s *service) approve(w http.ResponseWriter, r *http.Request) {
	s.answer(w, r, func(ctx context.Context, run string, remark tenon.Remark) error {
		return s.client.Approve(ctx, run, review, remark)
	})
}

func (s *service) reject(w http.ResponseWriter, r *http.Request) {
	s.answer(w, r, func(ctx context.Context, run string, remark tenon.Remark) error {
		return s.client.Reject(ctx, run, review, remark)
	})
}

// answer asks the driver of a run for something, whichever process that is. It answers when the request is recorded, and the driver hears of it
// a moment later.
func (s *service) answer(w http.ResponseWriter, r *http.Request, ask func(context.Context, string, tenon.Remark) error) {
	ctx := r.Context()
	var body said
	run, err := s.recorded(ctx, r.PathValue("id"))
	if err == nil && r.ContentLength != 0 {
		err = readJSON(w, r, &body)
	}
	if err == nil && len(body.By)+len(body.Note) > 1000 {
		err = &problem{http.StatusBadRequest, "by, note: more than 1000 bytes"}
	}
	if err == nil {
		err = ask(ctx, run.ID, tenon.Remark{By: body.By, Note: body.Note})
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.reply(w, r, http.StatusAccepted, struct {
		ID string `json:"id"`
	}{run.ID})
}
