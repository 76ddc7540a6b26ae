package fingerprint

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/internal/fingerprint/declgraph"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	before := []Part{{"p.A", "p/a.go", 3, "1"}, {"p.B", "p/a.go", 5, "2"}, {"p.C", "p/a.go", 7, "3"}, {"p.init", "p/a.go", 9, "4"}, {"p.init", "p/a.go", 11, "5"}}
	after := []Part{{"p.A", "p/b.go", 4, "1"}, {"p.B", "p/a.go", 6, "x"}, {"p.D", "p/a.go", 8, "6"}, {"p.init", "p/a.go", 9, "y"}, {"p.init", "p/a.go", 11, "4"}}
	want := []Change{
		{Old: &before[1], New: &after[1]}, {Old: &before[2]}, {New: &after[2]}, {Old: &before[4], New: &after[3]},
	}
	if d := cmp.Diff(want, Compare(before, after)); d != "" {
		t.Error(d)
	}
	if c := Compare(before, before); c != nil {
		t.Errorf("equal lists differ by %v", c)
	}
}

func TestLanguageSettings(t *testing.T) {
	t.Parallel()
	mod := `module a // the module

go 1.26
toolchain go1.26.8

require b v1.0.0
require (
	c v1.0.0 // indirect
	d v1.0.0
)
replace b => ../b
godebug (
	default=go1.21
	panicnil=1
)
`
	want := "go 1.26\ntoolchain go1.26.8\ngodebug (\ndefault=go1.21\npanicnil=1\n)"
	if d := cmp.Diff(want, languageSettings(mod)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff("go 1.26", languageSettings("go 1.26\nuse (\n\t./a\n\t./b\n)\nreplace x => y")); d != "" {
		t.Error(d)
	}
}

func TestSummaryMemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, memo := filepath.Join(dir, "a.go"), filepath.Join(dir, "memo", "declarations")
	src := "package p\n\nimport \"fmt\"\n\nfunc F() { fmt.Println(x) }\n\nvar x = 1\n"
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := request{hashOf([]byte(src)), file}
	of := func(m *summaryMemo, s scope, r request) *declgraph.File {
		t.Helper()
		return m.of(t.Context(), s, []request{r})[0]
	}
	m := newSummaryMemo(memo)
	want, first := of(m, whole, ask), of(m, imports, ask)
	if want == nil || len(want.Decls) != 2 || first == nil || len(first.Imports) != 1 || len(first.Decls) != 0 {
		t.Fatalf("%+v and %+v", want, first)
	}
	m.save()
	gone := request{ask.digest, "/does/not/exist"}
	if d := cmp.Diff(want, of(newSummaryMemo(memo), whole, gone)); d != "" {
		t.Errorf("remembered:\n%s", d)
	}
	if got := of(newSummaryMemo(memo), whole, request{hashOf(nil), file}); got != nil {
		t.Errorf("a file that is not what was digested: %+v", got)
	}
	good, err := os.ReadFile(memo)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good { // no damage is believed
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x20
		if err := os.WriteFile(memo, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := of(newSummaryMemo(memo), whole, gone); got != nil {
			t.Fatalf("byte %d is damaged, and the memo is believed", i)
		}
	}
	for _, bad := range []string{"", "x", "1234"} {
		if err := os.WriteFile(memo, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, of(newSummaryMemo(memo), whole, ask)); d != "" {
			t.Errorf("memo %q:\n%s", bad, d)
		}
	}
}

// Other modules count for every function: by version and sum, or by all of their content.
func TestOtherModulesCount(t *testing.T) {
	t.Parallel()
	common := func(module, digest string) []Part {
		t.Helper()
		s := sources{files: map[string]string{"lib/lib.go": digest, "app/main.go": digest}, fixed: []string{module}}
		parts, ok := s.common(nil, map[string]bool{"app/main.go": true})
		if !ok {
			t.Fatal("not known")
		}
		return parts
	}
	first := common("a@v1.0.0 h1:x", "1")
	if c := Compare(first, common("a@v1.1.0 h1:y", "1")); len(c) != 2 || c[0].Old.Name != "module a@v1.0.0 h1:x" || c[1].New.Name != "module a@v1.1.0 h1:y" {
		t.Errorf("another version: %+v", c)
	}
	if c := Compare(first, common("a@v1.0.0 h1:x", "2")); len(c) != 1 || c[0].New.Name != "modules that are used from disk" {
		t.Errorf("other content: %+v", c)
	}
}
