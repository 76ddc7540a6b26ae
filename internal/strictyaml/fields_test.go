package strictyaml_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/internal/strictyaml"
)

func TestFieldName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"LR": "lr", "Name": "name", "TestShare": "test_share", "CSVFile": "csv_file", "HTTPServerURL": "http_server_url", "IDs": "ids",
		"URLsByName": "urls_by_name", "MaxRSS2": "max_rss2", "Top5Accuracy": "top5_accuracy", "X": "x", "XY": "xy", "ÄrgerÜber": "ärger_über",
		"Already_Snake": "already_snake", "hidden": "",
	} {
		f := reflect.StructField{Name: name, Type: reflect.TypeFor[int]()}
		if name == "hidden" {
			f.PkgPath = "p"
		}
		if got := strictyaml.FieldName(f); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	for tag, want := range map[reflect.StructTag]string{`yaml:"other"`: "other", `yaml:"-"`: "", `yaml:",omitempty"`: "max_size", `json:"x"`: "max_size"} {
		if got := strictyaml.FieldName(reflect.StructField{Name: "MaxSize", Tag: tag}); got != want {
			t.Errorf("%s: got %q, want %q", tag, got, want)
		}
	}
}

type Base struct{ Seed, Name int }

type Linked struct {
	Value int
	*Linked
}

type wide struct {
	Base           // promoted, but Name is hidden
	*Linked        // a pointer, and recursive
	Name    string `doc:"who"`
	Inner   struct {
		A  int
		In struct{ B []int }
	}
	Extra retry     `yaml:",inline"`
	At    time.Time // a struct, but one text
	Next  *wide
	Empty struct{}
	F     func()
}

func TestFields(t *testing.T) {
	t.Parallel()
	var got []string
	for _, f := range strictyaml.Fields(reflect.TypeFor[*wide]()) {
		got = append(got, fmt.Sprint(f.Name, " ", f.GoName, " ", f.Type, " ", f.Index, " ", f.Doc))
	}
	want := []string{
		"seed Seed int [0 0] ",
		"value Value int [1 0] ",
		"name Name string [2] who",
		"inner.a Inner.A int [3 0] ",
		"inner.in.b Inner.In.B []int [3 1 0] ",
		"attempts Attempts int8 [4 0] ",
		"max_backoff MaxBackoff time.Duration [4 1] ",
		"at At time.Time [5] ",
		"next Next *strictyaml_test.wide [6] ",
		"empty Empty struct {} [7] ",
		"f F func() [8] ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := strictyaml.Fields(reflect.TypeFor[int]()); got != nil {
		t.Errorf("an int has fields %v", got)
	}
}

func TestEmbeddedPointer(t *testing.T) {
	t.Parallel()
	shared := &Linked{Value: 1}
	w := wide{Linked: shared}
	if err := decode([]byte("value: 2\nnext: {value: 3, next: {seed: 4}}"), "", &w); err != nil {
		t.Fatal(err)
	}
	if w.Value != 2 || shared.Value != 1 || w.Next.Value != 3 || w.Next.Next.Seed != 4 {
		t.Errorf("got %+v, shared %+v", w, shared)
	}
}

func TestSameName(t *testing.T) {
	t.Parallel()
	var clash struct{ LR, Lr int }
	const want = "f:1:1: lr: the Go fields LR and Lr have the same name: give one another in a yaml tag"
	if err := decode([]byte("lr: 1"), "f", &clash); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := strictyaml.Set(&clash, "lr", "1"); err == nil {
		t.Error("Set chose one of two fields")
	}
}

func TestUnsupported(t *testing.T) {
	t.Parallel()
	var w wide
	if err := decode([]byte("f: 1"), "f", &w); err == nil || err.Error() != "f:1:4: f: a Go func() cannot be written in YAML" {
		t.Errorf("got %v", err)
	}
	for _, into := range []any{nil, 1, w, (*wide)(nil)} {
		if err := decode([]byte("name: x"), "f", into); err == nil {
			t.Errorf("decoded into %T", into)
		}
		if err := strictyaml.Set(into, "name", "x"); err == nil {
			t.Errorf("set in %T", into)
		}
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	known := []string{"orchestrator", "artifact_store", "name", "gpu", "cpu"}
	for name, want := range map[string]string{
		"orchestartor": "orchestrator", "artifactstore": "artifact_store", "Artifact-Stores": "artifact_store", "nme": "name", "gpus": "gpu",
		"cup": "cpu", "": "", "x": "", "xyz": "", "tracker": "", "abcd": "",
	} {
		if got := strictyaml.Closest(name, known); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	for want, known := range map[string][]string{"there is none": nil, "the only one is zz": {"zz"}, "want one of y, zz": {"y", "zz"}} {
		if got := strictyaml.Suggest("other", known); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
