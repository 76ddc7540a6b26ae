package hook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/component"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// receiver is a server that keeps what it gets and answers in order; after the last answer always 200.
type receiver struct {
	answers []func(http.ResponseWriter)

	mu     sync.Mutex
	bodies []string
	got    []*http.Request
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.got)
	r.got, r.bodies = append(r.got, req), append(r.bodies, string(body))
	if n < len(r.answers) {
		r.answers[n](w)
	}
}

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(code) }
}

func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

var ofStep = Event{
	Kind: Step, Run: "0190", Pipeline: "birds", Name: "nightly", Tags: map[string]string{"team": "birds"}, Step: "train", State: "failed",
	Error: "boom", Attempts: 2, Started: time.Unix(1, 5).UTC(), Finished: time.Unix(2, 0).UTC(),
}

const asJSON = `{"kind":"step","run":"0190","pipeline":"birds","name":"nightly","tags":{"team":"birds"},"step":"train","state":"failed",` +
	`"error":"boom","attempts":2,"started":"1970-01-01T00:00:01.000000005Z","finished":"1970-01-01T00:00:02Z"}`

func TestWebhook(t *testing.T) {
	t.Setenv("HOOK_TEST_SECRET", "s3cret")
	r := &receiver{}
	s := serve(t, r)
	w := Webhook{URL: s.URL + "/in?token=abc", Header: map[string]string{"Authorization": "Bearer x", "user-agent": "mine"}, SecretEnv: "HOOK_TEST_SECRET"}
	if err := w.Notify(t.Context(), ofStep); err != nil {
		t.Fatal(err)
	}
	got := r.got[0]
	want := map[string]string{
		"Content-Type": "application/json", "Authorization": "Bearer x", "User-Agent": "mine", "Idempotency-Key": ofStep.Key(),
		"Tenon-Signature": Sign([]byte("s3cret"), []byte(asJSON)),
	}
	for name, value := range want {
		if got.Header.Get(name) != value {
			t.Errorf("header %s is %q, want %q", name, got.Header.Get(name), value)
		}
	}
	if got.Method != http.MethodPost || got.URL.RequestURI() != "/in?token=abc" || r.bodies[0] != asJSON {
		t.Errorf("%s %s with %s", got.Method, got.URL, r.bodies[0])
	}
	// Any other program computes the same: printf body | openssl dgst -sha256 -hmac s3cret
	if s := Sign([]byte("s3cret"), []byte("body")); s != "sha256=63d7d468988fe3de60e994cf90f219719ea4b63df0ee7521079ed251fa76e83d" {
		t.Errorf("the signature is %s", s)
	}
	var again Event
	if err := json.Unmarshal([]byte(r.bodies[0]), &again); err != nil || cmp.Diff(ofStep, again) != "" {
		t.Errorf("the event came as %+v, %v", again, err)
	}
}

// TestWebhookRetries: what another try may cure is tried again, with the same key and body.
func TestWebhookRetries(t *testing.T) {
	t.Parallel()
	dropped := func(w http.ResponseWriter) {
		if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			c.Close()
		}
	}
	for name, answers := range map[string][]func(http.ResponseWriter){
		"500s":     {status(500), status(502), status(503), status(504)},
		"too many": {status(429), status(408)},
		"dropped":  {dropped, dropped},
		"in time": {func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &receiver{answers: answers}
			s := serve(t, r)
			if err := (Webhook{URL: s.URL, pause: time.Nanosecond}).Notify(t.Context(), ofStep); err != nil {
				t.Error(err)
			}
			// The transport itself may repeat a request with an idempotency key on a new connection.
			if len(r.got) < len(answers)+1 {
				t.Errorf("%d tries, want %d", len(r.got), len(answers)+1)
			}
			for i := range r.got {
				if r.got[i].Header.Get("Idempotency-Key") != ofStep.Key() || r.bodies[i] != asJSON {
					t.Errorf("try %d is another: %v %s", i+1, r.got[i].Header, r.bodies[i])
				}
			}
		})
	}
}

