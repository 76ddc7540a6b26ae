package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// keyTag is the tag that keeps the idempotency key of the request that started a run.
const keyTag = "idempotency-key"

// start starts a run. A request that has the idempotency key of an earlier one, and the same parameters, is answered with the run of that.
func (s *service) start(w http.ResponseWriter, r *http.Request) {
	params := s.quotes.Params()
	key, err := idempotencyKey(r.Header)
	if err == nil {
		err = readJSON(w, r, &params)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx := context.WithoutCancel(r.Context()) // the run goes on when the request has ended
	id, created, err := s.startOnce(ctx, key, params)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	w.Header().Set("Location", "/runs/"+id)
	s.reply(w, r, status, struct {
		ID string `json:"id"`
	}{id})
}

// idempotencyKey returns the key of a request, or "".
func idempotencyKey(h http.Header) (string, error) {
	values := h.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	foreign := func(c rune) bool { return c < ' ' || c > '~' }
	if len(values) > 1 || key == "" || len(key) > 255 || strings.ContainsFunc(key, foreign) {
		return "", &problem{http.StatusBadRequest, "Idempotency-Key: want one of 1 to 255 printable ASCII characters"}
	}
	return key, nil
}

// startOnce starts a run, unless one was started under the same key. The lock is the system's: it is free again however its holder ends.
func (s *service) startOnce(ctx context.Context, key string, params Params) (id string, created bool, err error) {
	if key == "" {
		id, err = s.run(ctx, params, nil)
		return id, true, err
	}
	s.starting.Lock()
	defer s.starting.Unlock()
	soon, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := s.startLock.TryLockContext(soon, 5*time.Millisecond); err != nil {
		return "", false, component.Errorf(component.Unavailable, "another service is starting a run under an idempotency key: %w", err)
	}
	defer s.startLock.Unlock()
	tags := map[string]string{keyTag: key}
	found, err := s.client.Metadata().Runs(ctx, metadata.RunQuery{Pipeline: s.quotes.Name(), Tags: tags})
	if err != nil {
		return "", false, err
	}
	if len(found.Items) == 0 {
		id, err = s.run(ctx, params, tags)
		return id, true, err
	}
	id = found.Items[0].ID
	earlier, err := s.quotes.ParamsOf(ctx, s.client, id)
	if err == nil && earlier != params {
		err = &problem{http.StatusUnprocessableEntity, "Idempotency-Key: run " + id + " was started under this key with other parameters"}
	}
	return id, false, err
}

// run starts a run if not too many are going. The run is recorded with the tags, or not at all.
func (s *service) run(ctx context.Context, params Params, tags map[string]string) (id string, err error) {
	observe, release, ok := s.board.reserve()
	if !ok {
		return "", &problem{http.StatusTooManyRequests, "too many runs are going: try again when one has ended"}
	}
	defer release()
	config := s.config
	config.Tags, config.Observer = tags, observe
	run, err := s.quotes.Run(ctx, s.client, params, config)
	if err != nil {
		return "", err
	}
	return run.ID(), nil
}

// recorded returns a run of the service's pipeline. Other runs in the home are not its concern.
func (s *service) recorded(ctx context.Context, id string) (metadata.Run, error) {
	run, err := s.client.Metadata().Run(ctx, id)
	if err == nil && run.Pipeline == s.quotes.Name() {
		return run, nil
	}
	if err == nil || errors.Is(err, tenon.ErrNotFound) || errors.Is(err, tenon.ErrInvalid) {
		err = &problem{http.StatusNotFound, fmt.Sprintf("there is no run %.100q", id)}
	}
	return run, err
}
