package strictyaml_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/internal/strictyaml"
)

// checkError holds an error against what the package promises of all.
func checkError(t *testing.T, err error) {
	t.Helper()
	var e *strictyaml.Error
	if !errors.As(err, &e) || len(e.Problems) == 0 {
		t.Fatalf("got %T: %v", err, err)
	}
	for _, p := range e.Problems {
		if line := p.String(); p.Text == "" || strings.ContainsAny(line, "\n\r") || len(line) > 2000 {
			t.Fatalf("not one readable line: %q", line)
		}
	}
}

func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("testdata/decode/*.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before, after := testConfig(), testConfig()
		if err := decode(data, "fuzz.yaml", &after); err != nil {
			checkError(t, err)
			if !sameConfig(before, after) {
				t.Fatal("a failed decode changed the value")
			}
		}
		n, err := strictyaml.Parse(data, "fuzz.yaml")
		if err != nil {
			checkError(t, err)
			return
		}
		for at, s := range n.Strings() {
			var again string
			if err := at.Decode(&again); err != nil || again != s {
				t.Fatalf("a string of the document is %q and decodes to %q, %v", s, again, err)
			}
		}
		var plain any
		if err := n.Decode(&plain); err != nil {
			checkError(t, err)
		}
	})
}

func FuzzSet(f *testing.F) {
	for _, name := range []string{"name", "lr", "hosts", "weights.a", "by_id.1", "extra", "retry.attempts", "when", "wait", "pair", ""} {
		for _, value := range []string{"1", "[1, 2]", "{a: 1}", "x", "1e999", "2026-01-31T15:04:05Z", "\x00", "a: b: c"} {
			f.Add(name, value)
		}
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		before, after := testConfig(), testConfig()
		if err := strictyaml.Set(&after, name, value); err != nil {
			checkError(t, err)
			if !sameConfig(before, after) {
				t.Fatal("a failed Set changed the value")
			}
		}
	})
}