func TestWebhookFailures(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter)
		tries  int
		says   string
		code   component.Code
	}{
		"always 503": {status(503), 3, "gave up after 3 tries: the server answered 503 Service Unavailable", component.Unavailable},
		"429":        {status(429), 3, "gave up after 3 tries: the server answered 429 Too Many Requests", component.Unavailable},
		"postponed": {func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, 3,
			"gave up after 3 tries: the server answered 503 Service Unavailable", component.Unavailable},
		"400": {status(400), 1, "the server answered 400 Bad Request", component.Invalid},
		"401": {status(401), 1, "the server answered 401 Unauthorized", component.Unauthenticated},
		"403": {status(403), 1, "the server answered 403 Forbidden", component.PermissionDenied},
		"404": {status(404), 1, "the server answered 404 Not Found", component.NotFound},
		"redirect": {func(w http.ResponseWriter) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, 1,
			"the server answered 307 Temporary Redirect, which is not followed: use the address that it leads to", component.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &receiver{answers: []func(http.ResponseWriter){c.answer, c.answer, c.answer, c.answer}}
			s := serve(t, r)
			err := Webhook{URL: s.URL + "/secret?token=secret", Attempts: 3, pause: time.Nanosecond}.Notify(t.Context(), ofStep)
			if err == nil || err.Error() != "webhook "+s.URL+": "+c.says || component.CodeOf(err) != c.code {
				t.Errorf("the error is %v, %v", err, component.CodeOf(err))
			}
			if len(r.got) != c.tries {
				t.Errorf("%d tries", len(r.got))
			}
		})
	}
}

// TestWebhookCannotConnect: errors of the network do not show the address.
func TestWebhookCannotConnect(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	address := s.URL
	s.Close()
	err := Webhook{URL: address + "/path?token=secret", Attempts: 2, pause: time.Nanosecond}.Notify(t.Context(), ofStep)
	if !errors.Is(err, component.ErrUnavailable) || !strings.HasPrefix(err.Error(), "webhook "+address+": gave up after 2 tries: dial tcp") ||
		strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "/path") {
		t.Errorf("the error is %v", err)
	}
}

// TestWebhookBadCertificate: a server that nobody vouches for gets nothing, and a client of one's own may know it.
func TestWebhookBadCertificate(t *testing.T) {
	t.Parallel()
	r := &receiver{}
	s := httptest.NewUnstartedServer(r)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that fail
	s.StartTLS()
	t.Cleanup(s.Close)
	w := Webhook{URL: s.URL, Attempts: 1}
	if err := w.Notify(t.Context(), ofStep); err == nil || len(r.got) != 0 {
		t.Errorf("the error is %v after %d requests", err, len(r.got))
	}
	w.Client = s.Client()
	if err := w.Notify(t.Context(), ofStep); err != nil || len(r.got) != 1 {
		t.Errorf("the error is %v after %d requests", err, len(r.got))
	}
}

// TestWebhookEndlessAnswer: a server cannot hold a hook up by what it answers.
func TestWebhookEndlessAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		for req.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	}))
	if err := (Webhook{URL: s.URL}).Notify(t.Context(), ofStep); err != nil {
		t.Error(err)
	}
}

// transport answers without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(code int, retryAfter string) (*http.Response, error) {
	h := http.Header{}
	if retryAfter != "" {
		h.Set("Retry-After", retryAfter)
	}
	return &http.Response{StatusCode: code, Header: h, Body: http.NoBody}, nil
}

// TestWebhookPauses: the pauses grow, up to a limit, or are those that the server asks for.
func TestWebhookPauses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		retryAfter func() string
		low, high  time.Duration
		says       string
		tries      int
	}{
		"growing":    {func() string { return "" }, 15 * time.Second / 4, 45 * time.Second / 4, "gave up after 5 tries: ", 5},
		"seconds":    {func() string { return "6" }, 24 * time.Second, 24 * time.Second, "gave up after 5 tries: ", 5},
		"date":       {func() string { return time.Now().Add(5 * time.Second).UTC().Format(http.TimeFormat) }, 16 * time.Second, 20 * time.Second, "gave up after 5 tries: ", 5},
		"in vain":    {func() string { return "3600" }, 0, 0, "the server answered 503 Service Unavailable and asks to come again after 1h0m0s, which is too late", 1},
		"nonsense":   {func() string { return "-1 or so" }, 15 * time.Second / 4, 45 * time.Second / 4, "gave up after 5 tries: ", 5},
		"in the end": {func() string { return "12" }, 24 * time.Second, 24 * time.Second, "gave up after 3 tries: the server answered 503 Service Unavailable and asks", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				w := Webhook{URL: "https://example.com", Client: &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
					tries++
					return answer(503, c.retryAfter())
				})}}
				ctx, cancel := context.WithTimeout(t.Context(), DefaultTimeout)
				defer cancel()
				begin := time.Now()
				err := w.Notify(ctx, ofStep)
				if took := time.Since(begin); took < c.low || took > c.high {
					t.Errorf("it took %v", took)
				}
				if err == nil || !strings.HasPrefix(err.Error(), "webhook https://example.com: "+c.says) || tries != c.tries || !errors.Is(err, component.ErrUnavailable) {
					t.Errorf("the error is %v after %d tries", err, tries)
				}
			})
		})
	}
}

