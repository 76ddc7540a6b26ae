package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/metadata"
)

func TestRun(t *testing.T) {
	t.Parallel()
	s := serveIn(t, t.TempDir(), 1)
	answer, body := s.request(http.MethodPost, "/runs", `{"strike": 90, "paths": 4000, "pause": 0}`)
	var started struct{ ID string }
	if err := json.Unmarshal(body, &started); err != nil || answer.status != http.StatusCreated {
		t.Fatalf("%d, %s, %v", answer.status, body, err)
	}
	events := s.events(started.ID)
	got := s.show(started.ID)
	if got.State != metadata.RunSucceeded || got.Result == nil || got.Result.Paths != 4000 || got.Result.Price < 10 {
		t.Errorf("the run is %+v, with the result %+v", got, got.Result)
	}
	if got.Params["strike"] != 90.0 || got.Params["spot"] != 100.0 {
		t.Errorf("its parameters are %v", got.Params)
	}
	if diff := cmp.Diff(map[metadata.StepState]int{metadata.StepSucceeded: 7}, got.Steps); diff != "" {
		t.Errorf("its steps (-want +got):\n%s", diff)
	}
	want := []Entry{{Run: started.ID, Quote: *got.Result}}
	if diff := cmp.Diff(want, ledgerEntries(t, s.ledger)); diff != "" {
		t.Errorf("published (-want +got):\n%s\nafter the events %v", diff, events)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	s := serveIn(t, t.TempDir(), 10)
	var ids []string
	for range 3 {
		id := s.start(quick())
		s.events(id)
		ids = append([]string{id}, ids...)
	}
	list := func(query string) (got []string, next string) {
		answer, body := s.request(http.MethodGet, "/runs"+query, "")
		var page struct {
			Runs []shown
			Next string
		}
		if err := json.Unmarshal(body, &page); err != nil || answer.status != http.StatusOK || page.Runs == nil {
			t.Fatalf("%s: %d, %s, %v", query, answer.status, body, err)
		}
		for _, r := range page.Runs {
			got = append(got, r.ID)
		}
		return got, page.Next
	}
	got, next := list("?limit=2&state=succeeded&state=failed")
	rest, end := list("?limit=2&state=succeeded&state=failed&after=" + next)
	if diff := cmp.Diff(ids, append(got, rest...)); diff != "" || next == "" || end != "" {
		t.Errorf("pages end with %q and %q (-want +got):\n%s", next, end, diff)
	}
	if got, _ := list("?state=running"); len(got) > 0 {
		t.Errorf("running are %v", got)
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	s := serveIn(t, t.TempDir(), 1)
	const id = "01a21303-4559-7076-8bf2-70433ab0ba35"
	for name, test := range map[string]struct {
		method, path, body string
		header             []string
		status             int
		says               string
	}{
		"no body":               {"POST", "/runs", "", nil, 415, "must be application/json"},
		"a form":                {"POST", "/runs", "seed=1", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "must be application/json"},
		"empty":                 {"POST", "/runs", " ", nil, 400, "EOF"},
		"no object":             {"POST", "/runs", `[1]`, nil, 400, "cannot unmarshal array"},
		"cut off":               {"POST", "/runs", `{"seed": 1`, nil, 400, "unexpected EOF"},
		"a field too many":      {"POST", "/runs", `{"sede": 1}`, nil, 400, `unknown field \"sede\"`},
		"another type":          {"POST", "/runs", `{"seed": "one"}`, nil, 400, "cannot unmarshal string"},
		"beyond its type":       {"POST", "/runs", `{"paths": 1e300}`, nil, 400, "cannot unmarshal number"},
		"out of bounds":         {"POST", "/runs", `{"years": -1}`, nil, 400, "years: must be 0.001 to 50"},
		"more than one":         {"POST", "/runs", `{} {}`, nil, 400, "something follows"},
		"too large":             {"POST", "/runs", `{"seed": 1` + strings.Repeat(" ", largestBody) + `}`, nil, 413, "too large"},
		"an empty key":          {"POST", "/runs", `{}`, []string{"Idempotency-Key", ""}, 400, "Idempotency-Key: want one"},
		"two keys":              {"POST", "/runs", `{}`, []string{"Idempotency-Key", "a", "Idempotency-Key", "b"}, 400, "Idempotency-Key: want one"},
		"a long key":            {"POST", "/runs", `{}`, []string{"Idempotency-Key", strings.Repeat("a", 256)}, 400, "Idempotency-Key: want one"},
		"a key that is no text": {"POST", "/runs", `{}`, []string{"Idempotency-Key", "\xff"}, 400, "Idempotency-Key: want one"},
		"a web page":            {"POST", "/runs", `{}`, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross-origin"},
		"no such run":           {"GET", "/runs/" + id, "", nil, 404, "there is no run"},
		"no ID":                 {"GET", "/runs/%00%ff", "", nil, 404, "there is no run"},
		"events of none":        {"GET", "/runs/" + id + "/events", "", nil, 404, "there is no run"},
		"cancel none":           {"POST", "/runs/" + id + "/cancel", "", nil, 404, "there is no run"},
		"approve none":          {"POST", "/runs/" + id + "/approve", "", nil, 404, "there is no run"},
		"no state":              {"GET", "/runs?state=well", "", nil, 400, "well"},
		"no limit":              {"GET", "/runs?limit=many", "", nil, 400, "limit: want a number"},
		"above the limit":       {"GET", "/runs?limit=1001", "", nil, 400, "1001"},
		"no cursor":             {"GET", "/runs?after=%00", "", nil, 400, ""},
		"no such method":        {"DELETE", "/runs", "", nil, 405, ""},
		"no such path":          {"GET", "/", "", nil, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, body := s.request(test.method, test.path, test.body, test.header...)
			if answer.status != test.status || !strings.Contains(string(body), test.says) {
				t.Errorf("answer %d: %s, want %d: %s", answer.status, body, test.status, test.says)
			}
		})
	}
	t.Cleanup(func() {
		if page, err := s.client.Metadata().Runs(t.Context(), metadata.RunQuery{}); err == nil && len(page.Items) > 0 {
			t.Errorf("%d runs were started", len(page.Items))
		}
	})
}

// TestIdempotencyKey: one key starts one run, also through two services, at once and again.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	services := []*served{serveIn(t, home, 10), serveIn(t, home, 10)}
	statuses, ids := map[int]int{}, map[string]bool{}
	var group sync.WaitGroup
	var mu sync.Mutex
	body := encoded(t, quick())
	for i := range 10 {
		group.Go(func() {
			answer, body := services[i%2].request(http.MethodPost, "/runs", body, "Idempotency-Key", "order 7")
			var got struct{ ID string }
			if err := json.Unmarshal(body, &got); err != nil {
				t.Errorf("%d, %s: %v", answer.status, body, err)
			}
			mu.Lock()
			defer mu.Unlock()
			statuses[answer.status]++
			ids[got.ID] = true
		})
	}
	group.Wait()
	if diff := cmp.Diff(map[int]int{201: 1, 200: 9}, statuses); diff != "" || len(ids) != 1 {
		t.Errorf("runs %v, status codes (-want +got):\n%s", ids, diff)
	}
	other := quick()
	other.Strike++
	answer, text := services[1].request(http.MethodPost, "/runs", encoded(t, other), "Idempotency-Key", "order 7")
	if answer.status != http.StatusUnprocessableEntity || !strings.Contains(string(text), "with other parameters") {
		t.Errorf("other parameters under the key: %d, %s", answer.status, text)
	}
	if id := services[0].start(other, "Idempotency-Key", "order 8"); ids[id] {
		t.Error("another key gives the same run")
	}
}

// TestActive: what is too much is refused, and there is room again when a run has ended.
func TestActive(t *testing.T) {
	t.Parallel()
	s := serveIn(t, t.TempDir(), 2)
	waiting := quick()
	waiting.Review = true
	ids := []string{s.start(waiting), s.start(waiting)}
	answer, body := s.request(http.MethodPost, "/runs", `{}`, "Idempotency-Key", "later")
	if answer.status != http.StatusTooManyRequests || answer.header.Get("Retry-After") != "1" {
		t.Errorf("a run too many: %d, %s", answer.status, body)
	}
	if answer, body := s.request(http.MethodPost, "/runs/"+ids[0]+"/cancel", ""); answer.status != http.StatusAccepted {
		t.Errorf("cancelled: %d, %s", answer.status, body)
	}
	s.events(ids[0])
	s.start(waiting, "Idempotency-Key", "later") // what was refused has not used up its key
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	s := serveIn(t, t.TempDir(), 10)
	asks, asksNot := quick(), quick()
	asks.Review = true
	post := func(id, what, body string, status int) {
		t.Helper()
		if answer, text := s.request(http.MethodPost, "/runs/"+id+"/"+what, body); answer.status != status {
			t.Errorf("%s: %d, %s, want %d", what, answer.status, text, status)
		}
	}
	approved, rejected, cancelled, plain := s.start(asks), s.start(asks), s.start(asks), s.start(asksNot)
	post(approved, "approve", `{"by": 7}`, http.StatusBadRequest)
	post(approved, "approve", fmt.Sprintf(`{"note": "%01001d"}`, 0), http.StatusBadRequest)
	post(approved, "approve", `{"by": "ada", "note": "fine"}`, http.StatusAccepted)
	post(rejected, "reject", `{"by": "bob", "note": "too dear"}`, http.StatusAccepted)
	post(cancelled, "cancel", `{"by": "eve", "note": "enough"}`, http.StatusAccepted)
	post(plain, "approve", "", http.StatusConflict)
	for id, want := range map[string]shown{
		approved:  {State: metadata.RunSucceeded},
		rejected:  {State: metadata.RunFailed, Error: "step review: rejected by bob: too dear"},
		cancelled: {State: metadata.RunCancelled, Error: "the run was cancelled by eve: enough"},
		plain:     {State: metadata.RunSucceeded},
	} {
		s.events(id)
		if got := s.show(id); got.State != want.State || got.Error != want.Error {
			t.Errorf("the run is %s: %q, want %s: %q", got.State, got.Error, want.State, want.Error)
		}
	}
	post(approved, "cancel", "", http.StatusConflict)
	post(approved, "approve", "", http.StatusConflict)
	var by []string
	for _, e := range ledgerEntries(t, s.ledger) {
		by = append(by, e.Run+e.ApprovedBy)
	}
	if diff := cmp.Diff([]string{approved + "ada", plain}, by); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}
