package why

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/cachekey"
	"github.com/tenon-ml/tenon/internal/fingerprint"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/metadata"
)

func digestOf(s string) artifact.Digest {
	return artifact.Digest("sha256:" + strings.Repeat(fmt.Sprintf("%02x", s[len(s)-1]), 32))
}

func decl(name, file string, line int, digest string) fingerprint.Part {
	return fingerprint.Part{Name: name, File: file, Line: line, Digest: digest}
}

func parts(scale string) []fingerprint.Part {
	return []fingerprint.Part{
		decl("example.com/app.Fit", "example.com/app/fit.go", 12, "f"), decl("example.com/app/features.Scale", "example.com/app/features/features.go", 41, scale),
		decl("example.com/app/go.mod", "example.com/app/go.mod", 0, "m"), {Name: "module example.com/lib@v1.0.0 example.com/lib@v1.0.0 h1:x=", Digest: "l"},
	}
}

func facts() Facts {
	return Facts{
		StepKey: metadata.StepKey{Run: "new", Step: "fit", Index: -1},
		Code:    Code{Mode: fingerprint.ModeSource, Fingerprint: "sha256:00", Func: "main.Fit", Parts: parts("s")},
		Params:  []graph.Param{{Name: "LR", Type: "float64", Value: []byte("0.1")}, {Name: "Name", Type: "string", Value: []byte(`"a"`)}},
		Build:   []string{"GOARCH=amd64", "go=go1.26"},
		Sources: []plan.Pin{{Field: "CSV", Pin: ref.Pin{URI: "a.csv", Digest: string(digestOf("1"))}}},
		Inputs: []Input{{
			Name: "Rows", From: ref.Edge{Node: "load", Output: "output"}, Digest: digestOf("1"), Identity: "raw/1 " + string(digestOf("1")), Artifact: "id",
			Step: &metadata.StepKey{Run: "new", Step: "load", Index: -1},
		}},
		Outputs: []graph.Output{{Name: "output", Type: "float64", Codec: "cbor/1"}},
	}
}

