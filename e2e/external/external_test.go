// Package external_test uses the SDK as another module does: values of its own and of a third party are stored by one process and read back
// equal by another, and what would not come back is refused when the pipeline is built.
package external_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"gonum.org/v1/gonum/mat"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

const (
	role = "TENON_E2E_ROLE"
	home = "TENON_E2E_HOME"
)

func TestMain(m *testing.M) {
	if os.Getenv(role) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	if err := child(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// values is what one step makes and the next one takes.
type values struct {
	Dense    artifact.Ref[*mat.Dense]
	Large    artifact.Ref[*mat.Dense] // beyond what travels in a record
	Observed artifact.Ref[[]Observation]
	One      artifact.Ref[Observation]
	Rows     artifact.Ref[[]Row]
	NoRows   artifact.Ref[[]Row]
	Empty    artifact.Ref[[]Row]
	Numbers  artifact.Ref[[]float64]
	Nothing  artifact.Ref[[]byte]
	Blank    artifact.Ref[[]byte]
	Text     artifact.Ref[string]
	When     artifact.Ref[time.Time]
	ByName   artifact.Ref[map[string]*mat.Dense]
}

func made() values {
	return values{
		Dense: artifact.New(newDense(3, 4)), Large: artifact.New(newDense(300, 40)), Observed: artifact.New(observations()), One: artifact.New(observations()[0]),
		Rows: artifact.New(rows()), NoRows: artifact.New([]Row(nil)), Empty: artifact.New([]Row{}), Numbers: artifact.New([]float64{math.NaN(), math.Inf(1)}),
		Nothing: artifact.New([]byte(nil)), Blank: artifact.New([]byte{}), Text: artifact.New(""), When: artifact.New(zones()[2]),
		ByName: artifact.New(map[string]*mat.Dense{"a": newDense(1, 1), "none": nil}),
	}
}

func makeValues(context.Context, struct{}) (values, error) { return made(), nil }

// check takes what another step made, read back from the store, and compares it with what it makes itself.
func check(_ context.Context, in values) (artifact.Ref[bool], error) {
	if diff := compare(in); diff != "" {
		return artifact.Ref[bool]{}, fmt.Errorf("input differs (-want +got):\n%s", diff)
	}
	return artifact.New(true), nil
}

func compare(got values) string {
	want := made()
	plain := func(v values) map[string]any {
		return map[string]any{
			"Dense": v.Dense.Value(), "Large": v.Large.Value(), "Observed": v.Observed.Value(), "One": v.One.Value(), "Rows": v.Rows.Value(), "NoRows": v.NoRows.Value(),
			"Empty": v.Empty.Value(), "Numbers": v.Numbers.Value(), "Nothing": v.Nothing.Value(), "Blank": v.Blank.Value(), "Text": v.Text.Value(), "When": v.When.Value(),
			"ByName": v.ByName.Value(),
		}
	}
	return cmp.Diff(plain(want), plain(got), exactly)
}

var external = pipeline.Define("external", func(p *pipeline.Builder, _ struct{}) values {
	v := pipeline.Step(p, "make", makeValues, struct{}{})
	pipeline.Step(p, "check", check, v)
	return v
}, pipeline.Codecs(dense))

// run runs the pipeline on a home, and returns the states of its steps and how the result differs from what it should be.
func run(ctx context.Context, dir string) (states, diff string, err error) {
	client, err := tenon.Open(ctx, tenon.Config{Home: dir})
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	r, err := external.Run(ctx, client, struct{}{})
	if err != nil {
		return "", "", err
	}
	got, err := r.Result(ctx)
	if err != nil {
		return "", "", err
	}
	page, err := client.Metadata().Steps(ctx, metadata.StepQuery{Run: r.ID()})
	if err != nil {
		return "", "", err
	}
	var steps []string
	for _, s := range page.Items {
		steps = append(steps, s.Step+" "+string(s.State))
	}
	slices.Sort(steps)
	return strings.Join(steps, ", "), compare(got), nil
}

// child is the other process.
func child(ctx context.Context) error {
	states, diff, err := run(ctx, os.Getenv(home))
	if err != nil {
		return err
	}
	if diff != "" {
		return fmt.Errorf("what this process reads differs (-want +got):\n%s", diff)
	}
	fmt.Print(states)
	return nil
}

func TestAnotherProcessReadsEqualValues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, want := range []string{"check succeeded, make succeeded", "check cached, make cached"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), role+"=run", home+"="+dir)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, stderr.String())
		}
		if string(out) != want {
			t.Errorf("steps %q, want %q", out, want)
		}
	}
	// This process made nothing of it.
	states, diff, err := run(t.Context(), dir)
	if err != nil || diff != "" || states != "check cached, make cached" {
		t.Errorf("%v\n%s\n%s", err, states, diff)
	}
}

