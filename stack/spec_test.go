package stack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/stack"
)

var update = flag.Bool("update", false, "write golden files")

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), got); diff != "" {
		t.Errorf("%s (run with -update to accept): %s", path, diff)
	}
}

// Every file of testdata/bad is refused by Parse or by Validate; the text beside it says how.
func TestErrors(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := stack.Parse(data, name)
			if err == nil {
				err = s.Validate(flavors(nil))
			}
			if !errors.Is(err, component.ErrInvalid) {
				t.Fatalf("got %v, want an Invalid error", err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", err.Error()+"\n")
		})
	}
}

func TestHuge(t *testing.T) {
	t.Parallel()
	_, err := stack.Parse(bytes.Repeat([]byte("# many words\n"), 1<<20), "huge.yaml")
	if !errors.Is(err, component.ErrInvalid) || err.Error() != "huge.yaml: 13631488 bytes are more than the 262144 that are read" {
		t.Errorf("got %v", err)
	}
}

func TestValidateSpecsMadeInGo(t *testing.T) {
	t.Parallel()
	twice := append(flavors(nil), flavors(nil)...)
	double := stack.Default()
	double.Components = append(double.Components, double.Components[0])
	for name, test := range map[string]struct {
		spec    stack.Spec
		flavors []component.Flavor
		want    string // "" accepts
	}{
		"default":         {stack.Default(), flavors(nil), ""},
		"no flavors":      {stack.Default(), nil, "this program has no orchestrator flavor \"local\": there is none; others are passed to tenon.Main or tenon.Open\nthis program has no artifact_store flavor \"local\": there is none; others are passed to tenon.Main or tenon.Open"},
		"flavors twice":   {stack.Default(), twice, "this program has 2 orchestrator flavors named \"local\": pass one of them\nthis program has 2 artifact_store flavors named \"local\": pass one of them"},
		"zero":            {stack.Spec{}, flavors(nil), `name: want 1 to 63 of a-z, 0-9, ".", "_" and "-", the first a letter or a digit, got ""` + "\nhas no artifact_store: every stack needs one\nhas no orchestrator: every stack needs one"},
		"component twice": {double, flavors(nil), "orchestrator: given twice"},
		"unknown kind":    {stack.Spec{Name: "x", Components: append([]stack.Component{{Kind: "traker", Flavor: "x"}}, stack.Default().Components...)}, flavors(nil), `traker: unknown kind: did you mean "tracker"?`},
	} {
		err := test.spec.Validate(test.flavors)
		if test.want == "" && err == nil {
			continue
		}
		if !errors.Is(err, component.ErrInvalid) || err.Error() != test.want {
			t.Errorf("%s: got %v\nwant %s", name, err, test.want)
		}
	}
}

type picky struct {
	Path string `yaml:"path"`
}

func (picky) Validate() error { return errors.New("path: must be absolute") }