// Each field of a key, how it may change, and what is said of it.
func TestCompare(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(f *Facts)
		want   []string // Field, and then String
	}{
		"nothing":          {func(*Facts) {}, nil},
		"what is no part":  {func(f *Facts) { f.Run, f.Step, f.Code.Func, f.Sources[0].URI = "x", "y", "z", "b.csv" }, nil},
		"a helper":         {func(f *Facts) { f.Code.Fingerprint, f.Code.Parts = "sha256:01", parts("t") }, []string{"code", "features/features.go:41 features.Scale changed"}},
		"a helper of main": {func(f *Facts) { f.Code.Fingerprint, f.Code.Parts[0].Digest = "sha256:01", "g" }, []string{"code", "fit.go:12 Fit changed"}},
		"only a line":      {func(f *Facts) { f.Code.Parts[0].Line = 99 }, nil},
		"two declarations": {func(f *Facts) {
			f.Code.Fingerprint, f.Code.Parts[0].Digest, f.Code.Parts[1].Digest = "sha256:01", "g", "h"
		}, []string{"code", "fit.go:12 Fit changed and 1 more"}},
		"one more": {func(f *Facts) {
			f.Code.Fingerprint, f.Code.Parts = "sha256:01", append(f.Code.Parts, decl("example.com/app.New", "example.com/app/new.go", 3, "n"))
		}, []string{"code", "new.go:3 New added"}},
		"one less": {func(f *Facts) { f.Code.Fingerprint, f.Code.Parts = "sha256:01", f.Code.Parts[1:] }, []string{"code", "fit.go:12 Fit removed"}},
		"another module": {func(f *Facts) {
			f.Code.Fingerprint, f.Code.Parts[3] = "sha256:01", fingerprint.Part{Name: "module example.com/lib@v1.1.0 example.com/lib@v1.1.0 h1:y=", Digest: "k"}
		}, []string{"code", "module example.com/lib v1.0.0 → v1.1.0 changed"}},
		"another go.mod":   {func(f *Facts) { f.Code.Fingerprint, f.Code.Parts[2].Digest = "sha256:01", "n" }, []string{"code", "go.mod changed"}},
		"another function": {func(f *Facts) { f.Code.Fingerprint = "sha256:01" }, []string{"code", "the step is another function now, or one of another program"}},
		"parts not known":  {func(f *Facts) { f.Code.Fingerprint, f.Code.Parts = "sha256:01", nil }, []string{"code", "the code changed (which declaration is not recorded)"}},
		"another mode":     {func(f *Facts) { f.Code.Mode, f.Code.Parts = fingerprint.ModeExecutable, nil }, []string{"code", "the code is known by the executable now, and was by its source"}},
		"no code":          {func(f *Facts) { f.Code = Code{} }, []string{"code", "one of the two runs no code, but waits for a person"}},
		"a parameter":      {func(f *Facts) { f.Params[0].Value = []byte("0.2") }, []string{"parameter LR", "parameter LR 0.1 → 0.2"}},
		"its type":         {func(f *Facts) { f.Params[0].Type = "float32" }, []string{"parameter LR", "parameter LR float64 0.1 → float32 0.1"}},
		"a parameter more": {func(f *Facts) {
			f.Params = append(f.Params, graph.Param{Name: "Seed", Type: "int", Value: []byte("1")})
		}, []string{"parameter Seed", "parameter Seed added: 1"}},
		"a parameter less":  {func(f *Facts) { f.Params = f.Params[:1] }, []string{"parameter Name", `parameter Name removed: "a"`}},
		"their order":       {func(f *Facts) { slices.Reverse(f.Params) }, []string{"parameter order", "parameter order LR, Name → Name, LR"}},
		"the version":       {func(f *Facts) { f.Version = "2" }, []string{"version", `version "" → 2`}},
		"the build":         {func(f *Facts) { f.Build[1] = "go=go1.27" }, []string{"build go", "build go go1.26 → go1.27"}},
		"a setting more":    {func(f *Facts) { f.Build = append(f.Build, "tags=x") }, []string{"build tags", "build tags added: x"}},
		"a source":          {func(f *Facts) { f.Sources[0].Digest = string(digestOf("2")) }, []string{"source CSV", "source CSV 313131313131 → 323232323232"}},
		"an input":          {func(f *Facts) { f.Inputs[0].Digest = digestOf("2") }, []string{"input Rows", "input Rows from step load"}},
		"a file's name":     {func(f *Facts) { f.Inputs[0].Identity += " name b.csv" }, []string{"input Rows", "input Rows from step load"}},
		"an unknown input":  {func(f *Facts) { f.Inputs[0].Digest, f.Inputs[0].Identity = "", "" }, []string{"input Rows", "input Rows is not known before step load has run"}},
		"of unknown origin": {func(f *Facts) { f.Inputs[0].Digest, f.Inputs[0].Identity, f.Inputs[0].Step = "", "", nil }, []string{"input Rows", "input Rows is not known yet"}},
		"only the digest":   {func(f *Facts) { f.Inputs[0].Identity = "" }, nil},
		"an input less":     {func(f *Facts) { f.Inputs = nil }, []string{"input Rows", "input Rows removed: 313131313131"}},
		"an output's type":  {func(f *Facts) { f.Outputs[0].Type = "int64" }, []string{"output output", "output output float64, cbor/1 → int64, cbor/1"}},
		"an output's codec": {func(f *Facts) { f.Outputs[0].Codec = "cbor/2" }, []string{"output output", "output output float64, cbor/1 → float64, cbor/2"}},
		"everything": {func(f *Facts) {
			f.Code.Fingerprint, f.Version, f.Params, f.Build, f.Sources, f.Inputs, f.Outputs = "sha256:01", "2", f.Params[1:], nil, nil, nil, nil
		}, []string{
			"code", "the step is another function now, or one of another program", "parameter LR", "parameter LR removed: 0.1", "version", `version "" → 2`,
			"build GOARCH", "build GOARCH removed: amd64", "build go", "build go removed: go1.26",
			"source CSV", "source CSV removed: 313131313131", "input Rows", "input Rows removed: 313131313131", "output output", "output output removed: float64, cbor/1",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := facts()
			test.change(&now)
			var got []string
			for _, d := range Compare(facts(), now) {
				got = append(got, d.Field(), d.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Long values that differ far behind are shown where they differ.
func TestLongValues(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 200)
	before, after := facts(), facts()
	before.Params[1].Value, after.Params[1].Value = []byte(`"`+long+`a"`), []byte(`"`+long+"\nb\"")
	diffs := Compare(before, after)
	if len(diffs) != 1 || !strings.HasPrefix(diffs[0].Old, "…é") || !strings.HasSuffix(diffs[0].Old, `a"`) || !strings.HasSuffix(diffs[0].New, ` b"`) || len(diffs[0].Old) > 100 {
		t.Errorf("%+v", diffs)
	}
}

// key is the key that the engine makes of what facts hold.
func key(f Facts) string {
	var k cachekey.Fields
	k.Add("fingerprint", string(f.Code.Mode)+" "+f.Code.Fingerprint)
	var params strings.Builder
	for _, p := range f.Params {
		for _, part := range []string{p.Name, p.Type, string(p.Value)} {
			fmt.Fprintf(&params, "%d:%s", len(part), part)
		}
	}
	k.Add("params", params.String())
	k.Add("version", f.Version)
	k.Add("build", strings.Join(f.Build, "\n"))
	for _, s := range f.Sources {
		k.Add("source "+s.Field, s.Digest)
	}
	for _, o := range f.Outputs {
		k.Add("output "+o.Name, o.Codec+" "+o.Type)
	}
	for _, in := range f.Inputs {
		k.Add("input "+in.Name, in.Identity)
	}
	return k.Key()
}

// There is a difference exactly if the keys differ.
func TestDifferencesAreThoseOfKeys(t *testing.T) {
	t.Parallel()
	word := rapid.SampledFrom([]string{"a", "b", "c"})
	distinct := func(s string) string { return s }
	random := rapid.Custom(func(t *rapid.T) Facts {
		f := Facts{Version: rapid.SampledFrom([]string{"", "1"}).Draw(t, "version")}
		f.Code = Code{Mode: fingerprint.ModeSource, Fingerprint: "sha256:" + word.Draw(t, "print")}
		f.Code.Parts = []fingerprint.Part{{Name: "x", Line: 1, Digest: f.Code.Fingerprint}}
		names := func(what string) []string { return rapid.SliceOfNDistinct(word, 0, 2, distinct).Draw(t, what) }
		for _, n := range names("params") {
			f.Params = append(f.Params, graph.Param{Name: n, Type: word.Draw(t, "type"), Value: []byte(word.Draw(t, "value"))})
		}
		for _, n := range names("build") {
			f.Build = append(f.Build, n+"="+word.Draw(t, "setting"))
		}
		for _, n := range names("sources") {
			f.Sources = append(f.Sources, plan.Pin{Field: n, Pin: ref.Pin{Digest: word.Draw(t, "source")}})
		}
		for _, n := range names("inputs") {
			digest := digestOf(word.Draw(t, "digest"))
			f.Inputs = append(f.Inputs, Input{Name: n, Digest: digest, Identity: word.Draw(t, "codec") + " " + string(digest)})
		}
		for _, n := range names("outputs") {
			f.Outputs = append(f.Outputs, graph.Output{Name: n, Type: word.Draw(t, "out"), Codec: word.Draw(t, "codec")})
		}
		return f
	})
	rapid.Check(t, func(t *rapid.T) {
		a := random.Draw(t, "a")
		b := a
		other := random.Draw(t, "b")
		for i, take := range []func(){ // mostly alike
			func() { b.Code = other.Code }, func() { b.Params = other.Params }, func() { b.Version = other.Version }, func() { b.Build = other.Build },
			func() { b.Sources = other.Sources }, func() { b.Inputs = other.Inputs }, func() { b.Outputs = other.Outputs },
		} {
			if rapid.IntRange(0, 4).Draw(t, fmt.Sprint("take ", i)) == 0 {
				take()
			}
		}
		diffs := Compare(a, b)
		if (len(diffs) == 0) != (key(a) == key(b)) {
			t.Fatalf("same key %v, differences %v", key(a) == key(b), diffs)
		}
		for _, d := range diffs {
			if d.String() == "" || d.Field() == "" {
				t.Fatalf("nothing is said of %+v", d)
			}
		}
		if len(diffs) != len(Compare(b, a)) {
			t.Fatalf("%v, and the other way round %v", diffs, Compare(b, a))
		}
	})
}
