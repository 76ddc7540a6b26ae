package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

// api is a service that a test talks to over HTTP.
type api struct {
	t    *testing.T
	url  string
	http *http.Client
}

// served is a service in the test's own process.
type served struct {
	api
	client *tenon.Client
	ledger Ledger
}

// serveIn serves from a state directory, with room for some active runs.
func serveIn(t *testing.T, home string, active int, configure ...func(*http.Server)) *served {
	t.Helper()
	client, err := tenon.Open(t.Context(), tenon.Config{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	ledger, err := OpenLedger(filepath.Join(home, "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	s := newService(client, Quotes(ledger), active, pipeline.RunConfig{}, slog.New(slog.DiscardHandler))
	server := httptest.NewUnstartedServer(s.handler())
	for _, c := range configure {
		c(server.Config)
	}
	server.Start()
	t.Cleanup(func() {
		s.endStreams()
		server.CloseClientConnections()
		server.Close() // waits for the handlers
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return &served{api{t, server.URL, server.Client()}, client, ledger}
}

// answer is that to a request, without its body.
type answer struct {
	status int
	header http.Header
}

// request asks for something, and returns the answer and its body. Header holds names and values.
func (s *api) request(method, path, body string, header ...string) (answer, []byte) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" && !slices.Contains(header, "Content-Type") {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	got, err := s.http.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer got.Body.Close()
	content, err := io.ReadAll(got.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header}, content
}

// start starts a run, and returns its ID.
func (s *api) start(p Params, header ...string) string {
	s.t.Helper()
	answer, body := s.request(http.MethodPost, "/runs", encoded(s.t, p), header...)
	var got struct{ ID string }
	if err := json.Unmarshal(body, &got); err != nil || answer.status != http.StatusCreated || answer.header.Get("Location") != "/runs/"+got.ID {
		s.t.Fatalf("started: %d, %s, %v", answer.status, body, err)
	}
	return got.ID
}

// shown is what GET /runs/{id} answers.
type shown struct {
	ID, Error string
	State     metadata.RunState
	Params    map[string]any
	Steps     map[metadata.StepState]int
	Result    *Quote
}

func (s *api) show(id string) shown {
	s.t.Helper()
	answer, body := s.request(http.MethodGet, "/runs/"+id, "")
	var got shown
	if err := json.Unmarshal(body, &got); err != nil || answer.status != http.StatusOK {
		s.t.Fatalf("run %s: %d, %s, %v", id, answer.status, body, err)
	}
	return got
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// ledgerEntries returns what was published.
func ledgerEntries(t *testing.T, l Ledger) []Entry {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(l.dir, "entries", "*"))
	if err != nil {
		t.Fatal(err)
	}
	entries := make([]Entry, len(files))
	for i, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(body, &entries[i]); err != nil {
			t.Fatal(err)
		}
	}
	return entries
}

// journal returns what ran, in order.
func journal(t *testing.T, l Ledger) []Execution {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(l.dir, "journal"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var all []Execution
	for d := json.NewDecoder(bytes.NewReader(body)); d.More(); {
		var e Execution
		if err := d.Decode(&e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// within waits for what others do, and fails the test if that takes too long.
func within(t *testing.T, d time.Duration, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(d)
	defer late.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatalf("after %v not yet: %s", d, what)
		}
	}
}