func open(t *testing.T) *tenon.Client {
	t.Helper()
	client, err := tenon.Open(t.Context(), tenon.Config{Home: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

func TestHowValuesAreRecorded(t *testing.T) {
	t.Parallel()
	client := open(t)
	r, err := external.Run(t.Context(), client, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Result(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := client.Metadata().Steps(t.Context(), metadata.StepQuery{Run: r.ID()})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range page.Items {
		for _, o := range s.Outputs {
			if s.Step == "make" {
				got[o.Name] = o.Record.Codec
			}
			if o.Name == "Large" && (fmt.Sprint(o.Record.Meta["shape"]) != "[300 40]" || o.Record.Preview != "300 x 40" || o.Record.Type != "acme/dense" || o.Record.Inline != nil) {
				t.Errorf("%+v", o.Record)
			}
		}
	}
	want := map[string]string{
		"Dense": "acme/dense/1", "Large": "acme/dense/1", "Observed": "cbor/1", "One": "cbor/1", "Rows": "parquet/1", "NoRows": "parquet/1", "Empty": "parquet/1",
		"Numbers": "numeric/1", "Nothing": "bytes/1", "Blank": "bytes/1", "Text": "text/1", "When": "cbor/1", "ByName": "cbor/1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("codecs (-want +got):\n%s", diff)
	}
}

type emptyIn struct{ Nil bool }

func empty(_ context.Context, in emptyIn) (artifact.Ref[[]byte], error) {
	if in.Nil {
		return artifact.New([]byte(nil)), nil
	}
	return artifact.New([]byte{}), nil
}

type isNilIn struct{ Data artifact.Ref[[]byte] }

func isNil(_ context.Context, in isNilIn) (artifact.Ref[bool], error) {
	return artifact.New(in.Data.Value() == nil), nil
}

var nilness = pipeline.Define("nilness", func(p *pipeline.Builder, in emptyIn) artifact.Ref[bool] {
	return pipeline.Step(p, "is-nil", isNil, isNilIn{pipeline.Step(p, "empty", empty, in)})
})

// TestNilAndEmptyBytesInTheCache: they have the same content, and still are not taken for each other.
func TestNilAndEmptyBytesInTheCache(t *testing.T) {
	t.Parallel()
	client := open(t)
	for _, want := range []bool{true, false, true, false} {
		r, err := nilness.Run(t.Context(), client, emptyIn{Nil: want})
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Result(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.Value() != want {
			t.Errorf("nil: %v, want %v", got.Value(), want)
		}
	}
}

// Types that no codec brings back.
type (
	failed    struct{ Err error }
	anything  struct{ Deep []struct{ Value any } }
	callback  struct{ Loss func(float64) float64 }
	signal    struct{ Done chan struct{} }
	secretive struct{ Name, password string } //nolint:unused // refused
	timestamp struct {                        // MarshalJSON, MarshalText and MarshalBinary are those of the time alone
		time.Time
		Note string
	}
	withMatrix struct{ Weights *mat.SymDense } // no codec was given for it, and its fields are unexported
)

func none[T any](context.Context, struct{}) (artifact.Ref[T], error) { return artifact.Ref[T]{}, nil }

func TestWhatWouldNotComeBackFailsTheBuild(t *testing.T) {
	t.Parallel()
	client := open(t)
	lossy := pipeline.Define("lossy", func(p *pipeline.Builder, _ struct{}) struct{} {
		pipeline.Step(p, "failed", none[failed], struct{}{})
		pipeline.Step(p, "anything", none[anything], struct{}{})
		pipeline.Step(p, "callback", none[map[string]callback], struct{}{})
		pipeline.Step(p, "signal", none[*signal], struct{}{})
		pipeline.Step(p, "secretive", none[[]secretive], struct{}{})
		pipeline.Step(p, "timestamp", none[timestamp], struct{}{})
		pipeline.Step(p, "matrix", none[withMatrix], struct{}{})
		return struct{}{}
	}, pipeline.Codecs(dense))
	_, err := lossy.Run(t.Context(), client, struct{}{})
	if component.CodeOf(err) != component.Invalid {
		t.Fatalf("error %v", err)
	}
	for step, field := range map[string]string{
		"failed": "failed.Err is an error", "anything": "anything.Deep[].Value is an interface", "callback": "callback.Loss is a function", "signal": "signal.Done is a channel",
		"secretive": "secretive.password is unexported", "timestamp": "timestamp has MarshalBinary promoted from its embedded field Time", "matrix": "is unexported and would be lost",
	} {
		found := false
		for line := range strings.Lines(err.Error()) {
			found = found || strings.Contains(line, step) && strings.Contains(line, field) && strings.Contains(line, "external_test.go:")
		}
		if !found {
			t.Errorf("no line for step %s says that %q, with its place", step, field)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
	page, err := client.Metadata().Runs(t.Context(), metadata.RunQuery{})
	if err != nil || len(page.Items) != 0 {
		t.Errorf("recorded %v, %v", page.Items, err)
	}
}
