//go:build linux

package fingerprint

import (
	"strings"
	"testing"
)

// What the runtime can tell is told in every mode: from source, from the executable, and in a test binary.
func TestCaptured(t *testing.T) {
	t.Parallel()
	m := fixture(t)
	bin := m.path("fixture.bin")
	if out, err := m.command("app", "go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pie := m.path("pie.bin")
	if out, err := m.command("app", "go", "build", "-buildmode=pie", "-o", pie, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for how, r := range map[string]result{
		"go run":                               m.run("app", "go", "run", "."),
		"built":                                m.run("app", bin),
		"built as a position-independent file": m.run("app", pie),
	} {
		for name, want := range map[string]string{
			"plain": "", "other": "", "literal": "", "indirect": "", "from map": "", "local literal": "", "two on a line 1": "", "shadows": "",
			"method expression": "", "pointer expression": "", "interface expression": "",
			"generic foo": "", "generic bar": "", "generic *foo": "", "generic *bar": "", "generic method *foo": "",
			"made without state": "",
			"captures":           "captures variables", "made": "captures variables", "decorated plain": "captures variables", "frameless": "captures variables",
			"loop 0":         "captures variables",
			"made of *foo":   "captures variables", // the type argument
			"within *foo":    "captures variables",
			"method value":   "it is a method value",
			"pointer method": "it is a method value", "interface method": "it is a method value",
			"reflected": "it was made by reflection",
		} {
			got, ok := r.Funcs[name]
			if !ok {
				t.Fatalf("%s: no fingerprint of %s: %s", how, name, r.Error)
			}
			if (got.Captured == "") != (want == "") || !strings.Contains(got.Captured, want) {
				t.Errorf("%s: %s: %q, want %q", how, name, got.Captured, want)
			}
		}
		digests := map[string]string{}
		for name, f := range r.Funcs {
			if name == "indirect" || name == "from map" || f.Captured != "" {
				continue
			}
			if twin := digests[f.Digest]; twin != "" {
				t.Errorf("%s: %s and %s have one fingerprint", how, name, twin)
			}
			digests[f.Digest] = name
		}
		if plain := r.plain(); r.Funcs["indirect"] != plain || r.Funcs["from map"] != plain {
			t.Errorf("%s: a function that comes from a variable is another", how)
		}
	}
}
