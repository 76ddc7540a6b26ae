package pipelinetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/pipeline"
)

// Run runs a pipeline to its end, with everything it stores in a temporary directory of the test, and returns its results. It
// fails the test if the run does. Parts are flavors or a tenon.Config, as tenon.Open takes them. A skipped result
// is a Ref without a value.
func Run[P, Out any](t testing.TB, p *pipeline.Pipeline[P, Out], params P, parts ...tenon.Part) Out {
	t.Helper()
	out, err := Try(t, p, params, parts...)
	if err != nil && !errors.Is(err, pipeline.ErrSkipped) {
		t.Fatalf("run pipeline %s: %v", p.Name(), err)
	}
	return out
}

// Try is [Run] for a pipeline that may fail: it returns the error of the run.
func Try[P, Out any](t testing.TB, p *pipeline.Pipeline[P, Out], params P, parts ...tenon.Part) (Out, error) {
	t.Helper()
	client := Open(t, parts...)
	var zero Out
	run, err := p.Run(t.Context(), client, params)
	if err != nil {
		return zero, err
	}
	return run.Result(t.Context())
}

// Open opens a client on a temporary home, which the test closes. Run a pipeline twice with one client to test what it caches.
func Open(t testing.TB, parts ...tenon.Part) *tenon.Client {
	t.Helper()
	client, err := tenon.Open(t.Context(), append([]tenon.Part{tenon.Config{Home: t.TempDir()}}, parts...)...)
	if err != nil {
		t.Fatalf("open a client: %v", err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Errorf("close the client: %v", err)
		}
	})
	return client
}

// Golden builds the graph twice, which must give the same digest, and compares its JSON form with a golden file. If the test's
// package defines a boolean flag named update and it is set, or the environment variable UPDATE_GOLDEN is, Golden writes
// the file instead.
func Golden[P, Out any](t testing.TB, p *pipeline.Pipeline[P, Out], params P, file string) {
	t.Helper()
	first, err := p.Graph(params)
	if err != nil {
		t.Fatal(err)
	}
	second, err := p.Graph(params)
	if err != nil {
		t.Fatal(err)
	}
	got := indented(t, first)
	if again := indented(t, second); !bytes.Equal(got, again) {
		t.Fatalf("pipeline %s is not deterministic: building it twice with the same parameters gives two graphs. Does it range over a map, or read the clock?", p.Name())
	}
	if updating() {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run the test with -update to write it", err)
	}
	if !bytes.Equal(got, bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))) {
		t.Errorf("the graph of pipeline %s is not the one in %s; if the change is meant, run the test with -update\ngot:\n%s", p.Name(), file, got)
	}
}

func indented(t testing.TB, g *pipeline.Graph) []byte {
	t.Helper()
	b, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// updating reads the flag -update, which belongs to the test's own package.
func updating() bool {
	f := flag.Lookup("update")
	if f == nil {
		return os.Getenv("UPDATE_GOLDEN") != ""
	}
	return f.Value.String() == "true"
}