// A mistake in the defaults is found where the flavor is named.
func TestValidateDefaults(t *testing.T) {
	t.Parallel()
	f := component.New("picky", artifact.Kind, picky{}, func(context.Context, picky, component.Env) (artifact.Store, error) { return nil, nil })
	for text, want := range map[string]string{
		"{flavor: picky}":                       `s:3:26: artifact_store.flavor: artifact_store "picky": path: must be absolute`,
		"{flavor: picky, config: {}}":           "s:3:41: artifact_store.config: path: must be absolute",
		"{flavor: picky, config: {path: here}}": "s:3:48: artifact_store.config.path: must be absolute",
	} {
		s, err := stack.Parse([]byte("name: x\norchestrator: {flavor: local}\nartifact_store: "+text), "s")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(append(flavors(nil), f)); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestWith(t *testing.T) {
	t.Parallel()
	base := stack.Default()
	s, err := base.With("tracker", "mlflow", map[string]any{"shared": true})
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.With("artifact_store", "disk", nil); err != nil {
		t.Fatal(err)
	}
	const want = "name: default\norchestrator:\n  flavor: local\nartifact_store:\n  flavor: disk\ntracker:\n  flavor: mlflow\n  config:\n    shared: true\n"
	if diff := cmp.Diff(want, string(s.YAML())); diff != "" {
		t.Error(diff)
	}
	if err := s.Validate(flavors(nil)); err != nil {
		t.Error(err)
	}
	if s, err = s.With("tracker", "", nil); err != nil || len(s.Components) != 2 {
		t.Errorf("%v: %v", s, err)
	}
	if len(base.Components) != 2 || base.Components[1].Flavor != "local" {
		t.Error("With changed its receiver")
	}
	if _, err := s.With("traker", "x", nil); err == nil || err.Error() != `traker: unknown kind: did you mean "tracker"?` {
		t.Errorf("got %v", err)
	}
	if _, err := s.With("tracker", "x", map[string]any{"f": func() {}}); !errors.Is(err, component.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestYAML(t *testing.T) {
	t.Parallel()
	s := parse(t, `
# comments and order are the writer's own
tracker:
  config: {shared: true, fail: "yes"}
  flavor: mlflow
artifact_store: {flavor: disk, config: {tags: [b, "1", 'a: b'], path: "/data", part_size: 0x10, ratio: .5, labels: {}}}
name: production
orchestrator: {flavor: local, config: {}}
`)
	golden(t, "testdata/canonical.yaml", string(s.YAML()))
	if diff := cmp.Diff(string(s.YAML()), string(parse(t, string(s.YAML())).YAML())); diff != "" {
		t.Error(diff)
	}
}

// Whatever a configuration holds, its canonical form means the same.
func TestYAMLRoundTrip(t *testing.T) {
	t.Parallel()
	scalar := rapid.OneOf(
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.Float64().AsAny(), rapid.String().AsAny(),
		rapid.SampledFrom([]string{"yes", "null", "~", "1", "010", "1_0", "0x1", ".5", "1e3", ".nan", "NaN", "- a", "a: b", "#", "a #b", "'", `"`, "*a", "&a", "!a", "<<", "", " ", "\n", "a\n b\n", "|", ">", "%", "@", "`", "---", "...", "2026-01-01", "=", "{", "[", "?", ":", "\t", "é", "\u2028"}).AsAny(),
	)
	key := rapid.OneOf(rapid.StringMatching(`[a-z_]{1,8}`), rapid.SampledFrom([]string{"1", "a b", "null", "true", "<<", "x: y", "", "a.b", "-"}))
	value := rapid.OneOf(scalar, rapid.SliceOfN(scalar, 0, 3).AsAny(), rapid.MapOfN(key, scalar, 0, 3).AsAny(), rapid.SliceOfN(rapid.MapOfN(key, scalar, 0, 2).AsAny(), 0, 2).AsAny())
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.MapOfN(key, value, 0, 4).Draw(t, "config")
		s, err := stack.Default().With("artifact_store", "disk", want)
		if err != nil {
			t.Fatal(err)
		}
		again, err := stack.Parse(s.YAML(), "canonical")
		if err != nil {
			t.Fatalf("%v\n%s", err, s.YAML())
		}
		if diff := cmp.Diff(s.YAML(), again.YAML()); diff != "" {
			t.Fatalf("%s\n%s", diff, s.YAML())
		}
	})
}

func TestSchema(t *testing.T) {
	t.Parallel()
	for _, f := range flavors(nil) {
		if f.Name() != "disk" {
			continue
		}
		got, err := stack.Schema(f)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/schema.json", string(got)+"\n")
		var schema jsonschema.Schema
		if err := json.Unmarshal(got, &schema); err != nil {
			t.Fatal(err)
		}
		resolved, err := schema.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
		if err != nil {
			t.Fatal(err)
		}
		config := parse(t, full).Components[1].Config()
		if err := resolved.Validate(config); err != nil {
			t.Errorf("the schema refuses what Validate accepts: %v", err)
		}
		config["colour"] = "red"
		if err := resolved.Validate(config); err == nil {
			t.Error("the schema accepts an unknown key")
		}
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/bad/*.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(full))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := stack.Parse(data, "fuzz.yaml")
		if err != nil {
			if !errors.Is(err, component.ErrInvalid) {
				t.Fatalf("got %v, want an Invalid error", err)
			}
			return
		}
		if err := s.Validate(flavors(nil)); err != nil && !errors.Is(err, component.ErrInvalid) {
			t.Fatalf("got %v, want an Invalid error", err)
		}
		again, err := stack.Parse(s.YAML(), "canonical")
		if err != nil {
			t.Fatalf("%v\n%s", err, s.YAML())
		}
		if !bytes.Equal(s.YAML(), again.YAML()) {
			t.Fatalf("the canonical form changes:\n%s\n%s", s.YAML(), again.YAML())
		}
	})
}
