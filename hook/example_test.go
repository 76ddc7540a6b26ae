package hook_test

import (
	"context"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/hook"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

type loadIn struct{ Missing bool }

func load(_ context.Context, in loadIn) (artifact.Ref[int], error) {
	if in.Missing {
		return artifact.Ref[int]{}, errors.New("rows.csv is not there")
	}
	return artifact.New(3), nil
}

// say prints what it is told.
func say(_ context.Context, e hook.Event) error {
	fmt.Printf("%s %q %s: %q\n", e.Kind, e.Step, e.State, e.Error)
	return nil
}

// A function is told of the end of a run and of one of its steps.
func Example() {
	p := pipeline.Define("nightly", func(p *pipeline.Builder, in loadIn) artifact.Ref[int] {
		return pipeline.Step(p, "load", load, in, step.OnFailure(hook.Func(say)))
	}, pipeline.OnEnd(hook.Func(say)))

	run(p, loadIn{})
	run(p, loadIn{Missing: true})
	// Output:
	// run "" succeeded: ""
	// step "load" failed: "rows.csv is not there"
	// run "" failed: "step load: rows.csv is not there"
}

// A webhook sends the event as JSON, or what Body makes of it.
func ExampleWebhook() {
	chat := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var message struct{ Text string }
		err := json.NewDecoder(r.Body).Decode(&message)
		fmt.Println(message.Text, err, r.Header.Get("Idempotency-Key") != "")
	}))
	defer chat.Close()

	failed := hook.Webhook{URL: chat.URL, Body: func(e hook.Event) ([]byte, error) {
		first, _, _ := strings.Cut(e.Error, "\n")
		return json.Marshal(map[string]string{"text": e.Pipeline + " " + e.State + ": " + first})
	}}
	p := pipeline.Define("nightly", func(p *pipeline.Builder, in loadIn) artifact.Ref[int] {
		return pipeline.Step(p, "load", load, in)
	}, pipeline.OnFailure(failed))

	run(p, loadIn{Missing: true})
	// Output: nightly failed: step load: rows.csv is not there <nil> true
}

// run runs a pipeline and waits for its end, and that of its hooks.
func run(p *pipeline.Pipeline[loadIn, artifact.Ref[int]], in loadIn) {
	ctx := context.Background()
	home, err := os.MkdirTemp("", "tenon-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(home)
	client, err := tenon.Open(ctx, tenon.Config{Home: home})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	run, err := p.Run(ctx, client, in)
	if err != nil {
		log.Fatal(err)
	}
	_, _ = run.Result(ctx) // what became of it the hooks say
}

// A receiver checks the signature of what it is sent, and what it has seen before.
func ExampleSign() {
	secret := []byte("do not tell")
	seen := map[string]bool{}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil || !hmac.Equal([]byte(r.Header.Get("Tenon-Signature")), []byte(hook.Sign(secret, body))) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if key := r.Header.Get("Idempotency-Key"); !seen[key] {
			seen[key] = true
			fmt.Println("signed and new")
		}
	}))
	defer receiver.Close()
	os.Setenv("EXAMPLE_SECRET", string(secret))

	p := pipeline.Define("nightly", func(p *pipeline.Builder, in loadIn) artifact.Ref[int] {
		return pipeline.Step(p, "load", load, in)
	}, pipeline.OnEnd(hook.Webhook{URL: receiver.URL, SecretEnv: "EXAMPLE_SECRET"}))

	run(p, loadIn{})
	// Output: signed and new
}
