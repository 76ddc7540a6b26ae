package main

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/tenon-ml/tenon"
)

// problem is an error of a request, with the status that says so.
type problem struct {
	status int
	text   string
}

func (p *problem) Error() string { return p.text }

// largestBody is the largest body of a request, in bytes.
const largestBody = 64 << 10

// readJSON reads the body of a request, which must be one JSON value with known fields, into v.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return &problem{http.StatusUnsupportedMediaType, "the body must be application/json"}
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, largestBody))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, err = d.Token(); err == io.EOF { //nolint:errorlint // the decoder returns it as it is
			return nil
		}
		if err == nil {
			err = errors.New("something follows the JSON value")
		}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &problem{http.StatusRequestEntityTooLarge, "the body is too large"}
	}
	return &problem{http.StatusBadRequest, "the body: " + err.Error()}
}

// reply answers with v as JSON.
func (s *service) reply(w http.ResponseWriter, r *http.Request, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a client that is gone needs no answer
}

// fail answers with an error.
func (s *service) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	own, isProblem := errors.AsType[*problem](err)
	switch {
	case isProblem:
		status = own.status
	case errors.Is(err, tenon.ErrInvalid):
		status = http.StatusBadRequest
	case errors.Is(err, tenon.ErrNotFound):
		status = http.StatusNotFound
	case errors.Is(err, tenon.ErrFailedPrecondition):
		status = http.StatusConflict
	case errors.Is(err, tenon.ErrUnavailable):
		status = http.StatusServiceUnavailable
	}
	text := err.Error()
	if status == http.StatusInternalServerError {
		s.logger.ErrorContext(r.Context(), "a request failed", "method", r.Method, "path", r.URL.Path, "err", err)
		text = "something went wrong: it is in the log of the service"
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	s.reply(w, r, status, struct {
		Error string `json:"error"`
	}{text})
}
