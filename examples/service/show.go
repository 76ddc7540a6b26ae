package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/tenon-ml/tenon/metadata"
)

// runView is a run as clients see it.
type runView struct {
	ID       string            `json:"id"`
	State    metadata.RunState `json:"state"`
	Params   json.RawMessage   `json:"params"`
	Created  time.Time         `json:"created"`
	Finished time.Time         `json:"finished,omitzero"`
	Error    string            `json:"error,omitempty"`
}

func view(r metadata.Run) runView {
	return runView{ID: r.ID, State: r.State, Params: r.Params, Created: r.Created, Finished: r.Finished, Error: r.Error}
}

// list answers with runs, the newest first: ?state=running&limit=10&after=NEXT.
func (s *service) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	q := metadata.RunQuery{Pipeline: s.quotes.Name(), Cursor: metadata.Cursor{After: query.Get("after")}}
	for _, state := range query["state"] {
		q.States = append(q.States, metadata.RunState(state))
	}
	if limit := query.Get("limit"); limit != "" {
		n, err := strconv.Atoi(limit)
		if err != nil || n < 1 {
			s.fail(w, r, &problem{http.StatusBadRequest, "limit: want a number of 1 to 1000"})
			return
		}
		q.Limit = n
	}
	page, err := s.client.Metadata().Runs(r.Context(), q)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	runs := make([]runView, len(page.Items))
	for i, run := range page.Items {
		runs[i] = view(run)
	}
	s.reply(w, r, http.StatusOK, struct {
		Runs []runView `json:"runs"`
		Next string    `json:"next,omitempty"`
	}{runs, page.Next})
}

// show answers with one run, how many of its steps are in which state, and its result.
func (s *service) show(w http.ResponseWriter, r *http.Request) {
	run, err := s.recorded(r.Context(), r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	counts, err := s.client.Metadata().CountSteps(r.Context(), run.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer := struct {
		runView
		Steps  map[metadata.StepState]int `json:"steps"`
		Result *Quote                     `json:"result,omitempty"`
	}{runView: view(run), Steps: counts}
	if run.State == metadata.RunSucceeded {
		quote, err := s.quotes.Result(r.Context(), s.client, run.ID)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		answer.Result = new(quote.Value())
	}
	s.reply(w, r, http.StatusOK, answer)
}