// TestWebhookTimeouts: a try that gets no answer ends and is repeated, until the hook's own time is up.
func TestWebhookTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		silent := &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			tries++
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		w := Webhook{URL: "https://example.com", Timeout: 2 * time.Second, Attempts: 3, Client: silent}
		err := w.Notify(t.Context(), ofStep)
		if err == nil || err.Error() != "webhook https://example.com: gave up after 3 tries: the server did not answer within 2s" || !errors.Is(err, component.ErrUnavailable) {
			t.Errorf("the error is %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		tries = 0
		if err := w.Notify(ctx, ofStep); !errors.Is(err, context.DeadlineExceeded) || tries != 1 {
			t.Errorf("after its own time the error is %v after %d tries", err, tries)
		}
	})
}

func TestWebhookBody(t *testing.T) {
	t.Parallel()
	r := &receiver{}
	s := serve(t, r)
	w := Webhook{URL: s.URL, Header: map[string]string{"Content-Type": "text/plain"}, Body: func(e Event) ([]byte, error) {
		return fmt.Appendf(nil, "%s %s", e.Step, e.State), nil
	}}
	if err := w.Notify(t.Context(), ofStep); err != nil || r.bodies[0] != "train failed" || r.got[0].Header.Get("Content-Type") != "text/plain" {
		t.Errorf("sent %q, %v", r.bodies, err)
	}
	w.Body = func(Event) ([]byte, error) { return nil, errors.New("no words") }
	if err := w.Notify(t.Context(), ofStep); err == nil || err.Error() != "webhook "+s.URL+": make the body: no words" {
		t.Errorf("the error is %v", err)
	}
	w.Body = func(Event) ([]byte, error) { return make([]byte, maxBody+1), nil }
	if err := w.Notify(t.Context(), ofStep); !errors.Is(err, component.ErrInvalid) || len(r.got) != 1 {
		t.Errorf("the error is %v", err)
	}
}

func TestWebhookValidate(t *testing.T) {
	t.Parallel()
	for want, w := range map[string]Webhook{
		"webhook: the URL is empty":                                                                         {},
		"webhook: the URL is none: want https://host/path":                                                  {URL: "https://host:port/?token=secret"},
		"webhook: the URL is none: want https://host/path ":                                                 {URL: "secret"},
		"webhook https://:80: the URL is none: want https://host/path":                                      {URL: "https://:80/secret"},
		"webhook http://example.com: want https:, or http: of this machine":                                 {URL: "http://example.com/secret"},
		"webhook ftp://localhost: want https:, or http: of this machine":                                    {URL: "ftp://localhost/secret"},
		"webhook https://example.com: the URL has a user name or password: send credentials in a header":    {URL: "https://me:secret@example.com"},
		"webhook https://a.b: timeout: -1ns is negative":                                                    {URL: "https://a.b", Timeout: -1},
		"webhook https://a.b: attempts: -1 is not between 0 and 100":                                        {URL: "https://a.b", Attempts: -1},
		`webhook https://a.b: header "a b": want a name without spaces, and a value of one line`:            {URL: "https://a.b", Header: map[string]string{"a b": "secret"}},
		`webhook https://a.b: header "": want a name without spaces, and a value of one line`:               {URL: "https://a.b", Header: map[string]string{"": "secret"}},
		`webhook https://a.b: header "a": want a name without spaces, and a value of one line`:              {URL: "https://a.b", Header: map[string]string{"a": "secret\r\nb: c"}},
		"webhook https://a.b: the environment variable HOOK_TEST_UNSET, which holds its secret, is not set": {URL: "https://a.b", SecretEnv: "HOOK_TEST_UNSET"},
	} {
		err := Validate(w)
		if !errors.Is(err, component.ErrInvalid) || err.Error() != "hook: "+strings.TrimSpace(want) {
			t.Errorf("%+v: %v, want %s", w, err, want)
		}
		if sent := w.Notify(t.Context(), ofStep); sent == nil || "hook: "+sent.Error() != err.Error() {
			t.Errorf("Notify says %v", sent)
		}
	}
	for _, u := range []string{"https://example.com/path?token=x", "http://localhost:8080", "http://127.0.0.1/x", "http://[::1]:9/"} {
		if err := Validate(&Webhook{URL: u, Header: map[string]string{"X-Token": "a b"}}); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
	if s := fmt.Sprintf("%v %s", Webhook{URL: "https://a.b/secret", Header: map[string]string{"Authorization": "secret"}}, Webhook{URL: "\x00secret"}); s != "webhook https://a.b webhook" {
		t.Errorf("as text they are %s", s)
	}
}
